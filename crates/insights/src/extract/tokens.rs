//! Texts as the learner sees them: words, how many digits, signs.

use crate::learn::hash;

/// A word of a text, or a number, or a sign.
pub(super) struct Token {
    pub hash: u64,
    /// Trigrams of a word of more than three letters.
    pub trigrams: Vec<u64>,
    /// A sign or a single letter says little about a neighbour.
    pub weak: bool,
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let characters: Vec<char> = text.chars().flat_map(char::to_lowercase).take(200).collect();
    let mut start = 0;
    while start < characters.len() {
        let kind = class(characters[start]);
        let mut end = start + 1;
        while end < characters.len() && kind != Class::Sign && class(characters[end]) == kind {
            end += 1;
        }
        let piece = &characters[start..end];
        match kind {
            Class::Space => {}
            Class::Digit => found.push(Token {
                hash: hash::number("#", piece.len().min(5) as u64),
                trigrams: Vec::new(),
                weak: piece.len() == 1,
            }),
            Class::Sign => {
                found.push(Token { hash: hash::characters(piece), trigrams: Vec::new(), weak: false })
            }
            Class::Letter => {
                let trigrams = if piece.len() > 3 { trigrams(piece) } else { Vec::new() };
                found.push(Token { hash: hash::characters(piece), trigrams, weak: piece.len() == 1 });
            }
        }
        start = end;
    }
    found
}

fn trigrams(word: &[char]) -> Vec<u64> {
    let padded: Vec<char> = std::iter::once('^').chain(word.iter().copied()).chain(['$']).collect();
    padded.windows(3).map(hash::characters).collect()
}

#[derive(PartialEq, Clone, Copy)]
pub(super) enum Class {
    Space,
    Digit,
    Letter,
    Sign,
}

pub(super) fn class(character: char) -> Class {
    if character.is_whitespace() {
        Class::Space
    } else if character.is_numeric() {
        Class::Digit
    } else if character.is_alphabetic() {
        Class::Letter
    } else {
        Class::Sign
    }
}

/// One hash for several words in their order.
pub(super) fn phrase(tokens: &[Token]) -> Option<u64> {
    (!tokens.is_empty()).then(|| tokens.iter().fold(7, |all, token| hash::mix(all ^ token.hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_count_by_how_many_they_are() {
        let hashes = |text: &str| tokens(text).iter().map(|token| token.hash).collect::<Vec<_>>();
        assert_eq!(hashes("No. 123"), hashes("NO. 987"));
        assert_ne!(hashes("No. 123"), hashes("No. 12"));
        assert_eq!(phrase(&tokens("")), None);
    }
}
