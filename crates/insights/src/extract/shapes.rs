//! What names, addresses and titles look like, whoever wrote them.

use super::text::fold;
use regex::Regex;
use std::sync::LazyLock;

pub(super) static LEGAL_FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)(?:^|[\s,.(])(?:gmbh|mbh|ag|kg|kgaa|ohg|ug|gbr|e\.?\s?k\.?|e\.?\s?v\.?|a\.?g\.?|se|ltd\.?|limited|llc|l\.l\.c\.|llp|inc\.?|corp\.?|
        corporation|company|co\.?|plc|sdn\.?|bhd\.?|pte\.?|pty\.?|s\.?a\.?|s\.?a\.?s\.?|sarl|s\.?à\.?r\.?l\.?|s\.a\.r\.l\.?|eurl|snc|s\.?r\.?l\.?|s\.?p\.?a\.?|
        s\.?l\.?u?\.?|b\.?v\.?|n\.?v\.?|bvba|v\.?o\.?f\.?|lda\.?|ltda\.?|unipessoal|enterprise|enterprises|trading|restaurant|restoran|store|
        stores|supermarket|hypermarket|market|mart|shop|hotel|café|cafe|pharmacy|apotheke|versicherung\w*|bakery|bistro|kedai|syarikat)(?:$|[\s,.)&-])",
    )
    .expect("the pattern is a constant that the tests run")
});
/// One word of a company's legal form, and nothing that also is part of names.
pub(super) static STRICT_LEGAL_FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)^\(?(?:gmbh|mbh|ag|kg|kgaa|ohg|ug|gbr|e\.k\.|e\.v\.|a\.?g\.|se|ltd\.?|limited|llc|llp|inc\.?|corp\.?|corporation|company|co\.?|plc|
        sdn\.?|bhd\.?|pte\.?|pty\.?|s\.?a\.?s?\.?|sarl|eurl|s\.r\.l\.?|srl|s\.p\.a\.?|spa|s\.l\.?|sl|b\.v\.?|bv|n\.v\.?|nv|lda\.?|ltda\.?|&|\(m\)|m)[,;]?$",
    )
    .expect("the pattern is a constant that the tests run")
});
pub(super) static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)\b\d{5}\b|\b[A-Z]{1,2}-?\d{4,5}\b|\b\d{4}\s?[A-Z]{2}\b|\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b|
        stra(?:ß|ss)e\b|str\.|\bstreet\b|\bst\.\s|\broad\b|\brd\b|\bavenue\b|\bave\b|\brue\b|\bboulevard\b|\bbd\b|\bcalle\b|\bavda\b|\bplaza\b|
        \bvia\b|\bpiazza\b|\bcorso\b|\blaan\b|straat\b|weg\b|\bplatz\b|gasse\b|\brua\b|\bavenida\b|\bpraça\b|\bjalan\b|\bjln\b|\btaman\b|\blot\b|
        \blorong\b|\bsuite\b|\bfloor\b|\bblk\b|\bblock\b|\bno\.?\s?\d|\bp\.?o\.?\sbox\b|\bpostfach\b|\bcedex\b|\bhighway\b|\bdrive\b|\blane\b",
    )
    .expect("the pattern is a constant that the tests run")
});
/// Titles of documents, folded.
pub(super) const TITLES: [&str; 55] = [
    "invoice",
    "taxinvoice",
    "rechnung",
    "facture",
    "factura",
    "fattura",
    "factuur",
    "fatura",
    "rechnungskorrektur",
    "receipt",
    "quittung",
    "kassenbon",
    "beleg",
    "creditnote",
    "gutschrift",
    "avoir",
    "recibo",
    "ricevuta",
    "cashbill",
    "bill",
    "cashsales",
    "simplifiedtaxinvoice",
    "original",
    "copy",
    "kopie",
    "duplicate",
    "welcome",
    "thankyou",
    "cash",
    "salesreceipt",
    "cashsale",
    "officialreceipt",
    "notadecredito",
    "proforma",
    "proformainvoice",
    "statement",
    "deliverynote",
    "lieferschein",
    "handelsrechnung",
    "labreport",
    "laboratoryreport",
    "befund",
    "referto",
    "informe",
    "bon",
    "herr",
    "herrn",
    "frau",
    "mr",
    "mrs",
    "ms",
    "monsieur",
    "madame",
    "firma",
    "simplified",
];

/// Whether a text ends with a word for "number".
pub(super) fn numbered(before: &str) -> bool {
    const WORDS: [&str; 14] = [
        "no", "nr", "n", "nro", "num", "number", "nummer", "numero", "numer", "id", "nb", "ref", "code",
        "num",
    ];
    before.ends_with('#')
        || before
            .rsplit(|c: char| c.is_whitespace() || c == '-')
            .find(|word| word.chars().any(char::is_alphabetic))
            .is_some_and(|word| {
                WORDS.contains(&fold(word).trim_end_matches('o')) || WORDS.contains(&fold(word).as_str())
            })
}

/// `Telephone: 12` is a label with its value, `No: 12, Some Street` is not.
pub(super) fn has_inner_colon(text: &str) -> bool {
    text.find(':').is_some_and(|colon| text[..colon].chars().filter(|c| c.is_alphabetic()).count() > 3)
}

/// Words of a text beside the legal form of a company.
pub(super) fn words_beside_legal_form(text: &str) -> usize {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
    words.filter(|word| !STRICT_LEGAL_FORM.is_match(word)).count()
}

pub(super) fn digit_share(text: &str) -> f32 {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits as f32 / text.chars().count().max(1) as f32
}
