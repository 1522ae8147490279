//! How alike two texts are where one may be misread: the Dice coefficient of their character trigrams.

/// The trigrams of a text's letters and digits, each once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Trigrams(Vec<u64>);

/// Letters and digits, lower case.
pub(crate) fn folded(text: &str) -> String {
    fold(text).collect()
}

/// Whether a text folds to this; most others are told apart by their first letter.
pub(super) fn folds_to(text: &str, folded: &str) -> bool {
    fold(text).eq(folded.chars())
}

fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

impl Trigrams {
    pub(crate) fn of(text: &str) -> Trigrams {
        let folded: Vec<char> = fold(text).take(400).collect();
        let mut found: Vec<u64> = folded
            .windows(3)
            .map(|three| three.iter().fold(0, |all, c| (all << 21) | u64::from(*c as u32)))
            .collect();
        found.sort_unstable();
        found.dedup();
        Trigrams(found)
    }

    /// Twice what both have over the sum of what each has, in `[0, 1]`.
    pub(crate) fn dice(&self, other: &Trigrams) -> f32 {
        let (mut left, mut right, mut both) = (0, 0, 0_u32);
        // Lengths alone bound the result.
        let (short, long) = (self.0.len().min(other.0.len()), self.0.len().max(other.0.len()));
        if short == 0 || 2.0 * (short as f32) / ((short + long) as f32) < 0.5 {
            return 0.0;
        }
        while left < self.0.len() && right < other.0.len() {
            match self.0[left].cmp(&other.0[right]) {
                std::cmp::Ordering::Less => left += 1,
                std::cmp::Ordering::Greater => right += 1,
                std::cmp::Ordering::Equal => {
                    both += 1;
                    left += 1;
                    right += 1;
                }
            }
        }
        2.0 * both as f32 / (short + long) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misread_name_is_near_and_another_is_far() {
        let name = Trigrams::of("PERNIAGAAN ZHENG HUI");
        assert!(name.dice(&Trigrams::of("PERN1AGAAN ZHENG HUI")) > 0.75);
        assert!(name.dice(&Trigrams::of("Unihakka International")) < 0.2);
        assert!((name.dice(&name) - 1.0).abs() < 1e-6);
        assert!(Trigrams::of("a").dice(&Trigrams::of("a")) < 1e-6);
    }
}
