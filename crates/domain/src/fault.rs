//! The closed list of what can go wrong with a request, and how a client sees it.
//!
//! Every error answer of the API is one [`Fault`]; its HTTP status and whether a retry makes sense follow from the code
//! alone, here and nowhere else. Reasons why a *job* ended badly are a list of their own: [`crate::job::Rejection`] and
//! [`crate::job::Failure`].

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $retryable:literal;)*) => {
        /// The code of an error answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }
            /// Whether the same request may succeed later.
            pub const fn retryable(self) -> bool {
                match self { $(Code::$name => $retryable,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be understood: bad JSON, a bad query parameter, a bad header.
    InvalidRequest = "INVALID_REQUEST", 400, false;
    Unauthorized = "UNAUTHORIZED", 401, false;
    Forbidden = "FORBIDDEN", 403, false;
    NotFound = "NOT_FOUND", 404, false;
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, false;
    NotAcceptable = "NOT_ACCEPTABLE", 406, false;
    Conflict = "CONFLICT", 409, false;
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, false;
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, false;
    /// The request is well formed and asks for something that cannot be; `details` says what.
    ValidationFailed = "VALIDATION_FAILED", 422, false;
    RateLimited = "RATE_LIMITED", 429, true;
    InternalError = "INTERNAL_ERROR", 500, false;
    UpstreamError = "UPSTREAM_ERROR", 502, true;
    Unavailable = "UNAVAILABLE", 503, true;
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ErrorDetail))]
pub struct Detail {
    /// A dotted path: `metadata.customerDocumentId`, `eventTypes[1]`.
    pub field: String,
    pub issue: String,
}

impl Detail {
    pub fn new(field: impl Into<String>, issue: impl Into<String>) -> Self {
        Self { field: field.into(), issue: issue.into() }
    }
}

/// An error as a client sees it. Its message is written for that client and holds nothing internal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct Fault {
    pub code: Code,
    pub message: String,
    /// Only with `VALIDATION_FAILED`.
    pub details: Vec<Detail>,
    /// A conflict that reading again cures.
    pub retryable: bool,
    /// Seconds, with `RATE_LIMITED` and `UNAVAILABLE`.
    pub retry_after_seconds: Option<u64>,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
            retryable: code.retryable(),
            retry_after_seconds: None,
        }
    }

    /// A 422 that names every field at fault.
    pub fn validation(details: Vec<Detail>) -> Self {
        let message = match details.as_slice() {
            [one] => format!("{}: {}", one.field, one.issue),
            many => format!("{} fields are invalid", many.len()),
        };
        Self { details, ..Self::new(Code::ValidationFailed, message) }
    }

    /// A 422 for one field.
    pub fn field(field: impl Into<String>, issue: impl Into<String>) -> Self {
        Self::validation(vec![Detail::new(field, issue)])
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("no such {what}"))
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// A conflict that goes away by itself or by reading the resource again.
    pub fn transient_conflict(message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::conflict(message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_retryable_as_documented() {
        let texts: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        let retryable: Vec<u16> =
            Code::ALL.iter().filter(|code| code.retryable()).map(|code| code.status()).collect();
        assert_eq!(retryable, [429, 502, 503]);
    }

    #[test]
    fn one_detail_makes_the_message_readable_alone() {
        assert_eq!(Fault::field("hubId", "unknown hub").message, "hubId: unknown hub");
    }
}
