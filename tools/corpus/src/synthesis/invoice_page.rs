//! An invented invoice on paper: one layout's arrangement of what it says, with the places that are asked for marked.

use super::{
    invoices::Invoice,
    item_table,
    layouts::{Facts, Head, Layout, Recipient, Sums},
    markup::{Piece, Sheet, grid, lines, mark, table, text},
    page_setup::PageSetup,
    parties::Party,
    shapes::Shapes,
    words::Pen,
};

/// A label with what stands at it.
struct Fact {
    label: String,
    value: Piece,
}

/// What was decided for one document and does not follow from its layout.
struct Choices {
    /// The number stands in the title, not among the facts.
    numbered_title: bool,
    /// The due date stands in a sentence.
    due_sentence: bool,
    /// The seller's tax number stands among the facts, not at the foot.
    vat_in_facts: bool,
    /// The label of the bank account is in the text, not at the foot.
    bank_in_text: bool,
    colon: bool,
}

pub fn source(pen: &mut Pen<'_>, invoice: &Invoice, layout: Layout, shapes: &Shapes) -> String {
    let setup = PageSetup::choose(pen, "a4");
    let choices = Choices {
        numbered_title: pen.chance(15),
        due_sentence: pen.chance(35),
        vat_in_facts: pen.chance(25),
        bank_in_text: pen.chance(30),
        colon: pen.chance(70),
    };
    let mut sheet = Sheet::default();
    let gap = pen.between(3, 9);
    head(pen, &mut sheet, invoice, layout);
    sheet.space(gap);
    let facts = facts(pen, invoice, shapes, &choices);
    parties_and_facts(pen, &mut sheet, invoice, layout, &facts, &choices);
    sheet.space(gap);
    if pen.chance(40) {
        sheet.add(&text(pen.pick("thanks")));
        sheet.space(2);
    }
    sheet.add(&item_table::piece(pen, &invoice.items, layout.borders, shapes));
    sheet.space(2);
    sheet.add(&sums(pen, invoice, layout, shapes, &choices));
    sheet.space(4);
    terms(pen, &mut sheet, invoice, shapes, &choices);
    let foot = foot(pen, invoice, layout, &choices);
    sheet.source(&setup.with_foot(pen, &foot))
}

fn title(pen: &mut Pen<'_>, invoice: &Invoice, choices: &Choices) -> Piece {
    let title = text(pen.pick("title"));
    let title = if choices.numbered_title {
        title.then(text(" ")).then(mark("invoice_number", &invoice.number))
    } else {
        title
    };
    title.bold().sized(pen.one(&[13.0, 15.0, 18.0, 22.0]))
}

fn address(party: &Party, id: &str) -> Vec<Piece> {
    vec![mark(id, &party.name), text(&party.street), text(&party.town)]
}

fn head(pen: &mut Pen<'_>, sheet: &mut Sheet, invoice: &Invoice, layout: Layout) {
    let seller = &invoice.seller;
    let name = mark("seller", &seller.name).bold().sized(pen.one(&[12.0, 14.0, 17.0]));
    let mut rest = vec![text(&seller.street), text(&seller.town)];
    if pen.chance(60) {
        rest.push(text(&format!("{} {}", pen.pick("phone"), seller.phone)));
        rest.push(text(&seller.email));
    }
    if pen.chance(30) {
        rest.push(text(&seller.web));
    }
    // Beside the recipient the sender stands once more, so the head is short.
    if layout.recipient == Recipient::Beside {
        rest.clear();
    }
    let one_line = pen.chance(30).then(|| text(&seller.line(" · ")));
    match layout.head {
        Head::Foot => {}
        Head::Centre => {
            let below = one_line.unwrap_or_else(|| lines(rest.into_iter().take(2)));
            sheet.add(&lines([name, below.sized(9.0)]).aligned("center"));
        }
        Head::Left => sheet.add(&lines(std::iter::once(name).chain(rest))),
        Head::Right => sheet.add(&lines(std::iter::once(name).chain(rest)).aligned("right")),
    }
}

fn facts(pen: &mut Pen<'_>, invoice: &Invoice, shapes: &Shapes, choices: &Choices) -> Vec<Fact> {
    let mut first = Vec::new();
    let fact = |pen: &mut Pen<'_>, key: &str, value: Piece| Fact { label: pen.pick(key).to_owned(), value };
    if !choices.numbered_title {
        first.push(fact(pen, "number", mark("invoice_number", &invoice.number)));
    }
    first.push(fact(pen, "date", mark("invoice_date", &shapes.date(invoice.date))));
    if pen.chance(30) {
        first.reverse();
    }
    let mut rest = Vec::new();
    if let Some(number) = &invoice.customer {
        rest.push(fact(pen, "customer", text(number)));
    }
    if let Some(number) = &invoice.order {
        rest.push(fact(pen, "order", mark("purchase_order", number)));
    }
    if let Some(date) = invoice.order_date {
        rest.push(fact(pen, "order-date", text(&shapes.date(date))));
    }
    if let Some(date) = invoice.delivery_date {
        rest.push(fact(pen, "delivery-date", text(&shapes.date(date))));
    }
    if let Some(contact) = &invoice.contact {
        rest.push(fact(pen, "contact", text(contact)));
    }
    if let Some(due) = invoice.due.filter(|_| !choices.due_sentence) {
        rest.push(fact(pen, "due", mark("due_date", &shapes.date(due))));
    }
    if invoice.shows_vat && choices.vat_in_facts {
        rest.push(fact(pen, "vat-id", mark("seller_vat", &invoice.seller.vat)));
    }
    pen.random.shuffle(&mut rest);
    let before = pen.chance(20);
    if before { rest.into_iter().chain(first).collect() } else { first.into_iter().chain(rest).collect() }
}

fn shown(facts: &[Fact], layout: Layout, choices: &Choices) -> Piece {
    let colon = if choices.colon { ":" } else { "" };
    let label = |fact: &Fact| text(&format!("{}{colon}", fact.label));
    match layout.facts {
        Facts::Inline => {
            lines(facts.iter().map(|fact| text(&format!("{}: ", fact.label)).then(fact.value.clone())))
        }
        Facts::Columns => grid(
            "(auto, auto)",
            "column-gutter: 5mm, row-gutter: 2mm",
            facts.iter().flat_map(|fact| [label(fact), fact.value.clone()]),
        ),
        Facts::Row => {
            let columns = format!("({})", "auto, ".repeat(facts.len().min(5)));
            let rows = facts.chunks(5).flat_map(|some| {
                let pad = || std::iter::repeat_n(text(""), facts.len().min(5) - some.len());
                let labels = some.iter().map(|fact| text(&fact.label).bold().sized(8.5)).chain(pad());
                let values = some.iter().map(|fact| fact.value.clone().sized(9.0)).chain(pad());
                labels.chain(values).collect::<Vec<_>>()
            });
            table(&columns, "stroke: 0.4pt", rows)
        }
        Facts::Above => grid(
            "(auto, auto)",
            "column-gutter: 8mm, row-gutter: 3mm",
            facts.iter().map(|fact| lines([text(&fact.label).sized(7.5), fact.value.clone()])),
        ),
    }
}

fn recipient(pen: &mut Pen<'_>, invoice: &Invoice, layout: Layout) -> Piece {
    let mut block = address(&invoice.buyer, "buyer");
    if let Some(person) = &invoice.attention {
        block.insert(1, text(&format!("{} {person}", pen.pick("attention"))));
    }
    match layout.recipient {
        Recipient::Window => {
            let sender = mark("seller", &invoice.seller.name)
                .then(text(&format!(" · {}", invoice.seller.line(" · "))));
            let sender = Piece::code(format!("underline({})", sender.sized(7.0)));
            lines(std::iter::once(sender).chain(block))
        }
        _ => {
            let label = pen.pick("bill-to");
            let label = text(&if pen.chance(60) { format!("{label}:") } else { label.to_owned() });
            lines(std::iter::once(label.bold()).chain(block))
        }
    }
}

fn parties_and_facts(
    pen: &mut Pen<'_>,
    sheet: &mut Sheet,
    invoice: &Invoice,
    layout: Layout,
    facts: &[Fact],
    choices: &Choices,
) {
    let title = title(pen, invoice, choices);
    let recipient = recipient(pen, invoice, layout);
    let shown = shown(facts, layout, choices);
    let delivery = invoice.delivery.as_ref().map(|(name, street, town)| {
        lines([text(pen.pick("ship-to")).bold(), text(name), text(street), text(town)])
    });
    let wide = layout.facts == Facts::Row;
    if layout.recipient == Recipient::Beside {
        let from = std::iter::once(text(pen.pick("from")).bold()).chain(address(&invoice.seller, "seller"));
        sheet.add(&title);
        sheet.space(3);
        let parties: Vec<Piece> = [lines(from), recipient].into_iter().chain(delivery).collect();
        let columns = if parties.len() == 3 { "(1fr, 1fr, 1fr)" } else { "(1fr, 1fr)" };
        sheet.add(&grid(columns, "column-gutter: 6mm", parties));
        sheet.space(4);
        sheet.add(&shown);
        return;
    }
    let title_first = pen.chance(35);
    if title_first {
        sheet.add(&title);
        sheet.space(4);
    }
    if wide {
        sheet.add(&recipient);
    } else {
        sheet.add(&grid("(1fr, auto)", "column-gutter: 8mm", [recipient, shown.clone()]));
    }
    sheet.space(4);
    if !title_first {
        sheet.add(&title);
        sheet.space(2);
    }
    if let Some(delivery) = delivery {
        sheet.add(&delivery.sized(8.5));
        sheet.space(2);
    }
    if wide {
        sheet.add(&shown);
    }
}

/// Label and amount of each sum.
fn sum_rows(pen: &mut Pen<'_>, invoice: &Invoice, shapes: &Shapes) -> Vec<(Piece, Piece)> {
    let (before, after) = shapes.around();
    let amount = |id: &str, cents: i64| text(before).then(mark(id, &shapes.plain(cents))).then(text(after));
    let mut rows = Vec::new();
    if !invoice.shares.is_empty() {
        rows.push((text(pen.pick("net")), amount("net", invoice.net)));
    }
    let several = invoice.shares.len() > 1;
    let with_base = several && pen.chance(50);
    for share in &invoice.shares {
        let label = pen.pick("tax");
        let named = label.contains("{}");
        let rate = label.replace("{}", &share.rate.to_string());
        let label = if named || !several { rate } else { format!("{label} {} %", share.rate) };
        let base = if with_base { format!(" ({})", shapes.plain(share.net)) } else { String::new() };
        rows.push((
            text(&format!("{label}{base}")),
            amount(if several { "tax_share" } else { "tax" }, share.tax),
        ));
    }
    rows.push((text(pen.pick("total")).bold(), amount("total", invoice.total).bold()));
    rows
}

fn sums(pen: &mut Pen<'_>, invoice: &Invoice, layout: Layout, shapes: &Shapes, choices: &Choices) -> Piece {
    let rows = sum_rows(pen, invoice, shapes);
    let colon = if choices.colon { ":" } else { "" };
    let pairs = |rows: Vec<(Piece, Piece)>| {
        rows.into_iter().flat_map(|(label, amount)| [label.then(text(colon)), amount.aligned("right")])
    };
    match layout.sums {
        Sums::Right => {
            grid("(auto, auto)", "column-gutter: 8mm, row-gutter: 2.4mm", pairs(rows)).aligned("right")
        }
        Sums::Ruled => table("(1fr, auto)", "stroke: (x: none, y: 0.4pt)", pairs(rows)),
        Sums::Row => {
            let columns = format!("({})", "auto, ".repeat(rows.len()));
            let (labels, amounts): (Vec<Piece>, Vec<Piece>) = rows.into_iter().unzip();
            let right = |piece: Piece| piece.aligned("right");
            table(
                &columns,
                "stroke: 0.4pt",
                labels.into_iter().map(right).chain(amounts.into_iter().map(right)),
            )
            .aligned("right")
        }
    }
}

fn terms(pen: &mut Pen<'_>, sheet: &mut Sheet, invoice: &Invoice, shapes: &Shapes, choices: &Choices) {
    if let Some(due) = invoice.due.filter(|_| choices.due_sentence) {
        let (before, after) = pen.pick("due-sentence").split_once("{}").unwrap_or_default();
        sheet.add(&text(before).then(mark("due_date", &shapes.date(due))).then(text(after)));
        sheet.space(2);
    }
    if invoice.shows_iban && choices.bank_in_text {
        sheet.add(&bank(pen, &invoice.seller));
    }
}

fn bank(pen: &mut Pen<'_>, seller: &Party) -> Piece {
    let iban = text(&format!("{}: ", pen.pick("iban-label"))).then(mark("iban", &seller.iban));
    lines([iban, text(&format!("{}: {}", pen.pick("bic-label"), seller.bic))])
}

fn foot(pen: &mut Pen<'_>, invoice: &Invoice, layout: Layout, choices: &Choices) -> Vec<Piece> {
    let seller = &invoice.seller;
    let mut columns = Vec::new();
    if layout.head == Head::Foot || pen.chance(40) {
        columns.push(lines(address(seller, "seller")));
        columns.push(lines([
            text(&format!("{} {}", pen.pick("phone"), seller.phone)),
            text(&seller.email),
            text(&seller.web),
        ]));
    }
    if invoice.shows_iban && !choices.bank_in_text {
        columns.push(bank(pen, seller));
    }
    if invoice.shows_vat && !choices.vat_in_facts {
        columns.push(text(&format!("{}: ", pen.pick("vat-id"))).then(mark("seller_vat", &seller.vat)));
    }
    columns
}
