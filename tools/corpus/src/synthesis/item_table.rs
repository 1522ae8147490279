//! The table of an invoice's items: which columns it has, in which order, and its lines.

use super::{
    invoices::Item,
    layouts::Borders,
    markup::{Piece, mark, table, text},
    shapes::Shapes,
    words::Pen,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Position,
    Code,
    Description,
    Quantity,
    Unit,
    Price,
    Rate,
    Amount,
}

/// Orders that programs print columns in; what is optional may be missing.
const ORDERS: [&[Column]; 5] = [
    &[
        Column::Position,
        Column::Code,
        Column::Description,
        Column::Quantity,
        Column::Unit,
        Column::Price,
        Column::Rate,
        Column::Amount,
    ],
    &[Column::Quantity, Column::Unit, Column::Code, Column::Description, Column::Price, Column::Amount],
    &[Column::Position, Column::Quantity, Column::Description, Column::Price, Column::Amount],
    &[Column::Description, Column::Quantity, Column::Price, Column::Rate, Column::Amount],
    &[Column::Code, Column::Description, Column::Rate, Column::Quantity, Column::Price, Column::Amount],
];

impl Column {
    fn key(self) -> &'static str {
        match self {
            Column::Position => "position",
            Column::Code => "code",
            Column::Description => "description",
            Column::Quantity => "quantity",
            Column::Unit => "unit",
            Column::Price => "unit-price",
            Column::Rate => "tax",
            Column::Amount => "amount",
        }
    }

    fn is_optional(self) -> bool {
        matches!(self, Column::Position | Column::Code | Column::Unit | Column::Rate)
    }

    fn is_number(self) -> bool {
        matches!(self, Column::Quantity | Column::Price | Column::Rate | Column::Amount)
    }
}

pub fn piece(pen: &mut Pen<'_>, items: &[Item], borders: Borders, shapes: &Shapes) -> Piece {
    let mut columns = pen.one(&ORDERS).to_vec();
    columns.retain(|column| !column.is_optional() || pen.chance(60));
    let widths: Vec<&str> =
        columns.iter().map(|column| if *column == Column::Description { "1fr" } else { "auto" }).collect();
    let sides: Vec<&str> =
        columns.iter().map(|column| if column.is_number() { "right" } else { "left" }).collect();
    let sides = format!("({},)", sides.join(", "));
    let stroke = match borders {
        Borders::All => "stroke: 0.4pt",
        Borders::Rules => "stroke: (x: none, y: 0.4pt)",
        Borders::None => "stroke: none",
        Borders::Stripes => "stroke: none, fill: (_, y) => if calc.even(y) { luma(235) }",
    };
    let labels = columns.iter().map(|column| {
        let label = pen.pick(column.key()).replace("{}%", "%").replace("{} %", "%");
        text(&label).bold()
    });
    let labels: Vec<String> = labels.map(|label| label.to_string()).collect();
    let header = Piece::code(format!("table.header({})", labels.join(", ")));
    let cells = items.iter().enumerate().flat_map(|(row, item)| {
        columns.iter().map(move |column| cell(*column, row, item, shapes)).collect::<Vec<_>>()
    });
    table(
        &format!("({})", widths.join(", ")),
        &format!("align: {sides}, {stroke}"),
        std::iter::once(header).chain(cells),
    )
}

fn cell(column: Column, row: usize, item: &Item, shapes: &Shapes) -> Piece {
    let marked = |key: &str, shown: &str| mark(&format!("items.{row}.{key}"), shown);
    let (before, after) = shapes.around_cells();
    let money =
        |key: &str, cents: i64| text(before).then(marked(key, &shapes.plain(cents))).then(text(after));
    match column {
        Column::Position => text(&(row + 1).to_string()),
        Column::Code => text(&item.code),
        Column::Description => match &item.details {
            // The details are a part of the description, on lines of their own.
            Some(details) => Piece::code(format!(
                "[#metadata(\"<items.{row}.description\")#{}#linebreak()#{}#metadata(\">items.{row}.description\")]",
                text(&item.description),
                text(details)
            )),
            None => marked("description", &item.description),
        },
        Column::Quantity => marked("quantity", &shapes.quantity(item.quantity)),
        Column::Unit => text(&item.unit),
        Column::Price => money("unit_price", item.price),
        Column::Rate => text(&format!("{}%", item.rate)),
        Column::Amount => money("total", item.amount),
    }
}
