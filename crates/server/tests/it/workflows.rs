//! Workflow definitions over the Studio API: drafts, diagnostics, versions, secrets.

use crate::support::{error, on_both_databases};
use domain::{key::Scope, limits};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::platform::{Answer, Platform, send};

on_both_databases!(
    a_draft_is_kept_and_says_what_is_wrong_with_it,
    only_what_compiles_is_published_and_versions_stay,
    bodies_that_are_no_definition_are_refused,
    workflows_belong_to_one_organization_and_the_studio,
    secrets_are_written_and_never_read,
);

const WORKFLOWS: &str = "//api/studio/v1/workflows";
const SECRETS: &str = "//api/studio/v1/secrets";
const GREETING: &str =
    "version: 1\nname: Greeting\nsteps:\n  - id: hello\n    uses: transform\n    with: hello\n";

async fn yaml(platform: &Platform, method: Method, path: &str, source: &str) -> Answer {
    let request = platform.client().request(method, &format!("{WORKFLOWS}{path}"));
    send(request.header("Content-Type", "application/yaml").body(source.to_owned())).await
}

async fn put(platform: &Platform, id: &str, source: &str) -> Value {
    let answer = yaml(platform, Method::PUT, &format!("/{id}"), source).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn publish(platform: &Platform, id: &str) -> Answer {
    send(platform.client().request(Method::POST, &format!("{WORKFLOWS}/{id}/publish"))).await
}

/// With a field that the hub of invoices does not have.
fn misspelt(platform: &Platform) -> String {
    format!(
        "version: 1\nname: Totals\nsteps:\n  - id: read\n    uses: document_insights\n    with: {{ document: \"${{{{ \
         body.document[0] }}}}\", hub: {} }}\n  - id: total\n    uses: transform\n    with: ${{{{ \
         steps.read.output.fields.totl.value }}}}\n",
        platform.hubs[0]
    )
}

async fn a_draft_is_kept_and_says_what_is_wrong_with_it(platform: Platform) {
    let client = platform.client();
    let saved = put(&platform, "greeting", GREETING).await;
    assert_eq!(saved["draft"], json!({"valid": true, "diagnostics": []}));
    assert_eq!((&saved["id"], &saved["name"]), (&json!("greeting"), &json!("Greeting")));
    assert!(saved.get("publishedVersion").is_none());

    let source = misspelt(&platform);
    let saved = put(&platform, "totals", &source).await;
    assert_eq!((&saved["name"], &saved["draft"]["valid"]), (&json!("Totals"), &json!(false)));
    let found = &saved["draft"]["diagnostics"][0];
    assert_eq!((&found["code"], &found["line"]), (&json!("UNKNOWN_FIELD"), &json!(9)), "{saved}");
    assert!(found["hint"].as_str().is_some_and(|hint| hint.contains("total")), "{found}");
    for place in ["column", "endLine", "endColumn"] {
        assert!(found[place].as_u64().is_some_and(|number| number > 0), "{found}");
    }
    let shown = client.get(&format!("{WORKFLOWS}/totals")).await.json();
    assert_eq!((&shown["draft"]["source"], &shown["draft"]["valid"]), (&json!(source), &json!(false)));

    let broken = put(&platform, "totals", "steps: [").await;
    assert_eq!(broken["draft"]["diagnostics"][0]["code"], "YAML_SYNTAX");
    assert_eq!(broken["name"], "Totals", "the last name that could be read");
    assert_eq!(put(&platform, "fresh", "").await["name"], "fresh");

    let verdict = yaml(&platform, Method::POST, "/validate", &source).await.json();
    assert_eq!(verdict["diagnostics"][0]["code"], "UNKNOWN_FIELD");
    let verdict = send(client.request(Method::POST, &format!("{WORKFLOWS}/totals/validate"))).await.json();
    assert_eq!(verdict["diagnostics"][0]["code"], "YAML_SYNTAX");
    let verdict = yaml(&platform, Method::POST, "/totals/validate", GREETING).await.json();
    assert_eq!(verdict, json!({"valid": true, "diagnostics": []}));
}

async fn only_what_compiles_is_published_and_versions_stay(platform: Platform) {
    let client = platform.client();
    assert_eq!(publish(&platform, "greeting").await.error(), error(404, "NOT_FOUND"));
    put(&platform, "greeting", "name: Greeting").await;
    let refused = publish(&platform, "greeting").await;
    assert_eq!(refused.error(), error(422, "VALIDATION_FAILED"));
    assert!(refused.fields().iter().all(|field| field == "draft"));
    assert_eq!(refused.json()["diagnostics"][0]["code"], "MISSING_KEY", "{refused:?}");
    assert_eq!(refused.text("error/requestId"), refused.header("x-request-id"));

    put(&platform, "greeting", GREETING).await;
    let first = publish(&platform, "greeting").await;
    assert_eq!((first.status, first.json()["version"].clone()), (200, json!(1)));
    assert_eq!(
        publish(&platform, "greeting").await.json(),
        first.json(),
        "the same again is the same version"
    );

    let path = format!("{WORKFLOWS}/greeting/publish");
    let changed = GREETING.replace("with: hello", "with: good day");
    assert_eq!(put(&platform, "greeting", &changed).await["publishedVersion"], 1);
    let second = client.post_once(&path, "publication 2", json!({})).await;
    assert_eq!((second.status, second.json()["version"].clone()), (200, json!(2)), "{second:?}");
    put(&platform, "greeting", &GREETING.replace("with: hello", "with: bye")).await;
    let replayed = client.post_once(&path, "publication 2", json!({})).await;
    assert_eq!((replayed.json(), replayed.header("idempotency-replayed")), (second.json(), "true"));
    assert_eq!(client.post(&path, json!({"version": 7})).await.fields(), ["version"]);

    let versions = client.get(&format!("{WORKFLOWS}/greeting/versions")).await;
    assert_eq!((versions.counts(), versions.json()["data"][0]["version"].clone()), ((2, 2), json!(2)));
    let version = client.get(&format!("{WORKFLOWS}/greeting/versions/1")).await.json();
    assert_eq!((&version["source"], &version["definition"]["name"]), (&json!(GREETING), &json!("Greeting")));
    for missing in ["greeting/versions/3", "greeting/versions/0", "greeting/versions/01", "other/versions"] {
        assert_eq!(client.get(&format!("{WORKFLOWS}/{missing}")).await.status, 404, "{missing}");
    }
    assert_eq!(client.delete(&format!("{WORKFLOWS}/greeting")).await.status, 204);
    assert_eq!(client.delete(&format!("{WORKFLOWS}/greeting")).await.status, 404);
    assert_eq!(client.get(&format!("{WORKFLOWS}/greeting/versions/1")).await.status, 404);
    put(&platform, "greeting", GREETING).await;
    assert_eq!(publish(&platform, "greeting").await.json()["version"], 3);
}

async fn bodies_that_are_no_definition_are_refused(platform: Platform) {
    let put = async |id: &str, kind: &str, body: Vec<u8>| {
        let request = platform.client().request(Method::PUT, &format!("{WORKFLOWS}/{id}"));
        send(request.header("Content-Type", kind).body(body)).await
    };
    let yaml = "application/yaml";
    assert_eq!(
        put("a", "application/json", b"{}".to_vec()).await.error(),
        error(415, "UNSUPPORTED_MEDIA_TYPE")
    );
    assert_eq!(put("a", yaml, vec![0xff, 0xfe]).await.error(), error(400, "INVALID_REQUEST"));
    assert_eq!(put("a", yaml, b"name: \0".to_vec()).await.error(), error(400, "INVALID_REQUEST"));
    let large = vec![b'#'; limits::WORKFLOW_BYTES_MAX + 1];
    assert_eq!(put("a", yaml, large).await.error(), error(413, "PAYLOAD_TOO_LARGE"));
    assert_eq!(put("a", yaml, vec![b'#'; limits::WORKFLOW_BYTES_MAX]).await.status, 200);
    for id in ["Claim", "claim_intake", "-a", &"x".repeat(65)] {
        assert_eq!(put(id, yaml, b"name: x".to_vec()).await.fields(), ["workflowId"], "{id}");
    }
    assert_eq!(put("validate", yaml, b"name: x".to_vec()).await.error(), error(405, "METHOD_NOT_ALLOWED"));
}

async fn workflows_belong_to_one_organization_and_the_studio(platform: Platform) {
    put(&platform, "greeting", GREETING).await;
    put(&platform, "other", GREETING).await;
    let client = platform.client();
    let listed = client.get(&format!("{WORKFLOWS}?size=1&sort=asc")).await;
    assert_eq!(listed.counts(), (1, 2));
    assert!(listed.json()["data"][0].get("draft").is_none());
    assert_eq!(client.get(&format!("{WORKFLOWS}?status=x")).await.status, 400);
    let stranger = platform.stranger().await;
    assert_eq!(stranger.get(WORKFLOWS).await.counts(), (0, 0));
    assert_eq!(stranger.get(&format!("{WORKFLOWS}/greeting")).await.error(), error(404, "NOT_FOUND"));
    assert_eq!(stranger.delete(&format!("{WORKFLOWS}/greeting")).await.status, 404);
    let key = platform.key(&[Scope::Public]).await;
    let public = platform.client_with(Some(key.reveal()));
    assert_eq!(public.get(WORKFLOWS).await.error(), error(403, "FORBIDDEN"));
}

async fn secrets_are_written_and_never_read(platform: Platform) {
    let client = platform.client();
    let put = async |name: &str, body: Value| {
        send(client.request(Method::PUT, &format!("{SECRETS}/{name}")).json(&body)).await
    };
    let kept = put("LEDGER_TOKEN", json!({"value": "s3cr3t-value"})).await;
    assert_eq!((kept.status, kept.text("name")), (200, "LEDGER_TOKEN".to_owned()));
    assert_eq!(put("LEDGER_TOKEN", json!({"value": "another"})).await.status, 200);
    let listed = client.get(SECRETS).await;
    assert_eq!(listed.counts(), (1, 1));
    for answer in [&kept, &listed] {
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains("s3cr3t") && !text.contains("another"), "{text}");
    }
    let opened =
        platform.store.workflow_secrets().open(platform.org_id, &["LEDGER_TOKEN".into()]).await.unwrap();
    assert_eq!(opened[0].1.as_str(), "another");

    assert_eq!(put("A-B", json!({"value": "x"})).await.fields(), ["name"]);
    assert_eq!(put("A", json!({})).await.fields(), ["value"]);
    assert_eq!(put("A", json!({"value": "", "note": 1})).await.fields(), ["value", "note"]);
    assert_eq!(put("A", json!({"value": "ä".repeat(16 * 1024)})).await.fields(), ["value"], "bytes count");
    assert_eq!(client.get(&format!("{SECRETS}/LEDGER_TOKEN")).await.status, 405);
    assert_eq!(platform.stranger().await.get(SECRETS).await.counts(), (0, 0));
    assert_eq!(client.delete(&format!("{SECRETS}/LEDGER_TOKEN")).await.status, 204);
    assert_eq!(client.delete(&format!("{SECRETS}/LEDGER_TOKEN")).await.status, 404);
}
