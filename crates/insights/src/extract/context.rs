//! What a document as a whole says about each of its candidates: which amounts add up, where addresses begin, whose
//! name the web addresses have.

use super::{
    blocks::{block_heads, first_block, sides},
    candidates::{Candidate, Pools, Reading},
    features::{amount, key},
    labels::Labels,
    layout::{Document, Span, size},
    shapes::STRICT_LEGAL_FORM,
    sums,
    text::fold,
};
use regex::Regex;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

/// No tax on sales has a higher rate, in percent.
const RATE_MAX: Decimal = Decimal::from_parts(30, 0, 0, false, 0);

/// Bytes of the text that names are looked for in.
const FOLDED_MAX: usize = 20_000;

/// What features ask about the whole document.
pub(super) struct Context {
    /// Amounts in falling order, without repetitions.
    ranks: HashMap<Decimal, usize>,
    pub amounts: HashSet<Decimal>,
    /// Percentages that could be rates of a tax.
    pub rates: Vec<Decimal>,
    pub counts: HashMap<String, u32>,
    /// The segments, folded, each on a line of its own.
    folded: String,
    /// The same without anything between the lines.
    joined: String,
    pub font_sizes: Vec<f32>,
    pub height_all: f32,
    pub heights_before: Vec<f32>,
    /// Names in the e-mail and web addresses of the document, folded.
    pub domains: Vec<String>,
    /// Segments that begin a block with a postal code and a town at its end.
    pub block_heads: HashSet<usize>,
    /// What stands there, folded, and how often.
    block_names: HashMap<String, usize>,
    /// Of several such blocks, the highest on the first page: letters begin with who writes them.
    pub first_block: Option<usize>,
    /// Lines with numbers of registers and accounts, folded: who stands there wrote the document.
    imprints: Vec<(usize, String)>,
    /// Places whose amount is the sum of what stands above it in its column.
    column_sums: HashSet<Span>,
    /// Amounts that are a net amount, a tax or a total by arithmetic.
    sums: HashMap<Span, sums::Parts>,
    /// The same of other readings, each as if it were what is read.
    sums_of_variants: HashMap<(Span, Decimal), sums::Parts>,
    /// Dates below or above other dates: rows of a table have them.
    pub listed_dates: HashSet<Span>,
    /// Which of the addresses in the upper part of the first page is the sender's, by where it stands.
    sides: HashMap<usize, f32>,
}

impl Context {
    pub(super) fn new(document: &Document<'_>, labels: &Labels, pools: &Pools) -> Self {
        let Pools { numbers, dates, variants, .. } = pools;
        let mut amounts: Vec<Decimal> = numbers
            .iter()
            .filter_map(amount)
            .map(|value| value.abs())
            .filter(|value| !value.is_zero())
            .collect();
        amounts.sort_unstable_by(|a, b| b.cmp(a));
        amounts.dedup();
        let mut counts = HashMap::new();
        let mut folded = String::new();
        for segment in &document.segments {
            let text = fold(&segment.text);
            if folded.len() < FOLDED_MAX {
                folded.push_str(&text);
                folded.push('\n');
            }
            *counts.entry(text).or_insert(0) += 1;
        }
        for number in numbers {
            *counts.entry(key(number)).or_insert(0) += 1;
        }
        let mut font_sizes = Vec::new();
        for page in 0..document.pages.len() {
            let mut sizes: Vec<f32> = document
                .segments
                .iter()
                .filter(|segment| segment.page == page)
                .map(|segment| segment.rect.height)
                .collect();
            sizes.sort_by(f32::total_cmp);
            font_sizes.push(sizes.get(sizes.len() / 2).copied().unwrap_or(10.0).max(1.0));
        }
        let mut heights_before = Vec::new();
        let mut height_all = 0.0;
        for page in document.pages {
            heights_before.push(height_all);
            height_all += size(page).1;
        }
        let ranks = amounts.iter().enumerate().map(|(rank, value)| (*value, rank)).collect();
        let percentages = numbers.iter().filter_map(|number| match &number.reading {
            Reading::Number(found) if found.percent => Some(found.value.normalize()),
            _ => None,
        });
        let mut rates: Vec<Decimal> =
            percentages.filter(|rate| *rate > Decimal::ZERO && *rate <= RATE_MAX).collect();
        rates.sort_unstable();
        rates.dedup();
        rates.truncate(20);
        let block_heads = block_heads(document, labels);
        let first_block = first_block(document, &block_heads);
        let mut block_names = HashMap::new();
        for head in &block_heads {
            *block_names.entry(fold(&document.segments[*head].text)).or_insert(0) += 1;
        }
        Self {
            sums: sums::find(document, numbers, &rates),
            sums_of_variants: sums::of_variants(document, numbers, variants, &rates),
            listed_dates: listed(document, dates),
            sides: sides(document, &block_heads),
            rates,
            joined: folded.replace('\n', ""),
            folded,
            first_block,
            block_names,
            imprints: imprints(document),
            domains: domains(document),
            column_sums: column_sums(document, numbers),
            block_heads,
            ranks,
            amounts: amounts.into_iter().take(200).collect(),
            counts,
            font_sizes,
            height_all,
            heights_before,
        }
    }

    /// Whether an amount is the sum of what stands above it in its column.
    pub(super) fn is_column_sum(&self, candidate: &Candidate) -> bool {
        candidate.variant.is_none() && self.column_sums.contains(&candidate.spans[0])
    }

    /// How surely an amount is a net amount, a tax and a total by arithmetic.
    pub(super) fn parts(&self, candidate: &Candidate) -> sums::Parts {
        let span = candidate.spans[0];
        let parts = match (candidate.variant, amount(candidate)) {
            (Some(_), Some(value)) => self.sums_of_variants.get(&(span, value)),
            _ => self.sums.get(&span),
        };
        parts.copied().unwrap_or_default()
    }

    /// How many amounts are larger; none where it is nothing or a percentage.
    pub(super) fn rank(&self, candidate: &Candidate) -> Option<usize> {
        let value = amount(candidate).map(|value| value.abs()).filter(|value| !value.is_zero())?;
        let larger = || self.ranks.keys().filter(|other| **other > value).count();
        Some(self.ranks.get(&value).copied().unwrap_or_else(larger))
    }

    pub(super) fn is_sum(&self, value: Decimal) -> bool {
        value > Decimal::ZERO
            && self.amounts.iter().any(|part| *part < value && self.amounts.contains(&(value - part)))
    }

    pub(super) fn has_domain(&self, name: &str) -> bool {
        let plain: String =
            name.split_whitespace().filter(|word| !STRICT_LEGAL_FORM.is_match(word)).map(fold).collect();
        plain.len() >= 4
            && self.domains.iter().any(|domain| plain.contains(domain.as_str()) || domain.contains(&plain))
    }

    /// Whether a name that here stands on several lines elsewhere stands on one.
    pub(super) fn echoes(&self, name: &str) -> bool {
        let name = fold(name);
        name.len() >= 8 && name.len() <= 120 && self.folded.contains(&name)
    }

    /// How many more times than once the texts of the document say a name.
    pub(super) fn mentions(&self, name: &str) -> usize {
        let name = fold(name);
        if name.len() < NAME_MIN || name.len() > 120 {
            return 0;
        }
        self.joined.matches(&name).take(4).count().saturating_sub(1)
    }

    /// Whether another line than `own`, with numbers of registers or accounts, has a name beside them.
    pub(super) fn is_in_imprint(&self, name: &str, own: usize) -> bool {
        let name = fold(name);
        name.len() >= NAME_MIN
            && self.imprints.iter().any(|(line, text)| *line != own && text.contains(&name))
    }

    /// Whether a tax, or else a net amount, has its other two among the amounts of the document.
    pub(super) fn completes(&self, value: Decimal, is_tax: bool) -> bool {
        let value = value.abs();
        let share = |tax: Decimal, net: Decimal| tax * Decimal::from(3) < net;
        self.amounts.iter().any(|total| {
            let other = total - value;
            let (tax, net) = if is_tax { (value, other) } else { (other, value) };
            tax > Decimal::ZERO && share(tax, net) && self.amounts.contains(&other)
        })
    }

    /// Whether the document speaks of rounding what is paid.
    pub(super) fn rounds(&self) -> bool {
        const WORDS: [&str; 8] = [
            "rounding",
            "roundadj",
            "rundung",
            "arrondi",
            "redondeo",
            "arrotondamento",
            "afronding",
            "arredondamento",
        ];
        WORDS.iter().any(|word| self.folded.contains(word))
    }

    /// Whether a name stands at the head of more than one address.
    pub(super) fn heads_two_blocks(&self, name: &str) -> bool {
        self.block_names.get(&fold(name)).is_some_and(|count| *count > 1)
    }

    /// See [`Feature::Side`](super::features::Feature::Side); 0 where a segment heads no address, or the only one.
    pub(super) fn side(&self, head: usize) -> f32 {
        self.sides.get(&head).copied().unwrap_or(0.0)
    }

    pub(super) fn is_difference(&self, value: Decimal) -> bool {
        value > Decimal::ZERO
            && self.amounts.iter().any(|all| *all > value && self.amounts.contains(&(all - value)))
    }
}

/// The names in e-mail and web addresses (`example` of `info@example.org`), folded; providers of mailboxes are nobody's.
/// Of several the one that stands most often is the sender's: a recipient's own stands once, below the address.
fn domains(document: &Document<'_>) -> Vec<String> {
    static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:@|www\.|https?://(?:www\.)?)([a-z0-9äöüéè\-]{4,})\.[a-z]{2,}")
            .expect("the pattern is a constant that the tests run")
    });
    const MAILBOXES: [&str; 10] = [
        "gmail",
        "yahoo",
        "hotmail",
        "outlook",
        "gmx",
        "orange",
        "wanadoo",
        "tonline",
        "webde",
        "googlemail",
    ];
    let words = document.words.iter().filter(|word| word.text.contains('@') || word.text.contains('.'));
    let mut names: Vec<String> =
        words.filter_map(|word| DOMAIN.captures(&word.text).map(|found| fold(&found[1]))).collect();
    names.retain(|name| name.len() >= 4 && !MAILBOXES.contains(&name.as_str()));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    counts.into_iter().filter(|(_, count)| *count == most).map(|(name, _)| name).take(50).collect()
}

/// Letters and digits of a name that is looked for in other texts.
const NAME_MIN: usize = 6;
/// Lines that are looked at for what registers and banks know of the sender.
const IMPRINT_LINES_MAX: usize = 40;

/// Lines that name a register or an account of whoever wrote the document.
fn imprints(document: &Document<'_>) -> Vec<(usize, String)> {
    static REGISTER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)\b(?:hr[ab] ?\d|hrb|amtsgericht|handelsregister|registergericht|geschäftsführ\w*|siret|siren|rcs|au capital|sede legale|capitale sociale|rea\b|kvk|t\.?n\.?v\.?|registro mercantil|capital social|registered (?:in|office)|company (?:no|number|reg)|payable to|kontoinhaber|account name|titulaire|iban)\b",
        )
        .expect("the pattern is a constant that the tests run")
    });
    let texts = |line: usize| document.segments[document.lines[line].segments.clone()].iter();
    let named =
        (0..document.lines.len()).filter(|&line| texts(line).any(|segment| REGISTER.is_match(&segment.text)));
    let folded = |line: usize| texts(line).map(|segment| fold(&segment.text)).collect();
    named.take(IMPRINT_LINES_MAX).map(|line| (line, folded(line))).collect()
}

/// Segments of one line that are looked at.
const NEAR_MAX: usize = 60;
/// Lines below a name that may say how to reach it.
const CONTACT_LINES: usize = 9;

pub(super) fn has_contact_below(document: &Document<'_>, head: usize) -> bool {
    static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)@|www\.|\b(?:tel|tél|fax|phone|telefon|telefono|mobile|siret|siren|iban|kvk|hrb)\b")
            .expect("the pattern is a constant that the tests run")
    });
    let column = document.segments[head].rect;
    let height = document.line_height(document.segments[head].page);
    let (mut bottom, mut found) = (column.bottom(), false);
    let lines = document.lines.get(document.segments[head].line + 1..).unwrap_or_default();
    for line in lines.iter().take(2 * CONTACT_LINES).filter(|line| line.page == document.segments[head].page)
    {
        for segment in document.segments[line.segments.clone()].iter().take(NEAR_MAX) {
            let under =
                (segment.rect.x - column.x).abs() < 2.0 * height && segment.rect.y - bottom < 1.2 * height;
            if under {
                bottom = segment.rect.bottom();
                found = found || CONTACT.is_match(&segment.text);
            }
        }
    }
    found
}

/// Dates of a column on a page, at most.
const DATES_MAX: usize = 200;

/// Dates that have another date of the same edge within the next lines, and no text left of both: those of a table's rows.
fn listed(document: &Document<'_>, dates: &[Candidate]) -> HashSet<Span> {
    let mut found = HashSet::new();
    for (index, date) in dates.iter().enumerate().take(DATES_MAX) {
        let height = document.line_height(date.page);
        let below = dates[index + 1..].iter().take(8).find(|other| {
            let gap = other.rect.y - date.rect.bottom();
            other.page == date.page
                && (other.rect.x - date.rect.x).abs() < 0.5 * height
                && (-0.2 * height..3.0 * height).contains(&gap)
        });
        if let Some(below) = below {
            let alone = |candidate: &Candidate| {
                let line = &document.lines[document.segments[candidate.spans[0].segment].line];
                let left = line.segments.start < candidate.spans[0].segment;
                let more = line.segments.end > candidate.spans[0].segment + 1;
                candidate.spans[0].start == 0 && !left && more
            };
            if alone(date) && alone(below) {
                found.extend([date.spans[0], below.spans[0]]);
            }
        }
    }
    found
}

/// Amounts of a column above a sum, at most.
const COLUMN_MAX: usize = 60;

/// Finds amounts that the amounts above them in the same column add up to, or the last few of those.
fn column_sums(document: &Document<'_>, numbers: &[Candidate]) -> HashSet<Span> {
    let mut amounts: Vec<(&Candidate, Decimal)> =
        numbers.iter().filter_map(|number| amount(number).map(|value| (number, value))).collect();
    amounts.retain(|(number, _)| matches!(&number.reading, Reading::Number(found) if found.decimals == 2));
    let mut found = HashSet::new();
    for (index, (number, value)) in amounts.iter().enumerate() {
        let height = document.line_height(number.page);
        let (mut sum, mut count, mut top) = (Decimal::ZERO, 0, number.rect.y);
        for (other, part) in amounts[..index].iter().rev().take(COLUMN_MAX) {
            if other.page != number.page {
                break;
            }
            let aligned = (other.rect.right() - number.rect.right()).abs() < 0.8 * height;
            if !aligned || other.rect.bottom() > top + 0.3 * height {
                continue;
            }
            if top - other.rect.bottom() > 6.0 * height {
                break;
            }
            (sum, count, top) = (sum + part, count + 1, other.rect.y);
            if count >= 2 && sum == *value && !value.is_zero() {
                found.insert(number.spans[0]);
                break;
            }
        }
    }
    found
}
