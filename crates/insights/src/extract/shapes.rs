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
        \blorong\b|\bpersiaran\b|\bsuite\b|\ballee\b|\w+(?:allee|ufer|damm|chaussee|promenade)\b|\ballée\b|\bquai\b|\bimpasse\b|\bchemin\b|\bplace\b|
        \bpaseo\b|\bcamino\b|\bronda\b|\btravesía\b|\bviale\b|\blargo\b|\bvicolo\b|\btravessa\b|\bpraceta\b|\bestrada\b|\w+(?:plein|gracht|kade|singel|dreef|dijk)\b|
        \bfloor\b|\bblk\b|\bblock\b|\bno\.?\s?\d|\bp\.?o\.?\sbox\b|\bpostfach\b|\bcedex\b|\bhighway\b|\bdrive\b|\blane\b",
    )
    .expect("the pattern is a constant that the tests run")
});
/// What stands below an address and is no part of it: how to reach somebody, his registers and tax numbers, a document's title.
static AFTER_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)@|www\.|^\W*(?:tel|tele(?:f|fon|fono|foon|phone)|tél(?:é(?:phone)?)?|teléfono|tlf|telf|fax|phone|mobile|handphone|hp|e-?mail|gst|sst|vat|tva|ust|uid|steuer-?n(?:r|ummer)|btw|cif|nif|nipc|contribuinte|
        p\.?\s?iva|partita\siva|siret|siren|kvk|hr[ab]|(?:business\s)?reg(?:istration|n)?\.?\s?no|co\.?\s?(?:reg\.?\s?)?no|company\s(?:reg\.?\s)?no|roc|id\s?no|
        cashier|kasse|receipt|ticket|tax\sinvoice|invoice|rechnung|quittung|kassenbon|beleg|documento|scontrino|ricevuta|fattura|factura|facture|fatura|
        recibo|bon|kassabon|date|datum|fecha|data)\b",
    )
    .expect("the pattern is a constant that the tests run")
});

/// A line of an address has so many letters at least.
const ADDRESS_LETTERS_MIN: usize = 4;

/// Whether a line says something else than where somebody is.
pub(super) fn follows_address(line: &str) -> bool {
    line.chars().filter(|c| c.is_alphabetic()).count() < ADDRESS_LETTERS_MIN || AFTER_ADDRESS.is_match(line)
}
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

/// Whether a text has the legal form of a company in it; `25 kg` is none.
pub(super) fn has_legal_form(text: &str) -> bool {
    static WEIGHT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\d\s?[kK][gG]\b").expect("the pattern is a constant that the tests run")
    });
    LEGAL_FORM.is_match(text) && !WEIGHT.is_match(text)
}

/// Whether a text is the last line of an address that goes abroad: nobody's name.
pub(super) fn is_country(text: &str) -> bool {
    const COUNTRIES: [&str; 44] = [
        "france",
        "frankreich",
        "germany",
        "deutschland",
        "allemagne",
        "alemania",
        "germania",
        "duitsland",
        "osterreich",
        "austria",
        "autriche",
        "schweiz",
        "suisse",
        "svizzera",
        "switzerland",
        "italia",
        "italy",
        "italie",
        "italien",
        "espana",
        "spain",
        "spanien",
        "espagne",
        "nederland",
        "netherlands",
        "thenetherlands",
        "niederlande",
        "paysbas",
        "belgium",
        "belgie",
        "belgique",
        "belgien",
        "luxembourg",
        "luxemburg",
        "portugal",
        "unitedkingdom",
        "greatbritain",
        "england",
        "ireland",
        "usa",
        "unitedstates",
        "polska",
        "poland",
        "danmark",
    ];
    COUNTRIES.contains(&fold(text).as_str())
}

/// Whether a text begins as the heading of a section does: `Informationen zum Käufer`.
pub(super) fn heads_section(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "information",
        "informationen",
        "angaben",
        "daten",
        "details",
        "informations",
        "coordonnees",
        "datos",
        "informacion",
        "dati",
        "informazioni",
        "gegevens",
        "informatie",
        "dados",
    ];
    text.split_whitespace().next().is_some_and(|word| WORDS.contains(&fold(word).as_str()))
}

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

/// The end of the name in a line of the sender, as it stands above the window of an envelope: name, street and town in one
/// line, with something between them.
pub(super) fn sender_name_end(text: &str) -> Option<usize> {
    static SEPARATOR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\s*[●•·∙⋅|]\s*|\s+[–—/\-]\s+|,\s+")
            .expect("the pattern is a constant that the tests run")
    });
    static TOWN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:[A-Z]{1,2}[\-\ ])?\d{4,5}(?:-\d{3})?(?:\ ?[A-Z]{2})?\ +\p{Lu}[\p{L}.\-]+")
            .expect("the pattern is a constant that the tests run")
    });
    let gaps: Vec<_> = SEPARATOR.find_iter(text).take(8).collect();
    let town = gaps.iter().position(|gap| TOWN.is_match(&text[gap.end()..]))?;
    // `Name, Ltd., street, town` is one name.
    let mut first = 0;
    while first < town && words_beside_legal_form(&text[gaps[first].end()..gaps[first + 1].start()]) == 0 {
        first += 1;
    }
    let name = &text[..gaps[first].start()];
    let named = name.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !name.contains(':');
    (first < town && named && !ADDRESS.is_match(name)).then_some(gaps[first].start())
}

/// Whether a text asks for the attention of somebody within a company.
pub(super) fn asks_attention(text: &str) -> bool {
    static ATTENTION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^(?:attn|attention|att\.|c/o|z\.?\s?hd|zu hd|z\.\s?h\.|zu händen|t\.?a\.?v\b|à l.attention|a l.attention|a la atención|alla c\.?\s?a|alla cortese|a/c|ao cuidado|ansprechpartner|contact\b|contact person|contatto\b|contacto\b|inh\.|inhaber|owner\b|proprietor|gérante?\b|titolare\b|gerente\b|eigenaar\b)")
            .expect("the pattern is a constant that the tests run")
    });
    ATTENTION.is_match(text.trim_start())
}

/// Words that stand alone above the name in an address.
pub(super) fn is_salutation(text: &str) -> bool {
    const WORDS: [&str; 23] = [
        "an",
        "to",
        "andie",
        "anden",
        "aan",
        "a",
        "al",
        "alla",
        "herr",
        "herrn",
        "frau",
        "firma",
        "fa",
        "familie",
        "eheleute",
        "monsieur",
        "madame",
        "spettle",
        "spettabile",
        "exmosr",
        "exmossr",
        "exmossrs",
        "exmossenhores",
    ];
    WORDS.contains(&fold(text).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(text: &str) -> Option<&str> {
        sender_name_end(text).map(|end| &text[..end])
    }

    #[test]
    fn the_line_of_the_sender_begins_with_a_name() {
        assert_eq!(
            sender("Tischlerei Anna Holm · Am Wall 3 · 24937 Flensburg"),
            Some("Tischlerei Anna Holm")
        );
        assert_eq!(
            sender("Tischlerei Anna Holm - Am Wall 3 - 24937 Flensburg"),
            Some("Tischlerei Anna Holm")
        );
        assert_eq!(sender("Nordkai, Ltd., Pier 3, 24937 Flensburg"), Some("Nordkai, Ltd."));
        assert_eq!(sender("Nordkai BV | Kade 3 | 3011 AA Rotterdam"), Some("Nordkai BV"));
    }

    #[test]
    fn an_address_alone_is_no_line_of_a_sender() {
        assert_eq!(sender("Am Wall 3, 24937 Flensburg"), None);
        assert_eq!(sender("Am Kai Straße 3, Hof 2, 24937 Flensburg"), None);
        assert_eq!(sender("Nordkai GmbH, 24937 Flensburg"), None);
        assert_eq!(sender("Invoice, paid, thank you"), None);
    }

    #[test]
    fn attention_lines_and_salutations_are_no_names() {
        assert!(
            asks_attention("z. Hd. Frau Holm")
                && asks_attention("Attn: Accounts")
                && asks_attention("t.a.v. A. Holm")
        );
        assert!(!asks_attention("Attika GmbH"));
        assert!(is_salutation("An") && is_salutation("Herrn") && !is_salutation("Anna"));
    }

    #[test]
    fn an_address_ends_where_something_else_is_said() {
        for line in [
            "Tel: 07-351 2233",
            "USt-ID DE631501010",
            "TVA intracommunautaire",
            "P. IVA 12",
            "(GST ID 12)",
            "Documento commerciale",
            "1002",
        ] {
            assert!(follows_address(line), "{line}");
        }
        for line in ["81750 Masai, Johor", "Selangor", "12345 Datteln", "Telgter Straße 3", "Bonn"] {
            assert!(!follows_address(line), "{line}");
        }
    }
}
