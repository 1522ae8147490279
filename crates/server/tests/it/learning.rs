//! Section 3 and 8: a feedback with a value, or a labelled example, changes how the hub reads the next document.

use crate::{
    hubs::{HUBS, ended, field, read},
    support::{JOBS, error, on_both_databases},
};
use serde_json::{Value, json};
use std::path::Path;
use testkit::{
    pdf::text_pages,
    platform::{Client, Platform},
};

on_both_databases!(
    a_correction_changes_the_next_document_of_the_seller,
    examples_are_read_and_learned_from,
    what_is_deleted_is_unlearned,
    a_model_can_be_rolled_back,
    mistakes_in_examples_are_told,
    nothing_reaches_another_organization,
    a_taught_hub_finds_its_documents_by_their_content,
);

/// An order of one seller, whose number stands under a label that no hub would guess.
fn order(number: &str, date: &str, sum: &str) -> Vec<u8> {
    text_pages(&[&format!(
        "Northwind Traders\n12 Harbour Road\nSignal mark 77-A\nOur sign {number}\nCase 4711-90\n\nDrawn up {date}\n\
         We deliver as agreed and thank you for your order of goods.\nPayable {sum} EUR\nGoods remain ours until paid\n"
    )])
}

fn hub() -> Value {
    json!({"name": "Orders", "duplicates": "allow", "fields": [
        {"id": "reference", "name": "Reference", "type": "string"},
        {"id": "payable", "name": "Amount", "type": "money"},
        {"id": "date", "name": "Date", "type": "date"}]})
}

async fn started(platform: &mut Platform) -> (Client, String) {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    let client = platform.client();
    let made = client.post(HUBS, hub()).await;
    assert_eq!(made.status, 201, "{made:?}");
    (client, made.text("id"))
}

/// The hub's model once it is up to date.
async fn learned(platform: &Platform, client: &Client, hub: &str) -> Value {
    let path = format!("{HUBS}/{hub}/model");
    let ask = || async {
        let model = client.get(&path).await.json();
        (model["upToDate"] == true).then_some(model)
    };
    platform.until(ask).await
}

async fn correct(client: &Client, job: &Value, field: &str, value: Value) {
    let path = format!("{JOBS}/{}/feedback", job["id"].as_str().unwrap());
    let said = client.post(&path, json!({"message": "wrong", "fieldId": field, "value": value})).await;
    assert_eq!(said.status, 202, "{said:?}");
}

async fn a_correction_changes_the_next_document_of_the_seller(platform: Platform) {
    let mut platform = platform;
    let (client, hub) = started(&mut platform).await;
    let first = read(&platform, &client, "a.pdf", &order("QX-20417", "2026-01-05", "310.00"), &hub).await;
    assert_eq!((&first["status"], &first["hubVersion"]), (&json!("COMPLETED"), &json!(1)), "{first}");
    assert_ne!(field(&first, "reference")["value"], "QX-20417", "nobody could know");
    let untaught = client.get(&format!("{HUBS}/{hub}/model")).await.json();
    assert_eq!(
        (&untaught["version"], &untaught["examples"], &untaught["upToDate"]),
        (&json!(0), &json!(0), &json!(true))
    );

    correct(&client, &first, "reference", json!("QX-20417")).await;
    let model = learned(&platform, &client, &hub).await;
    assert_eq!((&model["version"], &model["examples"]), (&json!(1), &json!(1)), "{model}");
    let reference = &model["fields"][0];
    assert_eq!((&reference["id"], &reference["confirmed"]), (&json!("reference"), &json!(1)));

    let next = read(&platform, &client, "b.pdf", &order("QX-20999", "2026-02-11", "95.50"), &hub).await;
    let found = field(&next, "reference");
    assert_eq!(found["value"], "QX-20999", "{next}");
    let reasons = found["confidenceReasons"].as_array().unwrap();
    assert!(reasons.contains(&json!("learned")), "{found}");

    let examples = client.get(&format!("{HUBS}/{hub}/examples")).await;
    assert_eq!(examples.counts(), (1, 1));
    let example = &examples.json()["data"][0];
    assert_eq!((&example["source"], &example["status"]), (&json!("FEEDBACK"), &json!("READY")));
    assert_eq!((&example["jobId"], &example["values"]), (&first["id"], &json!({"reference": "QX-20417"})));
}

async fn examples_are_read_and_learned_from(platform: Platform) {
    let mut platform = platform;
    let (client, hub) = started(&mut platform).await;
    let mut list = Vec::new();
    for (index, sum) in ["10.00", "20.50", "31.25", "44.00"].iter().enumerate() {
        let number = format!("QX-3000{index}");
        let file = client.store_file("e.pdf", &order(&number, "2026-01-07", sum)).await;
        list.push(json!({"fileId": file, "values": {"reference": number, "payable": {"amount": sum, "currency": "EUR"}, "date": "2026-01-07"}}));
    }
    let path = format!("{HUBS}/{hub}/examples");
    let one = client.post(&path, list.remove(0)).await;
    assert_eq!(
        (one.status, one.text("status"), one.text("source")),
        (201, "PENDING".into(), "EXAMPLE".into())
    );
    let many = client.post(&path, json!(list)).await;
    assert_eq!((many.status, many.json()["data"].as_array().map(Vec::len)), (201, Some(3)), "{many:?}");
    let broken = client.store_file("x.pdf", b"%PDF-1.7 and nothing else").await;
    let broken = client.post(&path, json!({"fileId": broken, "values": {"reference": null}})).await;

    let model = learned(&platform, &client, &hub).await;
    assert_eq!((&model["examples"], &model["pending"]), (&json!(4), &json!(0)), "{model}");
    assert!(model["score"].as_f64().is_some_and(|score| score > 0.8), "{model}");
    assert_eq!(model["fields"][1]["confirmed"], 4);
    assert!(model["calibration"]["decisions"].as_u64().is_some_and(|count| count >= 12), "{model}");
    let evaluated = client.post(&format!("{HUBS}/{hub}/evaluate"), json!({})).await;
    assert_eq!((evaluated.status, &evaluated.json()["score"]), (200, &model["score"]));
    let failed = client.get(&format!("{path}/{}", broken.text("id"))).await;
    assert_eq!(failed.text("status"), "FAILED");
    assert!(failed.text("error").starts_with("BROKEN_FILE"), "{failed:?}");

    let next = read(&platform, &client, "b.pdf", &order("QX-41234", "2026-02-11", "95.50"), &hub).await;
    assert_eq!(field(&next, "reference")["value"], "QX-41234");
    assert_eq!(field(&next, "payable")["value"]["amount"], "95.50");
    let again = client.post(&format!("{HUBS}/{hub}/train"), json!({})).await;
    assert_eq!(again.status, 202);
    let same = learned(&platform, &client, &hub).await;
    assert_eq!((&same["score"], &same["examples"]), (&model["score"], &model["examples"]), "reproducible");
}

async fn what_is_deleted_is_unlearned(platform: Platform) {
    let mut platform = platform;
    let (client, hub) = started(&mut platform).await;
    let first = read(&platform, &client, "a.pdf", &order("QX-20417", "2026-01-05", "310.00"), &hub).await;
    correct(&client, &first, "reference", json!("QX-20417")).await;
    learned(&platform, &client, &hub).await;
    let job = format!("{JOBS}/{}", first["id"].as_str().unwrap());
    assert_eq!(client.delete(&job).await.status, 204);
    assert_eq!(client.get(&format!("{HUBS}/{hub}/examples")).await.counts(), (0, 0));
    let model = learned(&platform, &client, &hub).await;
    assert_eq!((&model["version"], &model["examples"]), (&json!(0), &json!(0)), "{model}");
    assert_eq!(client.get(&format!("{HUBS}/{hub}/model/versions")).await.counts(), (0, 0));
    let next = read(&platform, &client, "b.pdf", &order("QX-20999", "2026-02-11", "95.50"), &hub).await;
    assert_ne!(field(&next, "reference")["value"], "QX-20999", "forgotten");
    assert_eq!(client.delete(&format!("{HUBS}/{hub}")).await.status, 204);
}

async fn a_model_can_be_rolled_back(platform: Platform) {
    let mut platform = platform;
    let (client, hub) = started(&mut platform).await;
    let first = read(&platform, &client, "a.pdf", &order("QX-20417", "2026-01-05", "310.00"), &hub).await;
    correct(&client, &first, "reference", json!("QX-20417")).await;
    learned(&platform, &client, &hub).await;
    correct(&client, &first, "reference", json!("4711-90")).await;
    let second = learned(&platform, &client, &hub).await;
    assert_eq!((&second["version"], &second["examples"]), (&json!(2), &json!(1)), "one document, said twice");
    let rollback = format!("{HUBS}/{hub}/model/rollback");
    assert_eq!(client.post(&rollback, json!({"version": 1})).await.json()["version"], 1);
    let versions = client.get(&format!("{HUBS}/{hub}/model/versions")).await.json();
    assert_eq!(
        (&versions["data"][0]["active"], &versions["data"][1]["active"]),
        (&json!(false), &json!(true))
    );
    let next = read(&platform, &client, "b.pdf", &order("QX-20999", "2026-02-11", "95.50"), &hub).await;
    assert_eq!(field(&next, "reference")["value"], "QX-20999");
    assert_eq!(client.post(&rollback, json!({"version": 0})).await.json()["version"], 0);
    let next = read(&platform, &client, "c.pdf", &order("QX-21000", "2026-02-12", "95.50"), &hub).await;
    assert_ne!(field(&next, "reference")["value"], "QX-21000", "the prior alone");
    assert_eq!(client.post(&rollback, json!({"version": 9})).await.fields(), ["version"]);
    assert_eq!(client.post(&rollback, json!({})).await.fields(), ["version"]);
}

async fn mistakes_in_examples_are_told(platform: Platform) {
    let client = platform.client();
    let hub = client.post(HUBS, hub()).await.text("id");
    let path = format!("{HUBS}/{hub}/examples");
    let file = client.store_file("a.pdf", &order("A", "2026-01-01", "1.00")).await;
    for (body, fields) in [
        (json!({}), vec!["fileId", "values"]),
        (json!({"fileId": file, "values": {}}), vec!["values"]),
        (json!({"fileId": "x", "values": {"reference": "x"}}), vec!["fileId"]),
        (json!({"fileId": file, "values": {"nope": 1}}), vec!["values.nope"]),
        (
            json!({"fileId": file, "values": {"payable": "1.00", "date": "1.1.2026"}}),
            vec!["values.date", "values.payable"],
        ),
        (json!({"fileId": file, "values": {"reference": "x"}, "label": 1}), vec!["label"]),
        (json!([{"fileId": file, "values": {"reference": 7}}, 3]), vec!["[1]"]),
        (json!([{"fileId": file, "values": {"reference": 7}}]), vec!["[0].values.reference"]),
        (json!([]), vec!["body"]),
    ] {
        assert_eq!(client.post(&path, body.clone()).await.fields(), fields, "{body}");
    }
    let unknown = "file_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    let missing = client.post(&path, json!([{"fileId": unknown, "values": {"reference": "x"}}])).await;
    assert_eq!(missing.fields(), ["[0].fileId"]);
    let stranger = platform.stranger().await;
    assert_eq!(stranger.post(&path, json!({"fileId": file, "values": {"reference": "x"}})).await.status, 404);
    for read in ["model", "examples", "model/versions"] {
        assert_eq!(stranger.get(&format!("{HUBS}/{hub}/{read}")).await.error(), error(404, "NOT_FOUND"));
    }
}

async fn nothing_reaches_another_organization(platform: Platform) {
    let mut platform = platform;
    let (client, hub) = started(&mut platform).await;
    let first = read(&platform, &client, "a.pdf", &order("QX-20417", "2026-01-05", "310.00"), &hub).await;
    correct(&client, &first, "reference", json!("QX-20417")).await;
    learned(&platform, &client, &hub).await;
    let stranger = platform.stranger().await;
    let theirs = stranger.post(HUBS, self::hub()).await.text("id");
    let next = read(&platform, &stranger, "b.pdf", &order("QX-20999", "2026-02-11", "95.50"), &theirs).await;
    assert_ne!(field(&next, "reference")["value"], "QX-20999");
    assert_eq!(stranger.get(&format!("{HUBS}/{theirs}/model")).await.json()["version"], 0);
    let id = next["id"].as_str().unwrap();
    assert_eq!(ended(&platform, &stranger, id).await["id"], id);
}

async fn a_taught_hub_finds_its_documents_by_their_content(platform: Platform) {
    let mut platform = platform;
    let (client, hub) = started(&mut platform).await;
    let mut list = Vec::new();
    for index in 0..5 {
        let number = format!("QX-5000{index}");
        let file = client.store_file("e.pdf", &order(&number, "2026-01-07", "10.00")).await;
        list.push(json!({"fileId": file, "values": {"reference": number}}));
    }
    assert_eq!(client.post(&format!("{HUBS}/{hub}/examples"), json!(list)).await.status, 201);
    learned(&platform, &client, &hub).await;
    let org = "//api/studio/v1/organization";
    assert_eq!(client.patch(org, json!({"defaultHubId": null})).await.status, 200);
    let routed = client.submit("f.pdf", &order("QX-60000", "2026-03-01", "12.00")).await;
    let routed = ended(&platform, &client, &routed).await;
    assert_eq!((&routed["status"], &routed["hubId"]), (&json!("COMPLETED"), &json!(hub)), "{routed}");
    let letter = "Dear aunt\nthe weather here is fine and we swim a lot every morning\nsee you soon at home";
    let other = client.submit("l.pdf", &text_pages(&[letter])).await;
    let other = ended(&platform, &client, &other).await;
    assert_eq!(
        (&other["status"], &other["error"]["code"]),
        (&json!("REJECTED"), &json!("NO_HUB")),
        "{other}"
    );
}
