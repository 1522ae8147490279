//! The five events, as the requests that a subscriber's endpoint receives.

use domain::{
    event::{EventType, JobEventData, RunEventData, sample},
    id::{EventId, UlidId},
    time::Timestamp,
};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, HttpMethod, Ref, RefOr, Required, ResponseBuilder, Schema,
        path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths},
        request_body::RequestBodyBuilder,
        schema::{ObjectBuilder, Type},
    },
};

/// What a receiver gets when a job has ended.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is used")]
struct JobEvent {
    event_id: EventId,
    event_type: EventType,
    /// The time of the terminal state, the same as `data.completedAt`.
    occurred_at: Timestamp,
    api_version: String,
    data: JobEventData<'static>,
}

/// What a receiver gets when a workflow run has ended.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is used")]
struct RunEvent {
    event_id: EventId,
    event_type: EventType,
    /// The time of the terminal state, the same as `data.completedAt`.
    occurred_at: Timestamp,
    api_version: String,
    data: RunEventData<'static>,
}

/// Headers of every delivery: name, whether it is always there, what it says.
const HEADERS: &[(&str, bool, &str)] = &[
    ("X-Plextera-Delivery-Id", true, "New on each attempt"),
    ("X-Plextera-Event-Id", true, "The same on each attempt: what to deduplicate by"),
    ("X-Plextera-Event-Type", true, "The same as `eventType`"),
    ("X-Plextera-Event-Occurred-At", true, "The same as `occurredAt`"),
    ("X-Plextera-Api-Version", true, "The same as `apiVersion`"),
    (
        "X-Plextera-Signature",
        true,
        "`t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>` with the signing secret; two `v1` while a secret \
         is being rotated",
    ),
    ("X-Plextera-Sequence", false, "Gapless from 1 within the subscription; test events have none"),
    ("webhook-id", true, "Standard Webhooks: the event's id"),
    ("webhook-timestamp", true, "Standard Webhooks: unix seconds"),
    ("webhook-signature", true, "Standard Webhooks: `v1,<base64>`"),
    ("traceparent", true, "W3C Trace Context: the event is the trace, the attempt is the span"),
];

/// The webhooks by event type, and the schemas that they use.
pub fn all() -> (Paths, Vec<(String, RefOr<Schema>)>) {
    let mut paths = Paths::new();
    for event_type in EventType::ALL {
        paths
            .paths
            .insert(event_type.as_str().to_owned(), PathItem::new(HttpMethod::Post, operation(event_type)));
    }
    let mut schemas =
        vec![("JobEvent".to_owned(), JobEvent::schema()), ("RunEvent".to_owned(), RunEvent::schema())];
    JobEvent::schemas(&mut schemas);
    RunEvent::schemas(&mut schemas);
    (paths, schemas)
}

fn operation(event_type: EventType) -> OperationBuilder {
    let is_job =
        matches!(event_type, EventType::JobCompleted | EventType::JobFailed | EventType::JobRejected);
    let schema = Ref::from_schema_name(if is_job { "JobEvent" } else { "RunEvent" });
    let mut content = Content::new(Some(schema));
    content.example = example(event_type);
    let body =
        RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build();
    let received = ResponseBuilder::new()
        .description(
            "Delivered. Any other answer, and none within the time limit, is retried with growing pauses",
        )
        .build();
    let mut operation = OperationBuilder::new()
        .summary(Some(format!("{event_type}")))
        .operation_id(Some(format!("on-{event_type}")))
        .request_body(Some(body))
        .response("2XX", received);
    for (name, always, description) in HEADERS {
        let parameter = ParameterBuilder::new()
            .name(*name)
            .parameter_in(ParameterIn::Header)
            .required(if *always { Required::True } else { Required::False })
            .description(Some(*description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        operation = operation.parameter(parameter);
    }
    operation
}

/// The specimen that the test endpoint sends, without the mark of a test.
fn example(event_type: EventType) -> Option<Value> {
    let body =
        sample::render_test(EventId::from_parts(1_772_357_402_000, 0x3_77d1), event_type, domain_time())
            .ok()?;
    let mut json: Value = serde_json::from_slice(&body).ok()?;
    json.get_mut("data")?.as_object_mut()?.remove("test");
    Some(json)
}

/// 2026-03-01T09:30:02Z.
fn domain_time() -> Timestamp {
    Timestamp::from_ms(1_772_357_402_000)
}
