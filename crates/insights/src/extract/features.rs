//! What is known about a candidate for a field, as numbers that a linear model can weigh.
//!
//! Every feature is generic: none names a hub, a seller or a layout.

use super::{
    candidates::{Candidate, CodeKind, Cut, Reading},
    claims::{own_strength, rival_strength},
    context::{Context, has_contact_below},
    labels::Labels,
    layout::{Document, Span, size},
    leads::{addressed, before_in_row, dated, has_title, in_period, lead, starts_address},
    phrases::text_features,
    roles::Role,
    shapes::{asks_attention, digit_share, follows_address, numbered},
    text::fold,
};
use domain::hub::Field;
use rust_decimal::Decimal;
use std::cell::OnceCell;

/// Indices into a row of features; a weight table has the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Feature {
    /// Strength of the best relation to one of the field's labels.
    Label,
    /// By how much a label of something else is stronger.
    Rival,
    /// No label of the field is near.
    Unlabelled,
    /// How sure the shape of the value is.
    Quality,
    /// 1 at the head of the first page, 0 at its foot and on other pages.
    Top,
    /// 1 at the very first lines, falling quickly.
    Head,
    /// How far down the document.
    Down,
    /// 1 for the largest amount, 1/2 for the second, …
    Rank,
    /// The amount is the sum of two others.
    Sum,
    /// The same value stands elsewhere too.
    Repeated,
    /// Type size relative to the page's usual one, minus 1.
    Font,
    /// How sure the reader was.
    Reader,
    /// The legal form of a company stands in it.
    LegalForm,
    /// Two decimals.
    Cents,
    /// A currency stands beside it.
    Currency,
    /// A percentage.
    Percent,
    /// Words of an address: a postal code, a street.
    AddressLike,
    /// Lines beyond the first.
    Lines,
    /// A document's title (`Invoice`), which is nobody's name.
    Title,
    /// So many words that it is prose.
    Prose,
    /// Share of digits.
    Digits,
    /// A label of something stands inside it.
    LabelInside,
    /// Part of a longer text at hand (a word of a segment).
    Part,
    /// What is usually appended to a name has been cut off.
    Stripped,
    /// The value is zero.
    Zero,
    /// It has the shape of its role: check digits, a country's tax id.
    Proven,
    /// `No`, `Nr.` or the like stands directly before it.
    Numbered,
    /// Brackets around it.
    Bracketed,
    /// What stands behind words that look like a label but end without a colon.
    Remainder,
    /// The amounts above it in its column add up to it.
    ColumnSum,
    /// The amount is one amount less another: what was paid less the change.
    Difference,
    /// The last of its lines is little more than the legal form of a company: the name began above.
    Completes,
    /// It heads a block of lines that ends with a postal code and a town.
    BlockHead,
    /// A word like "of" or "dated" stands directly before a date.
    Dated,
    /// A document's title stands in its row.
    TitleRow,
    /// The first of its lines does not look like the first line of an address.
    BadStart,
    /// A line below the first says something else: a telephone number, a register, hardly a letter.
    BadEnd,
    /// An e-mail or web address on the pages has its name.
    Domain,
    /// Ways to reach it stand in the lines below.
    Contact,
    /// The name that begins the line of a sender.
    Sender,
    /// Whose attention is asked for, within a company.
    Attention,
    /// A word like "Herrn" or "To" stands alone in the line above.
    Addressed,
    /// It stands on two lines here and on one elsewhere.
    Echoed,
    /// Other texts of the document say the name too.
    Mentioned,
    /// Another line, with numbers of registers or accounts, says the name.
    Imprint,
    /// It heads the first of several blocks with an address.
    FirstBlock,
    /// A date that begins or ends a period.
    Period,
    /// 1 behind a box that is ticked, -1 behind one that is not.
    Ticked,
    /// A date in a column of dates.
    Listed,
    /// The amount is, by arithmetic, what the field asks for: a net amount, a tax, a total that stands with the others.
    AddsUp,
    /// By arithmetic it is another of the three.
    AddsUpOtherwise,
    /// Of two addresses the sender's by where they stand: 1, the recipient's: -1.
    Side,
    /// A bracket in it opens or closes outside of it: it is a piece of something.
    Unbalanced,
    /// It heads two addresses: where the invoice goes, and where the goods go.
    TwoBlocks,
}

pub(super) const FEATURES: usize = Feature::TwoBlocks as usize + 1;
pub(super) type Row = [f32; FEATURES];

/// The amount of a number candidate that is no percentage.
pub(super) fn amount(candidate: &Candidate) -> Option<Decimal> {
    match &candidate.reading {
        Reading::Number(number) if !number.percent => Some(number.value.normalize()),
        _ => None,
    }
}

/// Equal values have equal keys.
pub(super) fn key(candidate: &Candidate) -> String {
    match &candidate.reading {
        Reading::Date(date) => match date.time {
            Some(_) => date.date_time().to_string(),
            None => date.date.to_string(),
        },
        Reading::Number(number) => format!("n{}", number.value.normalize()),
        Reading::Code { value, .. } => value.to_lowercase(),
        Reading::Text(_) => fold(&candidate.text),
    }
}

/// What a row of features is made for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub field: usize,
    pub role: Role,
    /// Fields that name somebody: a name in another's section is not this one's.
    pub name_fields: &'a [usize],
    /// Of the hub.
    pub fields: &'a [Field],
}

/// How surely a sum that is printed nowhere is the field's, where it completes a total.
const SUM_ADDS_UP: f32 = 0.9;

/// What is the same for every field, made once for each candidate.
pub(super) struct Shared {
    rows: Vec<OnceCell<Row>>,
    parties: Vec<OnceCell<[(Feature, f32); 12]>>,
}

impl Shared {
    pub(super) fn new(candidates: usize) -> Self {
        Self {
            rows: (0..candidates).map(|_| OnceCell::new()).collect(),
            parties: (0..candidates).map(|_| OnceCell::new()).collect(),
        }
    }
}

/// Where the candidates of a document stand.
pub(super) struct Place<'a, 'p> {
    pub document: &'a Document<'p>,
    pub labels: &'a Labels,
    pub context: &'a Context,
    pub shared: &'a Shared,
}

impl Place<'_, '_> {
    /// The features of one candidate, by its number, for one field.
    pub(super) fn features(&self, asked: &Asked<'_>, number: usize, candidate: &Candidate) -> Row {
        let mut row = *self.shared.rows[number].get_or_init(|| self.common(candidate));
        let mut set = |feature: Feature, value: f32| row[feature as usize] = value;
        let (own, _) = own_strength(&candidate.relations, asked.field, asked.role);
        let rival = rival_strength(candidate, asked);
        set(Feature::Label, own);
        set(Feature::Rival, (rival - own).max(0.0));
        set(Feature::Unlabelled, flag(own < 0.2));
        match (&candidate.reading, asked.role) {
            (Reading::Code { kind, quality, .. }, role) => {
                let fits =
                    matches!((kind, role), (CodeKind::Iban, Role::Iban) | (CodeKind::TaxId, Role::TaxId));
                // The shape of an IBAN proves much even where its check digits do not fit: examples are often made up.
                let proof = if *kind == CodeKind::Iban { quality.max(0.75) } else { *quality };
                set(Feature::Proven, if fits { proof } else { 0.0 });
            }
            (Reading::Text(cut), Role::Issuer | Role::Recipient) => {
                let party = self.shared.parties[number].get_or_init(|| self.party(candidate, *cut));
                party.iter().for_each(|(feature, value)| set(*feature, *value));
            }
            (Reading::Text(_), Role::Address) => {
                let line = |span: &Span| self.document.text(*span);
                let [first, below @ ..] = candidate.spans.as_slice() else { return row };
                set(Feature::BadStart, flag(!starts_address(line(first))));
                set(Feature::BadEnd, flag(below.iter().any(|span| follows_address(line(span)))));
            }
            (Reading::Number(_), Role::NetAmount | Role::TaxAmount | Role::GrandTotal) => {
                let (own, other) = self.parts(candidate, asked.role);
                set(Feature::AddsUp, own);
                set(Feature::AddsUpOtherwise, (other - own).max(0.0));
            }
            (Reading::Text(_), Role::Identifier) => {
                let span = candidate.spans[0];
                let numbered = numbered(before_in_row(self.document, span));
                set(Feature::Numbered, flag(numbered));
                set(Feature::Currency, flag(candidate.text.contains(['€', '$', '£'])));
                let line = self.document.segments[span.segment].line;
                set(Feature::TitleRow, flag(numbered && has_title(self.document, line)));
            }
            _ => {}
        }
        row
    }

    /// How surely an amount is the one of net, tax and total that is asked for, and how surely another of them.
    fn parts(&self, candidate: &Candidate, role: Role) -> (f32, f32) {
        // A sum that is printed nowhere stands with no others; what it adds up to may.
        if let ([_, _, ..], Some(value)) = (candidate.spans.as_slice(), amount(candidate)) {
            let part_of = role != Role::GrandTotal && self.context.completes(value, role == Role::TaxAmount);
            return (if part_of { SUM_ADDS_UP } else { 0.0 }, 0.0);
        }
        let parts = self.context.parts(candidate);
        let own = match role {
            Role::NetAmount => 0,
            Role::TaxAmount => 1,
            _ => 2,
        };
        let others = parts.iter().enumerate().filter(|(nth, _)| *nth != own);
        (parts[own], others.map(|(_, part)| *part).fold(0.0, f32::max))
    }

    /// The features that do not depend on the field.
    fn common(&self, candidate: &Candidate) -> Row {
        let (document, context) = (self.document, self.context);
        let mut row = [0.0; FEATURES];
        let mut set = |feature: Feature, value: f32| row[feature as usize] = value;
        let (_, page_height) = size(&document.pages[candidate.page]);
        let y = (candidate.rect.middle() / page_height).clamp(0.0, 1.0);
        if candidate.page == 0 {
            set(Feature::Top, 1.0 - y);
            set(Feature::Head, (-y / 0.08).exp());
        }
        let down =
            (context.heights_before[candidate.page] + candidate.rect.middle()) / context.height_all.max(1.0);
        set(Feature::Down, down.clamp(0.0, 1.0));
        let font = candidate.rect.height / context.font_sizes[candidate.page] - 1.0;
        set(Feature::Font, font.clamp(-0.5, 1.5));
        set(Feature::Reader, candidate.confidence);
        set(Feature::Repeated, flag(context.counts.get(&key(candidate)).copied().unwrap_or(0) > 1));
        set(Feature::Lines, (candidate.spans.len() - 1) as f32);
        match &candidate.reading {
            Reading::Date(date) => {
                set(Feature::Quality, date.quality);
                let span = candidate.spans[0];
                let (before, line) = lead(document, span);
                set(Feature::Dated, flag(dated(before)));
                set(Feature::TitleRow, flag(has_title(document, line)));
                let text = &document.segments[span.segment].text;
                set(Feature::Period, flag(in_period(text, span.start, span.end)));
                set(Feature::Listed, flag(context.listed_dates.contains(&span)));
            }
            Reading::Number(number) => {
                let value = number.value.normalize();
                let rank = context.rank(candidate).map_or(0.0, |rank| 1.0 / (rank as f32 + 1.0));
                set(Feature::Rank, rank);
                set(Feature::Sum, flag(!number.percent && context.is_sum(value)));
                set(Feature::Cents, flag(number.decimals == 2));
                set(Feature::Currency, flag(number.currency.is_some()));
                set(Feature::Percent, flag(number.percent));
                set(Feature::Zero, flag(value.is_zero()));
                set(Feature::Quality, 1.0);
                set(Feature::ColumnSum, flag(context.is_column_sum(candidate)));
                set(Feature::Difference, flag(!number.percent && context.is_difference(value)));
            }
            Reading::Code { quality, .. } => {
                set(Feature::Quality, *quality);
                set(Feature::Digits, digit_share(&candidate.text));
            }
            Reading::Text(cut) => {
                for (feature, value) in text_features(document, self.labels, candidate, *cut) {
                    set(feature, value);
                }
            }
        }
        row
    }

    /// What tells who sends a document and who receives it.
    fn party(&self, candidate: &Candidate, cut: Cut) -> [(Feature, f32); 12] {
        let (document, context) = (self.document, self.context);
        let text = &candidate.text;
        let last = candidate.spans[candidate.spans.len() - 1];
        let begins = last.start == 0;
        let attention = candidate.spans.iter().any(|span| {
            asks_attention(before_in_row(document, *span)) || asks_attention(document.text(*span))
        });
        // Looked for only where it could be a name: the texts of a document are searched for each.
        let name = candidate.spans.len() <= 2 && !matches!(cut, Cut::Piece | Cut::Lines);
        [
            (Feature::BlockHead, flag(context.block_heads.contains(&last.segment) && begins)),
            (Feature::TwoBlocks, flag(begins && context.heads_two_blocks(text))),
            (Feature::FirstBlock, flag(context.first_block == Some(last.segment) && begins)),
            (Feature::Side, if begins { context.side(last.segment) } else { 0.0 }),
            (Feature::Domain, flag(context.has_domain(text))),
            (Feature::Mentioned, if name { context.mentions(text).min(2) as f32 / 2.0 } else { 0.0 }),
            (
                Feature::Imprint,
                flag(name && context.is_in_imprint(text, document.segments[last.segment].line)),
            ),
            (Feature::Contact, flag(has_contact_below(document, last.segment))),
            (Feature::Echoed, flag(candidate.spans.len() > 1 && context.echoes(text))),
            (Feature::Sender, flag(cut == Cut::Sender)),
            (Feature::Addressed, flag(addressed(document, candidate.spans[0]))),
            (Feature::Attention, flag(attention)),
        ]
    }
}

pub(super) fn flag(condition: bool) -> f32 {
    if condition { 1.0 } else { 0.0 }
}
