//! Invented till receipts: narrow, with what was tendered and given back beside the total.

use super::{
    invoices::day,
    markup::{Piece, Sheet, grid, lines, mark, text},
    parties::{Party, phone},
    shapes::{Shapes, label},
    words::Pen,
};
use serde_json::{Value, json};

/// How a receipt looks; the choices are numbers, because each is between a few.
#[derive(Debug, Clone, Copy)]
struct Look {
    id: usize,
    centred: bool,
    date_below: bool,
    total: usize,
    two_lines: bool,
}

impl Look {
    /// A quarter of the combinations is the frozen set's.
    fn choose(pen: &mut Pen<'_>) -> Look {
        loop {
            let id = pen.random.below(24);
            let (centred, date_below, total, two_lines) = (id % 2, id / 2 % 2, id / 4 % 3, id / 12);
            if ((centred + date_below + total + two_lines) % 4 == 3) == pen.frozen {
                return Look {
                    id,
                    centred: centred == 1,
                    date_below: date_below == 1,
                    total,
                    two_lines: two_lines == 1,
                };
            }
        }
    }
}

struct Bought {
    name: &'static str,
    count: i64,
    price: i64,
}

pub fn invent(pen: &mut Pen<'_>) -> (String, Value) {
    let look = Look::choose(pen);
    let shapes = Shapes::choose(pen);
    let party = Party::invent(pen);
    let brand = party.name.split(' ').next().unwrap_or_default().to_owned();
    let name = match pen.between(0, 3) {
        0 => party.name.clone(),
        1 => format!("{} {brand}", pen.pick("shops")),
        2 => format!("{brand} {}", pen.pick("shops")).to_uppercase(),
        _ => format!("{brand} {} {}", pen.pick("shops"), pen.pick("forms")),
    };
    let bought: Vec<Bought> = (0..pen.between(1, 12))
        .map(|_| Bought {
            name: pen.pick("groceries"),
            count: if pen.chance(70) { 1 } else { pen.between(2, 6) },
            price: pen.between(25, 2_999),
        })
        .collect();
    let total: i64 = bought.iter().map(|item| item.count * item.price).sum();
    let rate: i64 = pen.words.list("rates", pen.frozen)[0].parse().unwrap_or(20);
    let tax = pen.chance(65).then(|| (total * rate * 2 + 100 + rate) / (2 * (100 + rate)));
    let (date, time) = (day(pen), format!("{:02}:{:02}", pen.between(7, 21), pen.between(0, 59)));
    let has_address = pen.chance(88);
    let mut sheet = Sheet::default();
    head(pen, &mut sheet, look, &name, has_address.then_some(&party));
    let date = Dated { shown: shapes.date(date), iso: date.to_string(), time };
    if !look.date_below {
        dated(pen, &mut sheet, &date);
    }
    sheet.add(&items(&bought, look, &shapes));
    sheet.add(&Piece::code("line(length: 100%, stroke: (dash: \"dashed\", thickness: 0.4pt))"));
    sheet.add(&sums(pen, look, &shapes, total, tax));
    if look.date_below {
        dated(pen, &mut sheet, &date);
    }
    sheet.add(&text(pen.pick("bye")).aligned("center"));
    let mut absent = Vec::new();
    if !has_address {
        absent.push("address");
    }
    if tax.is_none() {
        absent.push("tax");
    }
    let rows: Vec<Value> = bought
        .iter()
        .map(|item| {
            let amount = label(item.count * item.price);
            // One of a thing has neither count nor price of its own.
            if item.count == 1 {
                json!({ "description": item.name, "total": amount })
            } else {
                json!({ "description": item.name, "quantity": item.count.to_string(),
                        "unit_price": label(item.price), "total": amount })
            }
        })
        .collect();
    let truth = json!({
        "kind": "receipt",
        "layout": format!("receipt-{}", look.id),
        "company": name,
        "address": has_address.then(|| party.line(" ")),
        "date": date.iso,
        "total": label(total),
        "tax": tax.map(label),
        "line_items": rows,
        "absent": absent,
    });
    (sheet.source(&setup(pen)), truth)
}

struct Dated {
    shown: String,
    iso: String,
    time: String,
}

fn setup(pen: &mut Pen<'_>) -> String {
    let width = pen.between(62, 82);
    let font = pen.one(&[
        "font: \"DejaVu Sans Mono\", size: 7pt",
        "font: \"DejaVu Sans Mono\", size: 7.5pt",
        "font: \"DejaVu Sans\", stretch: 75%, size: 8.5pt",
        "font: \"DejaVu Sans\", size: 8pt",
    ]);
    format!(
        "#set page(width: {width}mm, height: auto, margin: 4mm)\n#set text({font})\n#set par(leading: 0.5em)"
    )
}

fn head(pen: &mut Pen<'_>, sheet: &mut Sheet, look: Look, name: &str, party: Option<&Party>) {
    let mut all = vec![mark("company", name).bold().sized(pen.one(&[8.0, 9.5, 11.0]))];
    if let Some(party) = party {
        all.push(Piece::code(format!(
            "[#metadata(\"<address\")#{}#linebreak()#{}#metadata(\">address\")]",
            text(&party.street),
            text(&party.town)
        )));
        if pen.chance(40) {
            all.push(text(&format!("{} {}", pen.pick("vat-id"), party.vat)));
        }
    }
    if pen.chance(50) {
        all.push(text(&format!("{} {}", pen.pick("phone"), phone(pen))));
    }
    let head = lines(all);
    sheet.add(&if look.centred { head.aligned("center") } else { head });
    if pen.chance(50) {
        sheet.add(&text(pen.pick("receipt-title")).aligned("center"));
    }
}

fn dated(pen: &mut Pen<'_>, sheet: &mut Sheet, date: &Dated) {
    let shown = mark("date", &date.shown);
    let with_time = pen.chance(75);
    let value = if with_time { shown.then(text(&format!(" {}", date.time))) } else { shown };
    let labelled = pen.chance(55);
    let row = if labelled { text(&format!("{}: ", pen.pick("receipt-date"))).then(value) } else { value };
    let number = pen.fill("######");
    let number = text(&format!("{} {number}", pen.pick("receipt-number")));
    let mut rows = vec![row, number];
    if pen.chance(50) {
        rows.push(text(&format!(
            "{} {}  {} {}",
            pen.pick("till"),
            pen.between(1, 9),
            pen.pick("cashier"),
            pen.pick("first")
        )));
    }
    if pen.chance(50) {
        rows.swap(0, 1);
    }
    sheet.add(&lines(rows));
}

fn items(bought: &[Bought], look: Look, shapes: &Shapes) -> Piece {
    let cells = bought.iter().enumerate().flat_map(|(row, item)| {
        let marked = |key: &str, shown: &str| mark(&format!("items.{row}.{key}"), shown);
        let name = marked("description", item.name);
        let amount = marked("total", &shapes.plain(item.count * item.price)).aligned("right");
        let many = marked("quantity", &item.count.to_string())
            .then(text(" x "))
            .then(marked("unit_price", &shapes.plain(item.price)));
        match (item.count, look.two_lines) {
            (1, _) => vec![name, amount],
            (_, true) => vec![name, text(""), text("  ").then(many), amount],
            (_, false) => vec![name.then(text("  ")).then(many), amount],
        }
    });
    grid("(1fr, auto)", "row-gutter: 1.3mm", cells)
}

fn sums(pen: &mut Pen<'_>, look: Look, shapes: &Shapes, total: i64, tax: Option<i64>) -> Piece {
    let (before, after) = shapes.around();
    let money = |piece: Piece| text(before).then(piece).then(text(after));
    let mut rows: Vec<(Piece, Piece)> = Vec::new();
    if pen.chance(35) {
        rows.push((text(pen.pick("receipt-subtotal")), text(&shapes.plain(total))));
    }
    let shown = money(mark("total", &shapes.plain(total))).bold();
    let label = text(pen.pick("receipt-total")).bold();
    rows.push(match look.total {
        0 => (label, shown),
        1 => (label.sized(11.0), shown.sized(11.0)),
        _ => (label.sized(9.0), shown.sized(9.0)),
    });
    if pen.chance(65) {
        let tendered = if total % 500 == 0 { total } else { (total / 500 + pen.between(1, 3)) * 500 };
        rows.push((text(pen.pick("cash")), text(&shapes.plain(tendered))));
        rows.push((text(pen.pick("change")), text(&shapes.plain(tendered - total))));
    } else {
        rows.push((text(pen.pick("card")), text(&shapes.plain(total))));
    }
    if let Some(tax) = tax {
        let row = (text(pen.pick("receipt-tax")), mark("tax", &shapes.plain(tax)));
        if look.total == 2 { rows.insert(0, row) } else { rows.push(row) }
    }
    let cells = rows.into_iter().flat_map(|(label, amount)| [label, amount.aligned("right")]);
    grid("(1fr, auto)", "row-gutter: 1.6mm", cells)
}
