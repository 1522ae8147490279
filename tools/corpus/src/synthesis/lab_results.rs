//! Invented laboratory reports of one patient.

use super::{
    markup::{Piece, Sheet, grid, lines, mark, table, text},
    page_setup::PageSetup,
    parties::{Party, person},
    shapes::Shapes,
    words::Pen,
};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy)]
struct Look {
    id: usize,
    centred: bool,
    facts: usize,
    borders: usize,
}

impl Look {
    /// A quarter of the combinations is the frozen set's.
    fn choose(pen: &mut Pen<'_>) -> Look {
        loop {
            let id = pen.random.below(24);
            let (centred, facts, borders) = (id % 2, id / 2 % 3, id / 6);
            if ((centred + facts + borders) % 4 == 3) == pen.frozen {
                return Look { id, centred: centred == 1, facts, borders };
            }
        }
    }
}

struct Measured {
    test: &'static str,
    value: String,
    unit: &'static str,
    reference: &'static str,
    flag: Option<&'static str>,
}

pub fn invent(pen: &mut Pen<'_>) -> (String, Value) {
    let look = Look::choose(pen);
    let shapes = Shapes::choose(pen);
    let setup = PageSetup::choose(pen, "a4");
    let laboratory = Party::invent(pen);
    let patient = person(pen);
    let id = pen.chance(80).then(|| pen.fill("#######"));
    let born = jiff::civil::date(1935, 1, 1).saturating_add(pen.between(0, 27_000).days());
    let collected = super::invoices::day(pen);
    let reported = pen.chance(85).then(|| collected.saturating_add(pen.between(1, 5).days()));
    let shows_birth = pen.chance(85);
    let measured = measure(pen);
    let mut facts = vec![(pen.pick("patient"), mark("patient_name", &patient))];
    let mut more = vec![(pen.pick("collected"), mark("collected", &shapes.date(collected)))];
    if let Some(id) = &id {
        more.push((pen.pick("patient-id"), mark("patient_id", id)));
    }
    if shows_birth {
        more.push((pen.pick("born"), mark("born", &shapes.date(born))));
    }
    if let Some(reported) = reported {
        more.push((pen.pick("reported"), mark("reported", &shapes.date(reported))));
    }
    if pen.chance(60) {
        more.push((pen.pick("doctor"), text(&format!("Dr. {}", person(pen)))));
    }
    pen.random.shuffle(&mut more);
    facts.extend(more);
    let mut sheet = Sheet::default();
    let name = format!("{} {}", pen.pick("lab-name"), laboratory.name.split(' ').next().unwrap_or_default());
    let head = lines([text(&name).bold().sized(14.0), text(&laboratory.line(", "))]);
    sheet.add(&if look.centred { head.aligned("center") } else { head });
    sheet.space(6);
    sheet.add(&text(pen.pick("lab-title")).bold().sized(13.0));
    sheet.space(4);
    sheet.add(&shown(&facts, look));
    sheet.space(6);
    sheet.add(&results(pen, &measured, look));
    let mut absent = Vec::new();
    for (key, there) in
        [("patient_id", id.is_some()), ("born", shows_birth), ("reported", reported.is_some())]
    {
        if !there {
            absent.push(key);
        }
    }
    let rows: Vec<Value> = measured
        .iter()
        .map(|row| {
            json!({ "test": row.test, "value": row.value, "unit": row.unit, "reference": row.reference, "flag": row.flag })
        })
        .collect();
    let truth = json!({
        "kind": "lab-result",
        "layout": format!("lab-{}", look.id),
        "patient_name": patient,
        "patient_id": id,
        "born": shows_birth.then(|| born.to_string()),
        "collected": midnight(collected),
        "reported": reported.map(midnight),
        "line_items": rows,
        "absent": absent,
    });
    (sheet.source(&setup.with_foot(pen, &[])), truth)
}

/// A day as a field with a time has it.
fn midnight(date: Date) -> String {
    format!("{date}T00:00:00Z")
}

/// Values in and out of their ranges.
fn measure(pen: &mut Pen<'_>) -> Vec<Measured> {
    let mut all = pen.words.list("analytes", pen.frozen).to_vec();
    pen.random.shuffle(&mut all);
    let count = pen.between(3, all.len() as i64) as usize;
    all.iter()
        .take(count)
        .filter_map(|line| {
            let mut parts = line.split(';');
            let (test, unit, reference) = (parts.next()?, parts.next()?, parts.next()?);
            let (low, high) = reference.split_once('-')?;
            let decimals = low.split([',', '.']).nth(1).map_or(0, str::len);
            let number = |text: &str| text.replace(',', ".").parse::<f64>().ok();
            let (low, high) = (number(low)?, number(high)?);
            let share = pen.between(-15, 115) as f64 / 100.0;
            let value = (low + (high - low) * share).max(low * 0.5);
            let flag = if share < 0.0 { Some("L") } else { (share > 1.0).then_some("H") };
            let value = format!("{value:.decimals$}");
            let value = if reference.contains(',') { value.replace('.', ",") } else { value };
            Some(Measured { test, value, unit, reference, flag })
        })
        .collect()
}

fn shown(facts: &[(&'static str, Piece)], look: Look) -> Piece {
    let facts = facts.iter();
    match look.facts {
        0 => lines(facts.map(|(label, value)| text(&format!("{label}: ")).then(value.clone()))),
        1 => grid(
            "(auto, 1fr, auto, 1fr)",
            "column-gutter: 4mm, row-gutter: 2.5mm",
            facts.flat_map(|(label, value)| [text(&format!("{label}:")), value.clone()]),
        ),
        _ => grid(
            "(1fr, 1fr, 1fr)",
            "column-gutter: 4mm, row-gutter: 3mm",
            facts.map(|(label, value)| lines([text(label).sized(7.5), value.clone()])),
        ),
    }
}

fn results(pen: &mut Pen<'_>, measured: &[Measured], look: Look) -> Piece {
    let stroke = match look.borders {
        0 => "stroke: 0.4pt",
        1 => "stroke: (x: none, y: 0.4pt)",
        2 => "stroke: none",
        _ => "stroke: none, fill: (_, y) => if calc.even(y) { luma(235) }",
    };
    let unit_first = pen.chance(50);
    let mut labels = ["test", "result", "lab-unit", "reference"];
    if !unit_first {
        labels.swap(2, 3);
    }
    let header = labels.iter().map(|key| text(pen.pick(key)).bold().to_string()).collect::<Vec<_>>();
    let header = Piece::code(format!("table.header({})", header.join(", ")));
    let cells = measured.iter().enumerate().flat_map(|(row, result)| {
        let marked = |key: &str, shown: &str| mark(&format!("items.{row}.{key}"), shown);
        let value = marked("value", &result.value);
        let value = match result.flag {
            Some(flag) => value.then(text(" ")).then(marked("flag", flag)),
            None => value,
        };
        let mut cells = vec![
            marked("test", result.test),
            value,
            marked("unit", result.unit),
            marked("reference", result.reference),
        ];
        if !unit_first {
            cells.swap(2, 3);
        }
        cells
    });
    table("(2fr, 1fr, 1fr, 1fr)", stroke, std::iter::once(header).chain(cells))
}
