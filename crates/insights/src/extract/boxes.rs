//! Boxes to tick: which marks a text has, and whether they are set.
//!
//! A box stands before its label (`[x] Paid`) or behind it (`Paid: ☐`), in one text with it or as a text of its own.

/// Marks and whether they are ticked; longer ones first where one begins with another.
const MARKS: [(&str, bool); 14] = [
    ("[x]", true),
    ("[X]", true),
    ("(x)", true),
    ("(X)", true),
    ("[ ]", false),
    ("( )", false),
    ("[]", false),
    ("☒", true),
    ("☑", true),
    ("✓", true),
    ("✔", true),
    ("✗", true),
    ("☐", false),
    ("□", false),
];

/// A mark in a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub start: usize,
    pub end: usize,
    pub ticked: bool,
}

/// The marks of a text, from left to right.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    // Nearly no text has any.
    if text.is_ascii() && !text.contains(['[', '(']) {
        return Vec::new();
    }
    let mut found: Vec<Mark> = MARKS
        .iter()
        .flat_map(|(mark, ticked)| {
            text.match_indices(mark).map(move |(start, mark)| Mark {
                start,
                end: start + mark.len(),
                ticked: *ticked,
            })
        })
        .collect();
    found.sort_unstable_by_key(|mark| mark.start);
    found
}

/// Whether a mark directly before a place in a text is ticked; none where no mark stands there.
pub(super) fn before(text: &str, at: usize) -> Option<bool> {
    let end = text[..at].trim_end().len();
    marks(text).into_iter().find(|mark| mark.end == end).map(|mark| mark.ticked)
}

/// Whether a text is one mark and nothing else.
pub(super) fn is_mark(text: &str) -> bool {
    MARKS.iter().any(|(mark, _)| text.trim() == *mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_with_what_they_say() {
        let text = "☒ Individual ☐ Trust [x] LLC";
        assert_eq!(marks(text).iter().map(|mark| mark.ticked).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(before(text, text.find("Trust").unwrap()), Some(false));
        assert_eq!(before(text, text.find("LLC").unwrap()), Some(true));
        assert_eq!(before("Paid (20 %)", 4), None);
        assert!(is_mark(" [ ] ") && !is_mark("[ ] yes"));
    }
}
