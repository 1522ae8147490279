//! Section 8: hubs are made, changed, exported and read documents at once.

use crate::support::{EXTRACT, JOBS, error, on_both_databases};
use serde_json::{Value, json};
use std::path::Path;
use testkit::{
    pdf::text_pages,
    platform::{Answer, Client, Platform},
};

on_both_databases!(
    a_hub_is_made_changed_and_deleted,
    every_mistake_in_a_hub_is_told,
    every_change_is_a_version,
    a_hub_travels_as_a_file,
    the_default_hub_is_chosen,
    hubs_of_others_are_not_there,
    all_types_are_read_by_a_hub_of_ones_own,
    broken_rules_and_doubt_recommend_a_review,
);

pub const HUBS: &str = "//api/studio/v1/hubs";

fn simple() -> Value {
    json!({"name": "Delivery notes", "fields": [
        {"id": "number", "name": "Delivery note", "type": "string", "aliases": ["Note no"], "required": true, "pattern": "DN-[0-9]+"},
        {"id": "lines", "name": "Lines", "type": "table", "columns": [{"id": "item", "name": "Item", "type": "string"}]}]})
}

fn at(answer: &Answer) -> String {
    format!("{HUBS}/{}", answer.text("id"))
}

async fn a_hub_is_made_changed_and_deleted(platform: Platform) {
    let client = platform.client();
    let made = client.post(HUBS, simple()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let hub = made.json();
    assert!(made.text("id").len() == 24 && made.text("id").bytes().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(
        (&hub["enabled"], &hub["version"], &hub["duplicates"]),
        (&json!(true), &json!(1), &json!("reject"))
    );
    assert_eq!(hub["fields"][0]["pattern"], "DN-[0-9]+");
    let path = at(&made);
    assert_eq!(client.get(&path).await.json(), hub);
    assert_eq!(client.get(HUBS).await.counts(), (4, 4));

    let more = json!({"name": "Notes", "languages": ["en", "de"], "duplicates": "allow", "nearDuplicates": "reject",
        "businessKey": {"fields": ["number"]}, "routing": {"metadata": {"kind": "note"}},
        "review": {"maxErrorRate": 0.02}, "rules": [{"kind": "atLeastOne", "fields": ["number"]}]});
    let changed = client.patch(&path, more.clone()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let now = changed.json();
    assert_eq!((&now["version"], &now["fields"]), (&json!(2), &hub["fields"]));
    assert_eq!((&now["name"], &now["businessKey"]["duplicates"]), (&json!("Notes"), &json!("reject")));
    assert_eq!(client.patch(&path, more).await.json()["version"], 2, "what changes nothing is no version");
    let cleared = client.patch(&path, json!({"businessKey": null, "review": null})).await.json();
    assert!(cleared.get("businessKey").is_none() && cleared.get("review").is_none());

    assert_eq!(client.delete(&path).await.status, 204);
    for gone in [client.get(&path).await, client.delete(&path).await, client.patch(&path, json!({})).await] {
        assert_eq!(gone.error(), error(404, "NOT_FOUND"));
    }
    let once = client.post_once(HUBS, "one", simple()).await;
    let again = client.post_once(HUBS, "one", simple()).await;
    assert_eq!((once.text("id"), again.header("idempotency-replayed")), (again.text("id"), "true"));
}

async fn every_mistake_in_a_hub_is_told(platform: Platform) {
    let client = platform.client();
    let field = |more: Value| {
        let mut field = json!({"id": "a", "name": "A", "type": "string"});
        field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"name": "H", "fields": [field]})
    };
    for (body, fields) in [
        (json!({}), vec!["name", "fields"]),
        (json!({"name": "", "fields": []}), vec!["name"]),
        (json!({"name": "H", "fields": []}), vec!["fields"]),
        (json!({"name": "H", "fields": {}}), vec!["fields"]),
        (field(json!({"id": "a.b"})), vec!["fields[0].id"]),
        (field(json!({"type": "text"})), vec!["fields[0].type"]),
        (field(json!({"lable": "x"})), vec!["fields[0].lable"]),
        (field(json!({"pattern": "[0-9"})), vec!["fields[0].pattern"]),
        (field(json!({"values": ["x"]})), vec!["fields[0].values"]),
        (field(json!({"columns": [{"id": "c", "name": "C", "type": "date"}]})), vec!["fields[0].columns"]),
        (field(json!({"type": "enum"})), vec!["fields[0].values"]),
        (field(json!({"type": "table"})), vec!["fields[0].columns"]),
        (
            field(
                json!({"type": "table", "columns": [{"id": "c", "name": "C", "type": "money"}, {"id": "c", "name": "C", "type": "money"}]}),
            ),
            vec!["fields[0].columns[1].id"],
        ),
        (field(json!({"aliases": ["", 7]})), vec!["fields[0].aliases[0]", "fields[0].aliases[1]"]),
        (field(json!({"required": "yes"})), vec!["fields[0].required"]),
    ] {
        assert_eq!(client.post(HUBS, body.clone()).await.fields(), fields, "{body}");
    }
    let two = json!({"id": "a", "name": "A", "type": "date"});
    assert_eq!(
        client.post(HUBS, json!({"name": "H", "fields": [two, two]})).await.fields(),
        ["fields[1].id"]
    );
    let made = client.post(HUBS, simple()).await;
    for (body, fields) in [
        (json!({"version": 7}), vec!["version"]),
        (json!({"id": "x"}), vec!["id"]),
        (json!({"name": null}), vec!["name"]),
        (json!({"languages": ["english"]}), vec!["languages[0]"]),
        (json!({"routing": {"meta": {}}}), vec!["routing.meta"]),
        (json!({"duplicates": "ask"}), vec!["duplicates"]),
        (json!({"review": {"maxErrorRate": 2}}), vec!["review.maxErrorRate"]),
    ] {
        assert_eq!(client.patch(&at(&made), body.clone()).await.fields(), fields, "{body}");
    }
}

async fn every_change_is_a_version(platform: Platform) {
    let client = platform.client();
    let made = client.post(HUBS, simple()).await;
    let path = at(&made);
    client.patch(&path, json!({"name": "Second"})).await;
    assert_eq!(client.post(&format!("{path}/disable"), json!({})).await.json()["enabled"], false);
    assert_eq!(client.post(&format!("{path}/disable"), json!({})).await.json()["version"], 3);
    assert_eq!(client.post(&format!("{path}/enable"), json!({})).await.json()["version"], 4);
    let versions = client.get(&format!("{path}/versions")).await;
    assert_eq!(versions.counts(), (4, 4));
    assert_eq!(
        (&versions.json()["data"][0]["version"], versions.text("data/3/name")),
        (&json!(4), "Delivery notes".into())
    );
    let first = client.get(&format!("{path}/versions/1")).await.json();
    assert_eq!((&first["name"], &first["version"]), (&json!("Delivery notes"), &json!(1)));
    for nothing in ["versions/9", "versions/x"] {
        assert_eq!(client.get(&format!("{path}/{nothing}")).await.status, 404);
    }
}

async fn a_hub_travels_as_a_file(platform: Platform) {
    let client = platform.client();
    for hub in &platform.hubs {
        let file = client.get(&format!("{HUBS}/{hub}/export")).await;
        assert!(file.header("content-disposition").starts_with("attachment"), "{file:?}");
        let stranger = platform.stranger().await;
        let taken = stranger.post(&format!("{HUBS}/import"), file.json()).await;
        assert_eq!(taken.status, 201, "{taken:?}");
        assert_ne!(taken.text("id"), hub.to_string());
        let exported = stranger.get(&format!("{}/export", at(&taken))).await.json();
        assert_eq!(exported, file.json(), "the same again");
    }
    let import = format!("{HUBS}/import");
    assert_eq!(client.post(&import, simple()).await.fields(), ["format"]);
    assert_eq!(
        client.post(&import, json!({"format": "other/1", "name": "H"})).await.fields(),
        ["format", "fields"]
    );
}

async fn the_default_hub_is_chosen(platform: Platform) {
    let client = platform.client();
    let made = client.post(HUBS, simple()).await;
    let org = "//api/studio/v1/organization";
    assert_eq!(client.post(&format!("{}/default", at(&made)), json!({})).await.status, 200);
    assert_eq!(client.get(org).await.text("defaultHubId"), made.text("id"));
    assert_eq!(client.delete(&at(&made)).await.error(), error(409, "CONFLICT"));
    let none = client.patch(org, json!({"defaultHubId": null, "smartClassification": false})).await.json();
    assert!(none.get("defaultHubId").is_none() && none["smartClassification"] == false);
    assert_eq!(
        client.patch(org, json!({"defaultHubId": "6721b0c4e5f60718293a4b5c"})).await.fields(),
        ["defaultHubId"]
    );
    assert_eq!(client.patch(org, json!({"default": 1})).await.fields(), ["default"]);
    assert_eq!(client.delete(&at(&made)).await.status, 204);
}

async fn hubs_of_others_are_not_there(platform: Platform) {
    let (client, stranger) = (platform.client(), platform.stranger().await);
    let path = at(&client.post(HUBS, simple()).await);
    for answer in [
        stranger.get(&path).await,
        stranger.patch(&path, json!({"name": "x"})).await,
        stranger.delete(&path).await,
        stranger.get(&format!("{path}/versions")).await,
        stranger.get(&format!("{path}/export")).await,
        stranger.post(&format!("{path}/default"), json!({})).await,
    ] {
        assert_eq!(answer.error(), error(404, "NOT_FOUND"));
    }
    let public = platform.key(&[domain::key::Scope::Public]).await;
    assert_eq!(platform.client_with(Some(public.reveal())).get(HUBS).await.status, 403);
}

/// Queues a job on a document for a hub and waits for its end.
pub async fn read(platform: &Platform, client: &Client, name: &str, document: &[u8], hub: &str) -> Value {
    let file = client.store_file(name, document).await;
    let job = client.post(EXTRACT, json!({"document": {"fileId": file}, "hubId": hub})).await;
    assert_eq!(job.status, 202, "{job:?}");
    ended(platform, client, &job.text("id")).await
}

/// A job once it has ended.
pub async fn ended(platform: &Platform, client: &Client, id: &str) -> Value {
    let path = format!("{JOBS}/{id}");
    let ask = || async {
        let job = client.get(&path).await.json();
        (!matches!(job["status"].as_str(), Some("QUEUED" | "PROCESSING"))).then_some(job)
    };
    platform.until(ask).await
}

/// A field of a job's output.
pub fn field<'j>(job: &'j Value, id: &str) -> &'j Value {
    let fields = job["output"]["fields"].as_array().unwrap_or_else(|| panic!("no output: {job}"));
    fields.iter().find(|field| field["id"] == id).unwrap_or(&Value::Null)
}

const NOTE: &str = "Delivery note\n\nDelivery no: DN-778\nUnits: 12\nWeight kg: 17.5\nFragile: yes\nDispatch date: 2026-02-03\n\
    Arrival time: 2026-02-04 08:30\nFreight cost: 49.90 EUR\nCarrier mode: Road\nRemarks: handle with care";

async fn all_types_are_read_by_a_hub_of_ones_own(platform: Platform) {
    let mut platform = platform;
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    let client = platform.client();
    let field_of = |id: &str, name: &str, kind: &str| json!({"id": id, "name": name, "type": kind});
    let mut mode = field_of("mode", "Carrier mode", "enum");
    mode["values"] = json!(["Road", "Rail", "Sea"]);
    let fields = [
        field_of("number", "Delivery no", "string"),
        field_of("units", "Units", "integer"),
        field_of("weight", "Weight kg", "number"),
        field_of("fragile", "Fragile", "boolean"),
        field_of("dispatched", "Dispatch date", "date"),
        field_of("arrival", "Arrival time", "dateTime"),
        field_of("freight", "Freight cost", "money"),
        mode,
        field_of("remarks", "Remarks", "list"),
    ];
    let made = client.post(HUBS, json!({"name": "Delivery notes", "fields": fields})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let job = read(&platform, &client, "note.pdf", &text_pages(&[NOTE]), &made.text("id")).await;
    assert_eq!((&job["status"], &job["hubVersion"]), (&json!("COMPLETED"), &json!(1)), "{job}");
    let value = |id: &str| field(&job, id)["value"].clone();
    assert_eq!(value("number"), "DN-778");
    assert_eq!(value("units"), 12);
    assert_eq!(value("weight"), 17.5);
    assert_eq!(value("fragile"), true);
    assert_eq!(value("dispatched"), "2026-02-03");
    assert!(
        value("arrival").as_str().is_some_and(|time| time.starts_with("2026-02-04T")),
        "{}",
        value("arrival")
    );
    assert_eq!(value("freight"), json!({"amount": "49.90", "currency": "EUR"}));
    assert_eq!(value("mode"), "Road");
    assert!(value("remarks").is_array(), "{}", value("remarks"));
}

async fn broken_rules_and_doubt_recommend_a_review(platform: Platform) {
    let mut platform = platform;
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    let client = platform.client();
    let mut total = json!({"id": "total", "name": "Total", "type": "money"});
    total["rules"] = json!({"max": 100});
    let hub = json!({"name": "Bills", "duplicates": "allow", "fields": [total]});
    let path = at(&client.post(HUBS, hub).await);
    let id = path.rsplit('/').next().unwrap();
    let bill = |sum: &str| text_pages(&[&format!("Bill\nTotal: {sum} EUR")]);
    let high = read(&platform, &client, "a.pdf", &bill("119.00"), id).await;
    assert_eq!((&high["status"], &high["reviewRecommended"]), (&json!("COMPLETED"), &json!(true)), "{high}");
    assert_eq!(high["output"]["issues"][0]["rule"], "max");
    assert_eq!(high["output"]["issues"][0]["fieldIds"], json!(["total"]));
    let low = read(&platform, &client, "b.pdf", &bill("19.00"), id).await;
    assert!(low.get("reviewRecommended").is_none() && low["output"].get("issues").is_none(), "{low}");
    client.patch(&path, json!({"review": {"maxErrorRate": 0.0001}})).await;
    let doubtful = read(&platform, &client, "c.pdf", &bill("21.00"), id).await;
    assert_eq!(
        (&doubtful["reviewRecommended"], &doubtful["hubVersion"]),
        (&json!(true), &json!(2)),
        "{doubtful}"
    );
    client.patch(&path, json!({"review": {"maxErrorRate": 0.9999}})).await;
    let sure = read(&platform, &client, "d.pdf", &bill("22.00"), id).await;
    assert!(sure.get("reviewRecommended").is_none(), "{sure}");
}
