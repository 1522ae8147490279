//! Invented companies and people: names put together from syllables, streets and towns that do not exist, numbers whose
//! check digits hold.

use super::words::Pen;

const HEADS: [&str; 16] = [
    "Vel", "Tar", "Bri", "Kor", "Lum", "Nor", "Pel", "Quin", "Ros", "Sol", "Tem", "Ul", "Var", "Wes", "Yar",
    "Zan",
];
const TAILS: [&str; 12] =
    ["mora", "ken", "dal", "vex", "tis", "lund", "beck", "ara", "ion", "holt", "wick", "sen"];

/// A company as its documents show it.
#[derive(Debug, Clone)]
pub struct Party {
    pub name: String,
    pub street: String,
    pub town: String,
    pub phone: String,
    pub email: String,
    pub web: String,
    pub vat: String,
    pub iban: String,
    pub bic: String,
}

impl Party {
    pub fn invent(pen: &mut Pen<'_>) -> Party {
        let brand = format!("{}{}", pen.one(&HEADS), pen.one(&TAILS));
        let (trade, form) = (pen.pick("trades"), pen.pick("forms"));
        let last = pen.pick("last");
        let name = match pen.between(0, 5) {
            0 | 1 => format!("{brand} {trade} {form}"),
            2 => format!("{trade} {last} {form}"),
            3 => format!("{brand} {form}"),
            4 => format!("{last} & {} {form}", pen.pick("last")),
            _ => format!("{brand} & Co. {trade} {form}"),
        };
        let host = format!("{}.example", brand.to_lowercase());
        let (street, town) = place(pen);
        Party {
            name,
            street,
            town,
            phone: phone(pen),
            email: format!("info@{host}"),
            web: format!("www.{host}"),
            vat: vat(pen),
            iban: iban(pen),
            bic: pen.fill("AAAAXXAA"),
        }
    }

    /// Street and town as one line.
    pub fn line(&self, separator: &str) -> String {
        format!("{}{separator}{}", self.street, self.town)
    }
}

/// A street with a number, and a town with its code.
pub fn place(pen: &mut Pen<'_>) -> (String, String) {
    let street = pen.pick("streets").replace("{}", pen.pick("stems"));
    let number = pen.between(1, 180);
    let first = matches!(pen.words.code, "en" | "fr");
    let street = if first && !street.contains(char::is_numeric) {
        format!("{number}{} {street}", if pen.words.code == "fr" && pen.chance(40) { "," } else { "" })
    } else if first {
        street
    } else {
        let comma = matches!(pen.words.code, "es" | "pt") || (pen.words.code == "it" && pen.chance(50));
        format!("{street}{} {number}", if comma { "," } else { "" })
    };
    let (pattern, name) = (pen.pick("postal"), pen.pick("towns"));
    let code = pen.fill(pattern);
    let last = pen.pick("postal-last") == "yes";
    (street, if last { format!("{name} {code}") } else { format!("{code} {name}") })
}

pub fn person(pen: &mut Pen<'_>) -> String {
    format!("{} {}", pen.pick("first"), pen.pick("last"))
}

pub fn phone(pen: &mut Pen<'_>) -> String {
    let form = pen.one(&["+## ### ######", "0## / ######-##", "0### ######", "+## (0) ## #### ###"]);
    pen.fill(form)
}

fn vat(pen: &mut Pen<'_>) -> String {
    let pattern = pen.pick("vat");
    let number = pen.fill(pattern);
    if pen.chance(20) { format!("{} {}", &number[..2], &number[2..]) } else { number }
}

/// In groups of four, with check digits by ISO 13616.
fn iban(pen: &mut Pen<'_>) -> String {
    let (country, pattern) = pen.pick("iban").split_once(' ').unwrap_or(("XX", "######"));
    let account = pen.fill(pattern);
    let plain = format!("{country}{:02}{account}", 98 - remainder(&format!("{account}{country}00")));
    if pen.chance(15) {
        return plain;
    }
    let characters: Vec<char> = plain.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Letters are 10 to 35; the whole is a number, of which the remainder by 97 counts.
fn remainder(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| {
        let factor = if digit > 9 { 100 } else { 10 };
        (rest * factor + digit) % 97
    })
}

#[cfg(test)]
mod tests {
    use super::{super::words, *};
    use crate::random::Random;

    #[test]
    fn accounts_have_the_length_and_the_check_digits_of_their_country() {
        // By the registry of ISO 13616.
        const LENGTHS: [(&str, usize); 7] =
            [("GB", 22), ("DE", 22), ("FR", 27), ("ES", 24), ("IT", 27), ("NL", 18), ("PT", 25)];
        for words in words::all() {
            let mut pen = Pen { words: &words, random: Random::new(3), frozen: false };
            let iban = Party::invent(&mut pen).iban.replace(' ', "");
            assert!(LENGTHS.contains(&(&iban[..2], iban.len())), "{iban}");
            assert_eq!(remainder(&format!("{}{}", &iban[4..], &iban[..4])), 1, "{iban}");
        }
    }

    #[test]
    fn the_same_seed_invents_the_same_company() {
        let words = &words::all()[0];
        let party = |seed| Party::invent(&mut Pen { words, random: Random::new(seed), frozen: false }).name;
        assert_eq!(party(1), party(1));
        assert_ne!(party(1), party(2));
    }
}
