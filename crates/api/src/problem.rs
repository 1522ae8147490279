//! How a failed request is answered: one shape, made in one place.
//!
//! A handler fails with a [`Problem`], which holds a [`Fault`] of the domain. The answer carries the fault to the
//! outermost layer ([`crate::answer`]), which alone knows the request's id and writes the body. So whatever fails, and
//! however deep, is shown in the same shape, and nothing internal reaches a client: what the infrastructure says goes
//! to the log under the request's id.

use crate::studio::Diagnostic;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::fault::{Code, Detail, Fault};
use serde::Serialize;
use utoipa::ToSchema;

/// What a handler fails with.
#[derive(Debug)]
pub struct Problem(pub Fault);

pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the store cannot be used at the moment");
            let message = "the service cannot reach its storage at the moment; try again shortly";
            return Self(Fault { retry_after_seconds: Some(1), ..Fault::new(Code::Unavailable, message) });
        }
        tracing::error!(%error, "a request failed in the store");
        Self::internal()
    }
}

impl Problem {
    /// A defect of this program. Whoever makes it logs why.
    pub fn internal() -> Self {
        Self(Fault::new(
            Code::InternalError,
            "something went wrong on our side; the request id finds it in the log",
        ))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = status(&self.0).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

fn status(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What an answer that failed says beside its error: what is wrong with a workflow's definition, place by place.
#[derive(Debug, Clone)]
pub struct Beside(pub Vec<Diagnostic>);

/// The body of every error answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorAnswer {
    error: ErrorBody,
    /// Only where a workflow's definition was refused: every mistake in it, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    /// Which error it is, for programs.
    #[schema(value_type = ErrorCode)]
    code: Code,
    /// What went wrong, for people.
    message: String,
    /// The same as `X-Request-Id`.
    request_id: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// Each field at fault; only with `VALIDATION_FAILED`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// The closed list of error codes, for the OpenAPI document.
#[allow(dead_code, reason = "only its schema is used")]
pub struct ErrorCode;

impl utoipa::PartialSchema for ErrorCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())))
            .into()
    }
}
impl ToSchema for ErrorCode {}

/// The answer to a request that failed with `fault`; `headers_of` is the answer made so far, whose headers are kept.
pub fn render(fault: Fault, request_id: &str, mut headers_of: Response) -> Response {
    let beside = headers_of.extensions_mut().remove::<Beside>();
    // The answer's own status where it is an error: a range that lies outside of a file has a status of its own.
    let so_far = headers_of.status();
    let failed = so_far.is_client_error() || so_far.is_server_error();
    let status = if failed { so_far } else { status(&fault) };
    let retry_after = fault.retry_after_seconds;
    let challenge = fault.code == Code::Unauthorized;
    let body = ErrorAnswer {
        error: ErrorBody {
            code: fault.code,
            message: fault.message,
            request_id: request_id.to_owned(),
            retryable: fault.retryable,
            details: fault.details,
        },
        diagnostics: beside.map(|Beside(diagnostics)| diagnostics).unwrap_or_default(),
    };
    let mut response = (status, axum::Json(body)).into_response();
    for (name, value) in headers_of.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if challenge {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("api-key"));
    }
    response
}

/// What an error answer without a fault means: one that the framework made before a handler was reached.
pub fn fault_of(status: StatusCode) -> Fault {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => (Code::NotFound, "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => (Code::MethodNotAllowed, "this path does not take this method"),
        StatusCode::PAYLOAD_TOO_LARGE => (Code::PayloadTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (Code::UnsupportedMediaType, "this content type is not understood here")
        }
        status if status.is_client_error() => (Code::InvalidRequest, "the request cannot be understood"),
        _ => return Problem::internal().0,
    };
    Fault::new(code, message)
}
