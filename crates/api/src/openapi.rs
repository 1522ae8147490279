//! The OpenAPI 3.1 document of both APIs.
//!
//! Paths, parameters and schemas come from the endpoints themselves. What holds for all of them is added here, so that
//! no endpoint can forget it: the key, the errors, `X-Request-Id`. The events are described as webhooks.

mod absent;
mod webhooks;

use crate::problem::{ErrorAnswer, ErrorCode};
use domain::{
    extraction::{Cell, FieldOutput, Money, Row, Table},
    fault::Detail,
    hub::{Bound, Field, FieldRules},
    run::{FileNode, NestedRuns, Progress, Run, RunError, RunStatus, Step, StepStatus, WorkflowName},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, Header, HttpMethod, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema,
        ServerBuilder,
        path::{Operation, PathItem},
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

const SCHEME: &str = "apiKey";

const DESCRIPTION: &str = "Documents in, typed fields out, and your systems are told the moment it is done.\n\n\
    Every request needs `Authorization: api-key <key>`. Every answer has `X-Request-Id`. Errors have one shape, \
    `Error`; retry where `retryable` is true. Times are UTC. Keys that an endpoint does not know are refused.";

const TAGS: &[(&str, &str)] = &[
    ("Files", "Uploaded once, used by any number of jobs"),
    ("Document Insights", "A document in, its typed fields out"),
    ("Workflow runs", "Durable processes over documents: begun, watched, signalled, taken up again"),
    ("Event subscriptions", "Who is told of what, and where"),
    ("Deliveries", "What became of each event on its way to each subscription"),
    ("Events", "What has happened"),
    ("Event listeners", "Deliveries by pull, for a machine without an address; `plextera listen` uses them"),
    ("Workflow definitions", "Drafts, versions and what starts them; needs a key with the scope `studio`"),
    ("Studio", "Hubs, keys and settings; needs a key with the scope `studio`"),
];

/// The document, for whoever wants it without a server.
pub fn document() -> OpenApi {
    finish(crate::described().split_for_parts().1)
}

/// Adds what all endpoints have in common.
pub fn finish(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Plextera")
        .version(domain::event::API_VERSION)
        .description(Some(DESCRIPTION))
        .build();
    document.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    let tag = |(name, text): &(&str, &str)| TagBuilder::new().name(*name).description(Some(*text)).build();
    document.tags = Some(TAGS.iter().map(tag).collect());
    document.security = Some(vec![SecurityRequirement::new(SCHEME, [""; 0])]);
    for (path, item) in &mut document.paths.paths {
        let has_id = path.contains('{');
        for (method, operation) in operations(item) {
            complete(operation, &method, has_id);
        }
    }
    let components = document.components.get_or_insert_default();
    let description = "`api-key` and a blank, then the key: `api-key sk_live_…`";
    let scheme =
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Authorization", description)));
    components.add_security_scheme(SCHEME, scheme);
    components.schemas.insert("Error".to_owned(), ErrorAnswer::schema());
    let mut schemas = vec![own::<ErrorCode>(), own::<Detail>()];
    // Types that refer to themselves are not followed by those that mention them.
    schemas.extend([own::<Money>(), own::<Table>(), own::<Row>(), own::<Cell>()]);
    schemas.extend([own::<Field>(), own::<FieldRules>(), own::<Bound>()]);
    schemas.extend([
        own::<Run>(),
        own::<RunStatus>(),
        own::<RunError>(),
        own::<WorkflowName>(),
        own::<Progress>(),
    ]);
    schemas.extend([own::<Step>(), own::<StepStatus>(), own::<NestedRuns>(), own::<FileNode>()]);
    ErrorAnswer::schemas(&mut schemas);
    FieldOutput::schemas(&mut schemas);
    Cell::schemas(&mut schemas);
    Field::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let (hooks, schemas) = webhooks::all();
    components.schemas.extend(schemas);
    absent::not_null(&mut components.schemas);
    document.webhooks = Some(hooks);
    document
}

/// A type's schema under its own name.
fn own<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete(operation: &mut Operation, method: &HttpMethod, has_id: bool) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("X-Request-Id".to_owned(), RefOr::T(request_id()));
        }
    }
    let mut errors = vec![
        (400, "The request cannot be understood"),
        (401, "No valid API key"),
        (403, "The key lacks the scope"),
        (406, "The `Accept` header excludes JSON"),
        (429, "Too many requests; see `Retry-After`"),
        (500, "A defect of the server"),
        (503, "The server cannot reach its storage; try again"),
    ];
    if has_id {
        errors.push((404, "There is nothing with this id"));
    }
    if !matches!(method, HttpMethod::Get) {
        errors.push((
            409,
            "The state of the resource does not allow it, or the idempotency key was used before",
        ));
    }
    if matches!(method, HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch) {
        errors.push((413, "The body is too large"));
        errors.push((415, "The content type, or the kind of file, is not accepted"));
        errors.push((422, "Something in the body cannot be; `details` says what"));
    }
    for (status, description) in errors {
        operation
            .responses
            .responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(error(description)));
    }
}

fn error(description: &str) -> utoipa::openapi::Response {
    ResponseBuilder::new()
        .description(description)
        .content("application/json", Content::new(Some(Ref::from_schema_name("Error"))))
        .header("X-Request-Id", request_id())
        .build()
}

fn request_id() -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    utoipa::openapi::header::HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some("The client's own id, or one that was made"))
        .build()
}
