//! Several ways to read one page become one.
//!
//! Boxes that overlap are the same words. Where the ways agree, the text is sure; where they differ, the one that most of
//! them read wins, and its certainty says how many did; what the others read is kept beside it. What only one of them saw is
//! kept if it was sure of it: a word that is missing cannot be extracted, a word too many hardly harms.

use crate::page::{Alternative, Rect, Word};

/// Of the lower word's height and of the narrower word's width: from here on two boxes are one word.
const SAME_HEIGHT: f32 = 0.5;
const SAME_WIDTH: f32 = 0.35;
/// What a way says by not seeing a word that another saw.
const UNSEEN: f32 = 0.3;
/// A word that only one way saw is worth this much of its certainty.
const ALONE: f32 = 0.6;
/// Less certain words that only one way saw are specks.
const ALONE_MIN: f32 = 0.35;

/// The words of one place, from each way that saw some.
struct Place<'w> {
    /// Way and word.
    words: Vec<(usize, &'w Word)>,
    top: f32,
    bottom: f32,
}

/// Merges what different ways read, and says what else the words may be; the first one gives the order. One way alone stays
/// as it is.
pub(super) fn merge(ways: &[Vec<Word>]) -> (Vec<Word>, Vec<Alternative>) {
    let ways: Vec<&[Word]> = ways.iter().map(Vec::as_slice).filter(|words| !words.is_empty()).collect();
    let (mut merged, mut alternatives) = (Vec::new(), Vec::new());
    if let [] | [_] = ways.as_slice() {
        return (ways.concat(), alternatives);
    }
    for place in places(&ways) {
        let (words, others) = settle(&place, ways.len());
        let first = merged.len() as u32;
        alternatives
            .extend(others.into_iter().map(|other| Alternative { word: first + other.word, ..other }));
        merged.extend(words);
    }
    (merged, alternatives)
}

/// Groups words by overlap. Sorted by height, so that each word meets only what may overlap it.
fn places<'w>(ways: &[&'w [Word]]) -> Vec<Place<'w>> {
    let all: Vec<(usize, &'w Word)> =
        ways.iter().enumerate().flat_map(|(way, words)| words.iter().map(move |word| (way, word))).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| all[*a].1.rect.y.total_cmp(&all[*b].1.rect.y).then(a.cmp(b)));
    let mut group: Vec<usize> = (0..all.len()).collect();
    for (nth, &one) in order.iter().enumerate() {
        let (way, word) = all[one];
        for &other in &order[nth + 1..] {
            let (other_way, other_word) = all[other];
            if other_word.rect.y > word.rect.bottom() {
                break;
            }
            if way != other_way && same(&word.rect, &other_word.rect) {
                let (a, b) = (root(&group, one), root(&group, other));
                group[a.max(b)] = a.min(b);
            }
        }
    }
    let mut places: Vec<Place<'w>> = Vec::new();
    let mut place_of = vec![usize::MAX; all.len()];
    for (index, &(way, word)) in all.iter().enumerate() {
        let first = root(&group, index);
        if place_of[first] == usize::MAX {
            place_of[first] = places.len();
            places.push(Place { words: Vec::new(), top: f32::MAX, bottom: f32::MIN });
        }
        let place = &mut places[place_of[first]];
        place.words.push((way, word));
        place.top = place.top.min(word.rect.y);
        place.bottom = place.bottom.max(word.rect.bottom());
    }
    places
}

fn root(group: &[usize], mut index: usize) -> usize {
    while group[index] != index {
        index = group[index];
    }
    index
}

fn same(a: &Rect, b: &Rect) -> bool {
    let down = a.bottom().min(b.bottom()) - a.y.max(b.y);
    let across = a.right().min(b.right()) - a.x.max(b.x);
    down > SAME_HEIGHT * a.height.min(b.height) && across > SAME_WIDTH * a.width.min(b.width)
}

/// One reading of a place.
struct Reading<'w> {
    words: Vec<&'w Word>,
    /// Its letters, digits and signs without white space.
    text: String,
    certainty: f32,
}

fn reading<'w>(place: &Place<'w>, way: usize) -> Option<Reading<'w>> {
    let mut words: Vec<&Word> =
        place.words.iter().filter(|(other, _)| *other == way).map(|(_, word)| *word).collect();
    if words.is_empty() {
        return None;
    }
    let tallest = words.iter().map(|word| word.rect.height).fold(0.0, f32::max);
    // Words of several lines that one tall box has joined stay in the order of their lines.
    let several = place.bottom - place.top > 1.8 * tallest;
    if !several {
        words.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
    }
    let text: String = words.iter().map(|word| word.text.as_str()).collect();
    let letters = words.iter().map(|word| word.text.chars().count().max(1) as f32).sum::<f32>();
    let weighed = words.iter().map(|word| word.confidence * word.text.chars().count().max(1) as f32);
    let certainty = weighed.sum::<f32>() / letters.max(1.0);
    Some(Reading { text, certainty, words })
}

/// The words that a place has, with how sure the ways are of them together; and their alternatives, by the index of the word
/// among them.
fn settle(place: &Place<'_>, ways: usize) -> (Vec<Word>, Vec<Alternative>) {
    let readings: Vec<Reading<'_>> = (0..ways).filter_map(|way| reading(place, way)).collect();
    let votes = |text: &str| {
        readings.iter().filter(|other| other.text == text).map(|other| other.certainty).sum::<f32>()
    };
    let best = readings.iter().enumerate().max_by(|(a_nth, a), (b_nth, b)| {
        let (left, right) = (votes(&a.text), votes(&b.text));
        // Of one text cut differently, the surer cut; of all else equal, the earlier way.
        left.total_cmp(&right).then(a.certainty.total_cmp(&b.certainty)).then(b_nth.cmp(a_nth))
    });
    let Some((_, best)) = best else { return Default::default() };
    if readings.len() == 1 {
        let kept = best.words.iter().filter(|word| word.confidence >= ALONE_MIN);
        let kept = kept.map(|word| Word { confidence: word.confidence * ALONE, ..(*word).clone() });
        return (kept.collect(), Vec::new());
    }
    let agreeing = readings.iter().filter(|other| other.text == best.text).count() as f32;
    // As if each way were right half of the time where they differ, and erred independently.
    let support = |agreeing: f32| {
        let against = readings.len() as f32 - agreeing + UNSEEN * (ways - readings.len()) as f32;
        (agreeing - 0.5) / (agreeing + against - 0.5).max(0.5)
    };
    let raised = 1.0 - (1.0 - best.certainty).powf(agreeing.max(1.0));
    let words = best.words.iter().map(|word| {
        let own = 0.5 * (word.confidence + raised);
        Word { confidence: (own * support(agreeing)).clamp(0.0, 1.0), ..(*word).clone() }
    });
    let mut alternatives: Vec<Alternative> = Vec::new();
    for other in readings.iter().filter(|other| other.text != best.text) {
        for (word, text, confidence) in instead(best, other) {
            let confidence = (confidence * support(1.0)).clamp(0.0, 1.0);
            let same = |known: &&mut Alternative| known.word == word && known.text == text;
            match alternatives.iter_mut().find(same) {
                Some(known) => known.confidence = (known.confidence + confidence).min(1.0),
                None => alternatives.push(Alternative { word, text, confidence }),
            }
        }
    }
    alternatives.sort_by_key(|alternative| alternative.word);
    (words.collect(), alternatives)
}

/// What another reading says in the place of each word: word by word, or all of it where the best reading is one word.
fn instead(best: &Reading<'_>, other: &Reading<'_>) -> Vec<(u32, String, f32)> {
    if best.words.len() == other.words.len() {
        let pairs = (0..).zip(best.words.iter().zip(&other.words)).filter(|(_, (a, b))| a.text != b.text);
        return pairs.map(|(word, (_, other))| (word, other.text.clone(), other.confidence)).collect();
    }
    match best.words.as_slice() {
        [_] => vec![(0, other.text.clone(), other.certainty)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(x: f32, width: f32, text: &str, confidence: f32) -> Word {
        let rect = Rect { x, y: 0.1, width, height: 0.01 };
        Word { text: text.to_owned(), rect, confidence, font_size: 10.0 }
    }

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn the_majority_wins_and_says_how_large_it_is() {
        let (merged, alternatives) = merge(&[
            vec![word(0.1, 0.1, "Tota1", 0.8), word(0.3, 0.1, "12.00", 0.9)],
            vec![word(0.1, 0.1, "Total", 0.7), word(0.301, 0.1, "12.00", 0.9)],
            vec![word(0.101, 0.1, "Total", 0.7), word(0.3, 0.1, "12.00", 0.9)],
        ]);
        assert_eq!(texts(&merged), ["Total", "12.00"]);
        assert!(merged[1].confidence > 0.9 && merged[0].confidence < 0.75);
        let [other] = alternatives.as_slice() else { panic!("{alternatives:?}") };
        assert_eq!((other.word, other.text.as_str()), (0, "Tota1"));
        assert!(other.confidence < merged[0].confidence);
    }

    #[test]
    fn one_text_cut_differently_is_one_text() {
        let (merged, alternatives) = merge(&[
            vec![word(0.1, 0.02, "RM", 0.9), word(0.13, 0.07, "5.00", 0.9)],
            vec![word(0.1, 0.1, "RM5.00", 0.8)],
        ]);
        assert_eq!(texts(&merged), ["RM", "5.00"]);
        assert!(merged[1].confidence > 0.85);
        assert!(alternatives.is_empty());
    }

    #[test]
    fn what_one_way_alone_saw_is_kept_if_it_was_sure() {
        let ways = || {
            vec![
                vec![word(0.1, 0.1, "seen", 0.9)],
                vec![word(0.1, 0.1, "seen", 0.9), word(0.5, 0.1, "more", 0.8), word(0.7, 0.1, "~.", 0.2)],
            ]
        };
        assert_eq!(texts(&merge(&ways()).0), ["seen", "more"]);
        assert!(merge(&ways()).0[1].confidence < 0.6);
        assert_eq!(texts(&merge(&[Vec::new(), vec![word(0.7, 0.1, "~.", 0.2)]]).0), ["~."]);
    }
}
