//! Who is served next.
//!
//! Each subscription has a lane: a bounded queue and a width, the number of attempts it may have under way. Lanes with
//! something to do stand in a ring and are served in turn, so a long queue delays nobody else's short one. A lane whose
//! endpoint does not answer is narrowed by half with each silent attempt, down to a single probe at a time; each answer
//! widens it again by one. So a dead endpoint soon holds one connection, and costs its own lane and nothing else.
//!
//! This is plain data without clock or tasks; the dispatcher drives it.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// What lanes may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Attempts at a time, in all lanes.
    pub at_once: usize,
    /// Attempts at a time in one lane, at most.
    pub width: usize,
    /// Waiting in one lane.
    pub queue: usize,
    /// Waiting in all lanes, in bytes.
    pub bytes: usize,
}

/// How an attempt ended, as far as its lane cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With an answer, whatever it said.
    Answered,
    /// Without one.
    Silent,
    /// Nothing was sent.
    Skipped,
}

pub(super) struct Lanes<K, T> {
    bounds: Bounds,
    lanes: HashMap<K, Lane<T>>,
    /// Lanes that have something waiting and room for an attempt, each once.
    ring: VecDeque<K>,
    under_way: usize,
    bytes: usize,
    /// Something was turned away since [`Lanes::take_thirst`] was last asked.
    thirsty: bool,
}

struct Lane<T> {
    queue: VecDeque<(usize, T)>,
    under_way: usize,
    width: usize,
    in_ring: bool,
}

impl<T> Lane<T> {
    fn is_ready(&self) -> bool {
        !self.queue.is_empty() && self.under_way < self.width
    }
}

impl<K: Copy + Eq + Hash, T> Lanes<K, T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (lanes, ring) = (HashMap::new(), VecDeque::new());
        Self { bounds, lanes, ring, under_way: 0, bytes: 0, thirsty: false }
    }

    /// Puts an item of `bytes` into a lane; gives it back where there is no room.
    pub(super) fn push(&mut self, key: K, bytes: usize, item: T) -> Result<(), T> {
        // One item is always let in, however large it is.
        let no_memory = self.bytes > 0 && self.bytes + bytes > self.bounds.bytes;
        let width = self.bounds.width;
        let lane = self.lanes.entry(key).or_insert_with(|| Lane {
            queue: VecDeque::new(),
            under_way: 0,
            width,
            in_ring: false,
        });
        if no_memory || lane.queue.len() >= self.bounds.queue {
            self.thirsty = true;
            return Err(item);
        }
        lane.queue.push_back((bytes, item));
        self.bytes += bytes;
        self.enlist(key);
        Ok(())
    }

    /// The item whose turn it is; its attempt counts as under way until [`Lanes::done`].
    pub(super) fn next(&mut self) -> Option<(K, T)> {
        if self.under_way >= self.bounds.at_once {
            return None;
        }
        let key = self.ring.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        lane.in_ring = false;
        let (bytes, item) = lane.queue.pop_front()?;
        lane.under_way += 1;
        self.under_way += 1;
        self.bytes -= bytes;
        self.enlist(key);
        Some((key, item))
    }

    /// An attempt has ended.
    pub(super) fn done(&mut self, key: K, end: End) {
        self.under_way -= 1;
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        lane.under_way -= 1;
        lane.width = match end {
            End::Answered => self.bounds.width.min(lane.width + 1),
            End::Silent => (lane.width / 2).max(1),
            End::Skipped => lane.width,
        };
        // A narrow lane is remembered: its endpoint is not well.
        if lane.queue.is_empty() && lane.under_way == 0 && lane.width == self.bounds.width {
            self.lanes.remove(&key);
        } else {
            self.enlist(key);
        }
    }

    /// The lanes that take nothing more until half of what waits in them is gone.
    pub(super) fn full(&self) -> Vec<K> {
        let half = self.bounds.queue / 2;
        self.lanes.iter().filter(|(_, lane)| lane.queue.len() > half).map(|(key, _)| *key).collect()
    }

    /// Whether more than half of the memory is taken.
    pub(super) fn is_crowded(&self) -> bool {
        self.bytes > self.bounds.bytes / 2
    }

    /// Notes that there was more than could be taken.
    pub(super) fn note_thirst(&mut self) {
        self.thirsty = true;
    }

    /// Whether to look for more now: something was turned away, and there is room again.
    pub(super) fn take_thirst(&mut self, key: K) -> bool {
        let has_room = self.lanes.get(&key).is_none_or(|lane| lane.queue.len() <= self.bounds.queue / 2);
        let look = self.thirsty && has_room && !self.is_crowded();
        if look {
            self.thirsty = false;
        }
        look
    }

    fn enlist(&mut self, key: K) {
        if let Some(lane) = self.lanes.get_mut(&key)
            && lane.is_ready()
            && !lane.in_ring
        {
            lane.in_ring = true;
            self.ring.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { at_once: 100, width: 4, queue: 10, bytes: 1000 };

    fn filled(bounds: Bounds, counts: &[(char, usize)]) -> Lanes<char, usize> {
        let mut lanes = Lanes::new(bounds);
        for (key, count) in counts {
            for number in 0..*count {
                lanes.push(*key, 1, number).unwrap();
            }
        }
        lanes
    }

    fn keys(lanes: &mut Lanes<char, usize>) -> String {
        std::iter::from_fn(|| lanes.next()).map(|(key, _)| key).collect()
    }

    #[test]
    fn lanes_are_served_in_turn_up_to_their_width() {
        let mut lanes = filled(BOUNDS, &[('a', 10), ('b', 2), ('c', 1)]);
        assert_eq!(keys(&mut lanes), "abcabaa");
        lanes.done('a', End::Answered);
        assert_eq!(keys(&mut lanes), "a");
    }

    #[test]
    fn the_whole_is_bounded_too() {
        let mut lanes = filled(Bounds { at_once: 3, ..BOUNDS }, &[('a', 3), ('b', 3)]);
        assert_eq!(keys(&mut lanes), "aba");
        lanes.done('a', End::Answered);
        assert_eq!(keys(&mut lanes), "b");
    }

    #[test]
    fn silence_narrows_a_lane_to_one_probe_and_answers_widen_it() {
        let mut lanes = filled(BOUNDS, &[('a', 10)]);
        assert_eq!(keys(&mut lanes), "aaaa");
        for _ in 0..4 {
            lanes.done('a', End::Silent);
        }
        assert_eq!(keys(&mut lanes), "a", "one probe");
        lanes.done('a', End::Silent);
        assert_eq!(keys(&mut lanes), "a");
        lanes.done('a', End::Answered);
        assert_eq!(keys(&mut lanes), "aa");
    }

    #[test]
    fn what_does_not_fit_is_given_back_and_missed_when_there_is_room() {
        let mut lanes = filled(BOUNDS, &[('a', 10)]);
        assert_eq!(lanes.push('a', 1, 99), Err(99));
        assert_eq!(lanes.push('b', 991, 7), Err(7), "memory");
        assert_eq!(lanes.full(), ['a']);
        assert!(!lanes.take_thirst('a'));
        for _ in 0..10 {
            lanes.next();
            lanes.done('a', End::Answered);
        }
        assert!(lanes.take_thirst('a'));
        assert!(!lanes.take_thirst('a'), "told once");
        assert_eq!(lanes.push('b', 5000, 7), Ok(()), "alone, anything fits");
    }

    #[test]
    fn healthy_lanes_that_are_empty_are_forgotten() {
        let mut lanes = filled(BOUNDS, &[('a', 1), ('b', 1)]);
        keys(&mut lanes);
        lanes.done('a', End::Answered);
        lanes.done('b', End::Silent);
        assert_eq!(lanes.lanes.keys().collect::<String>(), "b");
    }
}
