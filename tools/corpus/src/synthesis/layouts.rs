//! How invoices look, as combinations of a few choices; each combination has a number.
//!
//! A quarter of the combinations is kept for the frozen test set. Every single choice, and every pair of two, is also in
//! what is learned from; what is new in the test is how they come together.

use super::words::Pen;

/// Where the sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    Left,
    Right,
    Centre,
    /// In the lines at the foot only.
    Foot,
}

/// Where the recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// In an address window, below a line with the sender.
    Window,
    /// Under a label.
    Labelled,
    /// Beside the sender, both under labels.
    Beside,
}

/// How numbers and dates stand with their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facts {
    /// `Label: value`, one a line.
    Inline,
    /// Two columns.
    Columns,
    /// Labels in one row, values in the row below.
    Row,
    /// Each label small above its value.
    Above,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    Right,
    Ruled,
    /// Labels in one row, amounts in the row below.
    Row,
}

/// Lines of the table of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    All,
    Rules,
    None,
    Stripes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub id: usize,
    pub head: Head,
    pub recipient: Recipient,
    pub facts: Facts,
    pub sums: Sums,
    pub borders: Borders,
}

const HEADS: [Head; 4] = [Head::Left, Head::Right, Head::Centre, Head::Foot];
const RECIPIENTS: [Recipient; 3] = [Recipient::Window, Recipient::Labelled, Recipient::Beside];
const FACTS: [Facts; 4] = [Facts::Inline, Facts::Columns, Facts::Row, Facts::Above];
const SUMS: [Sums; 3] = [Sums::Right, Sums::Ruled, Sums::Row];
const BORDERS: [Borders; 4] = [Borders::All, Borders::Rules, Borders::None, Borders::Stripes];
const COUNT: usize = 4 * 3 * 4 * 3 * 4;

impl Layout {
    fn of(id: usize) -> Layout {
        let mut rest = id;
        let mut next = |count: usize| {
            let choice = rest % count;
            rest /= count;
            choice
        };
        Layout {
            id,
            head: HEADS[next(4)],
            recipient: RECIPIENTS[next(3)],
            facts: FACTS[next(4)],
            sums: SUMS[next(3)],
            borders: BORDERS[next(4)],
        }
    }

    pub fn is_frozen(self) -> bool {
        (self.head as usize + self.recipient as usize + self.facts as usize + self.sums as usize) % 4 == 3
    }

    pub fn choose(pen: &mut Pen<'_>) -> Layout {
        loop {
            let layout = Layout::of(pen.random.below(COUNT));
            if layout.is_frozen() == pen.frozen {
                return layout;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_and_each_pair_is_learned_from_too() {
        let all: Vec<Layout> = (0..COUNT).map(Layout::of).collect();
        let (frozen, train): (Vec<Layout>, Vec<Layout>) = all.iter().partition(|layout| layout.is_frozen());
        assert!(frozen.len() * 5 > COUNT && frozen.len() * 3 < COUNT, "{}", frozen.len());
        for layout in &frozen {
            assert!(train.iter().any(|other| (other.head, other.facts) == (layout.head, layout.facts)));
            assert!(
                train.iter().any(|other| (other.recipient, other.sums) == (layout.recipient, layout.sums))
            );
            assert!(!train.contains(layout));
        }
    }
}
