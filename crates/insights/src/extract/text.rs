//! Text as labels and values are compared: folded to what does not depend on case, accents and punctuation.

/// Letters and digits only, lower case, accents removed; `Rechnungs-Nr.:` and `rechnungsnr` fold to the same.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        fold_character(character, &mut folded);
    }
    folded
}

fn fold_character(character: char, folded: &mut String) {
    if character.is_ascii() {
        if character.is_ascii_alphanumeric() {
            folded.push(character.to_ascii_lowercase());
        }
        return;
    }
    for lower in character.to_lowercase() {
        let plain = match lower {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
            'ç' => "c",
            'è' | 'é' | 'ê' | 'ë' => "e",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ñ' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
            'ù' | 'ú' | 'û' | 'ü' => "u",
            'ý' | 'ÿ' => "y",
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'ª' | 'º' | '°' | '№' => "o",
            _ => {
                if lower.is_alphanumeric() {
                    folded.push(lower);
                }
                continue;
            }
        };
        folded.push_str(plain);
    }
}

/// Which letters and digits a folded text has, as bits: two texts with few differing bits may be similar.
pub(super) fn character_mask(folded: &str) -> u64 {
    folded.chars().fold(0, |mask, character| {
        let bit = match character {
            'a'..='z' => character as u32 - 'a' as u32,
            '0'..='9' => 26 + (character as u32 - '0' as u32),
            other => 36 + (other as u32 % 28),
        };
        mask | (1 << bit)
    })
}

/// How similar two folded texts are, in `[0, 1]`; 0 where below `cutoff`.
pub(super) fn similarity(left: &str, right: &str, cutoff: f64) -> f64 {
    let options = rapidfuzz::distance::levenshtein::Args::default().score_cutoff(cutoff);
    rapidfuzz::distance::levenshtein::normalized_similarity_with_args(left.chars(), right.chars(), &options)
        .unwrap_or(0.0)
}

/// The byte range of `text` without white space and the punctuation that surrounds values.
pub(super) fn trimmed_range(text: &str, start: usize, end: usize) -> (usize, usize) {
    const AROUND: &[char] =
        &[':', ';', ',', '|', '=', '#', '*', '-', '–', '—', '_', '.', '"', '“', '”', '„', '·', '•'];
    let part = &text[start..end];
    let left = part.trim_start_matches(|c: char| c.is_whitespace() || AROUND.contains(&c));
    let start = end - left.len();
    // A final point may belong to the value (`Inc.`, `a.G.`), so that end is trimmed less.
    let right = left.trim_end_matches(|c: char| c.is_whitespace() || (c != '.' && AROUND.contains(&c)));
    (start, start + right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_removes_what_printers_vary() {
        assert_eq!(fold("Rechnungs-Nr.:"), "rechnungsnr");
        assert_eq!(fold("N° de FACTURE"), "nodefacture");
        assert_eq!(fold("Fälligkeit"), "falligkeit");
        assert_eq!(fold("Straße"), "strasse");
    }

    #[test]
    fn similarity_tolerates_one_wrong_letter() {
        assert!(similarity("invoicenumber", "involcenumber", 0.8) > 0.9);
        assert!(similarity("total", "date", 0.8) < 0.1);
        let differing = (character_mask("invoice") ^ character_mask("involce")).count_ones();
        assert!(differing <= 2);
    }

    #[test]
    fn values_lose_their_surroundings_but_keep_their_points() {
        let text = ": Muster a.G. ;";
        let (start, end) = trimmed_range(text, 0, text.len());
        assert_eq!(&text[start..end], "Muster a.G.");
        assert_eq!(trimmed_range("--", 0, 2), (2, 2));
    }
}
