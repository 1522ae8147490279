//! What a document as a whole says about each of its candidates: which amounts add up, where addresses begin, whose
//! name the web addresses have.

use super::{
    candidates::{Candidate, Reading},
    features::{amount, key},
    labels::Labels,
    layout::{Document, Span, size},
    shapes::{STRICT_LEGAL_FORM, TITLES, asks_attention, digit_share, is_salutation, sender_name_end},
    text::fold,
};
use regex::Regex;
use rust_decimal::Decimal;
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// No tax on sales has a higher rate, in percent.
const RATE_MAX: Decimal = Decimal::from_parts(30, 0, 0, false, 0);

/// Bytes of the text that names are looked for in.
const FOLDED_MAX: usize = 20_000;

/// What features ask about the whole document.
pub(super) struct Context {
    /// Amounts in falling order, without repetitions.
    pub ranks: HashMap<Decimal, usize>,
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
    /// Of several such blocks, the highest on the first page: letters begin with who writes them.
    pub first_block: Option<usize>,
    /// Lines with numbers of registers and accounts, folded: who stands there wrote the document.
    imprints: Vec<(usize, String)>,
    /// Places whose amount is the sum of what stands above it in its column.
    pub column_sums: HashSet<Span>,
}

impl Context {
    pub(super) fn new(document: &Document<'_>, labels: &Labels, numbers: &[Candidate]) -> Self {
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
        Self {
            rates,
            joined: folded.replace('\n', ""),
            folded,
            first_block,
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

    pub(super) fn is_difference(&self, value: Decimal) -> bool {
        value > Decimal::ZERO
            && self.amounts.iter().any(|all| *all > value && self.amounts.contains(&(all - value)))
    }
}

/// The names in e-mail and web addresses (`example` of `info@example.org`), folded; providers of mailboxes are nobody's.
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
    names.sort_unstable();
    names.dedup();
    names.truncate(50);
    names
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

/// Blocks of three or more lines that end with a postal code and a town.
fn block_heads(document: &Document<'_>, labels: &Labels) -> HashSet<usize> {
    static TOWN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?x)^(?:[A-Z]{1,2}[\-\ ])?\d{4,5}(?:-\d{3})?(?:\ ?[A-Z]{2})?\ +\p{Lu}[\p{L}.\-]+ | \p{L}+,?\ [A-Z]{2},?\ \d{5} | \b[A-Z]{1,2}\d[A-Z\d]?\ \d[A-Z]{2}$")
            .expect("the pattern is a constant that the tests run")
    });
    let first_page = document.segments.iter().enumerate().filter(|(_, segment)| segment.page == 0);
    let towns = first_page.filter(|(_, segment)| TOWN.is_match(&segment.text)).take(TOWNS_MAX);
    towns.filter_map(|(town, _)| head_of_block(document, labels, town)).collect()
}

/// Share of the page above which a letter names its parties.
const PARTIES_ABOVE: f32 = 0.45;

/// The first of several addresses in the upper part of the page. One below a line of the sender stands in the window of an
/// envelope: it is the recipient's.
fn first_block(document: &Document<'_>, heads: &HashSet<usize>) -> Option<usize> {
    let upper = |head: &&usize| {
        let segment = &document.segments[**head];
        segment.rect.y < PARTIES_ABOVE * size(&document.pages[segment.page]).1
    };
    let mut blocks: Vec<usize> = heads.iter().filter(upper).copied().collect();
    blocks.sort_unstable();
    let (&first, _) = blocks.split_first().filter(|(_, others)| !others.is_empty())?;
    let segment = &document.segments[first];
    let lines = document.lines[..segment.line].iter().rev().take(2);
    let mut above = lines.flat_map(|line| &document.segments[line.segments.clone()]);
    let in_window = above.any(|upper| sender_name_end(&upper.text).is_some());
    (!in_window).then_some(first)
}

/// Towns on a page that are looked at.
const TOWNS_MAX: usize = 40;
/// Lines of an address above its town.
const LINES_ABOVE_TOWN_MAX: usize = 4;

/// Walks up from the line with the town; addresses behind the window of an envelope are widely spaced.
fn head_of_block(document: &Document<'_>, labels: &Labels, town: usize) -> Option<usize> {
    const SEPARATORS: [char; 8] = [':', '●', '•', '·', '|', '@', '∙', '⋅'];
    let page = document.segments[town].page;
    let height = document.line_height(page);
    let (mut current, mut count) = (town, 0);
    while count < LINES_ABOVE_TOWN_MAX {
        let lower = document.segments[current].rect;
        let lines = document.lines[..document.segments[current].line].iter().rev().take(8);
        let above = lines.take_while(|line| line.page == page).flat_map(|line| line.segments.clone()).find(
            |&index| {
                let rect = document.segments[index].rect;
                let edges = [
                    rect.x - lower.x,
                    rect.right() - lower.right(),
                    rect.x + rect.right() - lower.x - lower.right(),
                ];
                edges.iter().any(|shift| shift.abs() < 0.8 * height)
                    && rect.bottom() <= lower.y + 0.4 * height
            },
        );
        let Some(above) =
            above.filter(|&above| lower.y - document.segments[above].rect.bottom() < 4.0 * height)
        else {
            break;
        };
        let text = &document.segments[above].text;
        // Whose attention is asked for stands within an address, and often looks like a label.
        let plain = !labels.is_label(above)
            && !text.contains(SEPARATORS)
            && !TITLES.contains(&fold(text).as_str())
            && !is_salutation(text)
            && sender_name_end(text).is_none();
        if !(plain || asks_attention(text)) || text.split_whitespace().count() > 8 || digit_share(text) > 0.5
        {
            break;
        }
        (current, count) = (above, count + 1);
    }
    (count >= 2).then_some(current)
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
