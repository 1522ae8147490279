//! An extraction as tables for people: fields with values, confidences and places, then each table's rows.

use crate::terminal;
use comfy_table::{CellAlignment, Table};
use domain::{
    extraction::{Cell, ExtractionOutput, FieldOutput, FieldValue, Placement, Row},
    hub::FieldType,
};

/// Values longer than this are cut in the table of fields.
const VALUE_CHARACTERS_MAX: usize = 60;

/// Everything in `output`, ready to print.
pub fn render(output: &ExtractionOutput) -> String {
    let mut parts = vec![terminal::trimmed(&fields(output))];
    for field in &output.fields {
        if let Some(FieldValue::Table(table)) = &field.value
            && !table.rows.is_empty()
        {
            parts.push(format!("{}\n{}", field.name, terminal::trimmed(&rows(&table.rows))));
        }
    }
    parts.join("\n\n")
}

fn fields(output: &ExtractionOutput) -> Table {
    let mut table = terminal::table(["field", "value", "confidence", "place"]);
    for field in &output.fields {
        let place = if field.kind == FieldType::Table { String::new() } else { place(&field.placements) };
        table.add_row([field.name.clone(), cut(&field_value(field)), percent(field.confidence), place]);
    }
    align_right(&mut table, &[2]);
    table
}

/// One column per column of the table, in the order of the first row that has most cells.
fn rows(rows: &[Row]) -> Table {
    let columns: Vec<&str> = rows
        .iter()
        .max_by_key(|row| row.cells.len())
        .map(|row| row.cells.iter().map(|cell| cell.column.as_str()).collect())
        .unwrap_or_default();
    let mut table = terminal::table(["#"]);
    let head = std::iter::once("#").chain(columns.iter().copied()).chain(["confidence"]);
    table.set_header(head.collect::<Vec<_>>());
    for (number, row) in rows.iter().enumerate() {
        let cell = |column: &&str| {
            let cell = row.cells.iter().find(|cell| cell.column == **column);
            cell.map(|cell| cut(&cell.value.as_ref().map_or_else(dash, plain))).unwrap_or_default()
        };
        let weakest = row.cells.iter().map(|cell| cell.confidence).fold(1.0, f64::min);
        let cells = std::iter::once((number + 1).to_string()).chain(columns.iter().map(cell));
        table.add_row(cells.chain([percent(weakest)]).collect::<Vec<_>>());
    }
    let numeric: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| is_numeric(rows, column))
        .map(|(i, _)| i + 1)
        .collect();
    align_right(&mut table, &numeric);
    align_right(&mut table, &[columns.len() + 1]);
    table
}

fn is_numeric(rows: &[Row], column: &str) -> bool {
    let of_column = |cell: &&Cell| cell.column == column;
    let kinds = rows.iter().filter_map(|row| row.cells.iter().find(of_column)).map(|cell| cell.kind);
    kinds.into_iter().any(|kind| matches!(kind, FieldType::Integer | FieldType::Number | FieldType::Money))
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn dash() -> String {
    "-".to_owned()
}

fn field_value(field: &FieldOutput) -> String {
    match &field.value {
        None => dash(),
        Some(FieldValue::Table(table)) if table.rows.len() == 1 => "1 row".to_owned(),
        Some(FieldValue::Table(table)) => format!("{} rows", table.rows.len()),
        Some(value) => plain(value),
    }
}

/// A value as a person writes it.
fn plain(value: &FieldValue) -> String {
    match value {
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::Integer(value) => value.to_string(),
        FieldValue::Number(value) => value.to_string(),
        FieldValue::Text(text) => text.replace('\n', ", "),
        FieldValue::Money(money) => match &money.currency {
            Some(currency) => format!("{} {currency}", money.amount),
            None => money.amount.clone(),
        },
        FieldValue::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        FieldValue::Table(table) => format!("{} rows", table.rows.len()),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= VALUE_CHARACTERS_MAX {
        return text.to_owned();
    }
    text.chars().take(VALUE_CHARACTERS_MAX - 1).chain(['…']).collect()
}

fn percent(confidence: f64) -> String {
    format!("{:.0} %", confidence * 100.0)
}

/// The first placement and how many more there are.
fn place(placements: &[Placement]) -> String {
    let first = match placements.first() {
        None => return dash(),
        Some(Placement::Box(at)) => format!("page {} at {:.3}, {:.3}", at.page, at.x, at.y),
        Some(Placement::Span(span)) => format!("characters {} to {}", span.start, span.end),
    };
    if placements.len() > 1 { format!("{first} (+{})", placements.len() - 1) } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{EventType, sample};

    #[test]
    fn the_specimen_reads_well() {
        let job = sample::job(EventType::JobCompleted);
        let output: ExtractionOutput = serde_json::from_str(job.output.as_ref().unwrap().get()).unwrap();
        let shown = render(&output);
        for part in ["INV-0042", "1234.50 EUR", "page 1 at 0.7", "95 %"] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        assert!(!shown.lines().any(|line| line.ends_with(' ')), "{shown}");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(cut(&"x".repeat(100)).chars().count(), VALUE_CHARACTERS_MAX);
        assert_eq!(cut("short"), "short");
    }
}
