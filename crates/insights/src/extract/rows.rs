//! From a document to what learning keeps of it: candidates as sparse rows, see [`crate::learn::Sheet`].

use super::{
    analysis::Analysis,
    candidates::{Candidate, Reading},
    dates,
    neighbourhood::{Anchor, Features, Neighbourhood},
    values,
};
use crate::learn::{CandidateRow, FieldRows, Fingerprint, OptionRow, Rows, hash, made_for, truth};
use domain::hub::{Field, FieldType};

/// What identifies a sender.
const SIGNALS_MAX: usize = 24;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: usize = 300;

pub(super) fn of(analysis: &Analysis<'_, '_>) -> Rows {
    let neighbourhood = Neighbourhood::new(&analysis.document, &analysis.context, &analysis.hub.fields);
    let candidates: Vec<&Candidate> = analysis.candidates().collect();
    let mut pooled = analysis.pools.all().into_iter().flat_map(|pool| {
        let count = pool.len();
        pool.iter()
            .enumerate()
            .map(move |(index, candidate)| analysis.pools.standing(candidate).unwrap_or((index, count)))
    });
    let rows = candidates.iter().map(|candidate| {
        let (index, count) = pooled.next().unwrap_or((0, 1));
        row(candidate, neighbourhood.features(candidate, index, count))
    });
    let rows = rows.collect();
    let fields =
        (0..analysis.hub.fields.len()).map(|index| field_rows(analysis, index, &candidates)).collect();
    Rows {
        made_for: made_for(&analysis.hub.fields),
        candidates: rows,
        fields,
        fingerprint: Fingerprint::of(analysis.document.pages),
        signals: signals(analysis),
    }
}

fn row(candidate: &Candidate, (features, anchor): (Features, Anchor)) -> CandidateRow {
    let (strict, loose, text) = match &candidate.reading {
        Reading::Date(found) => {
            let loose = truth::date(&found.date.to_string());
            (found.time.map_or(loose, |_| truth::date(&found.date_time().to_string())), loose, String::new())
        }
        Reading::Number(number) => {
            let hash = truth::number(number.value);
            (hash, hash, String::new())
        }
        Reading::Code { value, .. } => {
            let (strict, loose) = truth::text(value);
            (strict, loose, value.clone())
        }
        Reading::Text(_) => {
            let (strict, loose) = truth::text(&candidate.text);
            let end = (0..=candidate.text.len().min(TEXT_BYTES_MAX))
                .rev()
                .find(|&end| candidate.text.is_char_boundary(end));
            (strict, loose, candidate.text[..end.unwrap_or(0)].to_owned())
        }
    };
    let share = |value: f32| (value.clamp(0.0, 1.0) * 65535.0) as u16;
    let mut before = 0;
    let features = features.into_iter().map(|(place, value)| {
        let gap = place - std::mem::replace(&mut before, place);
        (gap, (value * 32.0).round().clamp(1.0, 255.0) as u8)
    });
    CandidateRow {
        features: features.collect(),
        strict,
        loose,
        text,
        label: anchor.label,
        place: [share(anchor.x), share(anchor.right), share(anchor.y)],
        reader: (candidate.confidence.clamp(0.0, 1.0) * 255.0) as u8,
    }
}

fn field_rows(analysis: &Analysis<'_, '_>, index: usize, candidates: &[&Candidate]) -> FieldRows {
    let field = &analysis.hub.fields[index];
    let options = analysis.scored(index, candidates).into_iter().map(|scored| OptionRow {
        candidate: scored.candidate as u32,
        prior: scored.prior,
        narrow: scored.narrow,
        value: chosen(field, candidates[scored.candidate]),
    });
    FieldRows { options: options.collect(), none: analysis.none_score(index) }
}

/// The hash of a value that is not the candidate's own text.
fn chosen(field: &Field, candidate: &Candidate) -> u64 {
    match field.kind {
        FieldType::Boolean | FieldType::Enum | FieldType::List => {
            let value = values::of_candidate(field, candidate, None);
            value.and_then(|value| serde_json::to_value(value).ok()).map_or(0, |value| truth::chosen(&value))
        }
        _ => 0,
    }
}

/// Numbers of telephones, registers and taxes, and addresses of the web: what two documents of one sender share.
fn signals(analysis: &Analysis<'_, '_>) -> Vec<u64> {
    let mut found = Vec::new();
    for segment in &analysis.document.segments {
        let text = &segment.text;
        if !dates::find(text, analysis.order).is_empty() {
            continue;
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if (7..=18).contains(&digits.len()) {
            found.push(hash::number("digits", hash::text(&digits)));
        }
    }
    found.extend(analysis.context.domains.iter().map(|domain| hash::number("domain", hash::text(domain))));
    found.sort_unstable();
    found.dedup();
    found.truncate(SIGNALS_MAX);
    found
}
