//! Forms of a customer's own hub: boxes to tick, choices, labels that only a description names.

#[path = "support/letter.rs"]
mod letter;

use domain::{
    extraction::FieldValue,
    hub::{Field, FieldType, Hub, builtin},
    id::HubId,
};
use insights::extract::extract;
use letter::{Text, page};

fn value(texts: &[Text], fields: &[Field], id: &str) -> Option<FieldValue> {
    let mut hub: Hub = builtin::receipts().into_hub(HubId::from_bytes([7; 12]));
    hub.fields = fields.to_vec();
    let output = extract(&[page(texts)], &hub);
    output.fields.into_iter().find(|field| field.id == id).expect("the hub has the field").value
}

#[test]
fn a_box_before_behind_or_beside_its_label_is_read() {
    let fields = ["paid", "urgent", "gift"].map(|id| Field::new(id, id, FieldType::Boolean));
    let form = [
        (0.1, 0.1, "☒ Paid", 10.0),
        (0.1, 0.15, "Urgent: ☐", 10.0),
        (0.1, 0.2, "☑", 10.0),
        (0.14, 0.2, "Gift", 10.0),
    ];
    let read = |id| value(&form, &fields, id);
    assert_eq!(read("paid"), Some(FieldValue::Boolean(true)));
    assert_eq!(read("urgent"), Some(FieldValue::Boolean(false)));
    assert_eq!(read("gift"), Some(FieldValue::Boolean(true)));
}

#[test]
fn of_several_boxes_the_ticked_one_is_the_choice() {
    let mut field = Field::new("kind", "Kind of company", FieldType::Enum);
    field.values = ["Individual", "Partnership", "Trust"].map(str::to_owned).to_vec();
    let form = [(0.1, 0.1, "Kind of company", 10.0), (0.1, 0.13, "☐ Individual ☒ Partnership ☐ Trust", 10.0)];
    let read = value(&form, std::slice::from_ref(&field), "kind");
    assert_eq!(read, Some(FieldValue::Text("Partnership".into())));
}

#[test]
fn a_label_may_be_named_by_the_description() {
    let mut field = Field::new("caseId", "Case id", FieldType::String);
    field.description = Some("What stands behind “Aktenzeichen”".into());
    let form = [(0.1, 0.1, "Aktenzeichen:", 10.0), (0.4, 0.1, "XII-204/b", 10.0)];
    let read = value(&form, std::slice::from_ref(&field), "caseId");
    assert_eq!(read, Some(FieldValue::Text("XII-204/b".into())));
}
