//! The column that no label names: quantity × unit price = amount tells it.
//!
//! Headers abbreviate beyond any list of words, but a row's numbers still multiply. Where a header lacks one of the three
//! numeric columns that multiply, a printed column that completes the product in most rows is it.

use super::{
    Asked,
    header::Header,
    rows::{number_in, pieces_of},
};
use domain::hub::{Field, FieldType};
use rust_decimal::Decimal;

/// Lines below a header that are tried.
const LINES_MAX: usize = 40;
/// A product is right within this: prices are rounded.
const TOLERANCE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// Names the printed column that completes quantity × price = amount, where exactly one of the three is not named.
pub(super) fn complete(asked: &Asked<'_, '_>, columns: &[Field], header: &mut Header, until: usize) {
    let Some(factors) = factors(columns) else { return };
    let printed = |field: usize| header.columns.iter().position(|column| column.column == Some(field));
    let places = factors.map(printed);
    let mut missing = (0..factors.len()).filter(|&nth| places[nth].is_none());
    let (Some(lacking), None) = (missing.next(), missing.next()) else { return };
    let rows = numbers(asked, header, until);
    let free = (0..header.columns.len()).filter(|&column| header.columns[column].column.is_none());
    let fits = |column: usize| {
        let mut at = places;
        at[lacking] = Some(column);
        let complete = rows.iter().filter_map(|row| {
            let [quantity, price, amount] = at.map(|place| place.and_then(|place| row[place]));
            Some((quantity?, price?, amount?))
        });
        let (mut right, mut all, mut telling) = (0_usize, 0_usize, false);
        for (quantity, price, amount) in complete {
            let holds =
                quantity.checked_mul(price).is_some_and(|product| (product - amount).abs() <= TOLERANCE);
            all += 1;
            right += usize::from(holds);
            // One times anything is itself: such rows prove nothing.
            telling |= holds && quantity != Decimal::ONE && !price.is_zero();
        }
        if telling && 2 * right > all { right } else { 0 }
    };
    let best = free.map(|column| (fits(column), column)).max_by_key(|(right, column)| (*right, *column));
    if let Some((_, column)) = best.filter(|(right, _)| *right > 0) {
        header.columns[column].column = Some(factors[lacking]);
    }
}

/// The fields for a quantity, a price and an amount: a number, and the first and the last sum of money.
fn factors(columns: &[Field]) -> Option<[usize; 3]> {
    let money = |column: &Field| column.kind == FieldType::Money;
    let quantity =
        columns.iter().position(|column| matches!(column.kind, FieldType::Number | FieldType::Integer))?;
    let (price, amount) = (columns.iter().position(money)?, columns.iter().rposition(money)?);
    (price != amount).then_some([quantity, price, amount])
}

/// Per line below the header, the number in each printed column.
fn numbers(asked: &Asked<'_, '_>, header: &Header, until: usize) -> Vec<Vec<Option<Decimal>>> {
    let document = asked.document;
    let lines = (header.lines.1 + 1..until).take(LINES_MAX);
    lines
        .map(|line| {
            let mut row = vec![None; header.columns.len()];
            for piece in pieces_of(document, header, document.lines[line].segments.clone()) {
                let number = number_in(document.text(piece.span)).map(|number| number.value);
                row[piece.printed] = row[piece.printed].or(number);
            }
            row
        })
        .collect()
}
