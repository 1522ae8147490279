//! An organization's lanes that are ready, and whose turn it is among them.
//!
//! Lanes are served in turn within their endpoint's host, and the hosts in turn: a customer with a thousand subscriptions
//! at one address and one at another gets the second served as often as the first. Within a host, lanes whose endpoint
//! answers late or not at all take turns with the others, where there is room for them.

use std::collections::{HashMap, VecDeque};

/// Names a host of endpoints; equal hosts have equal names.
pub(super) type Host = u64;

pub(super) struct Group<K> {
    hosts: HashMap<Host, Ready<K>>,
    /// Hosts with a lane that is ready, each once.
    ring: VecDeque<Host>,
    pub under_way: usize,
    pub in_ring: bool,
}

/// Lanes of one host that are ready, each once.
struct Ready<K> {
    well: VecDeque<K>,
    unwell: VecDeque<K>,
    /// The other ring is next.
    turn_of_unwell: bool,
}

impl<K> Default for Group<K> {
    fn default() -> Self {
        Self { hosts: HashMap::new(), ring: VecDeque::new(), under_way: 0, in_ring: false }
    }
}

impl<K> Default for Ready<K> {
    fn default() -> Self {
        Self { well: VecDeque::new(), unwell: VecDeque::new(), turn_of_unwell: false }
    }
}

impl<K> Ready<K> {
    fn is_empty(&self) -> bool {
        self.well.is_empty() && self.unwell.is_empty()
    }

    fn pop(&mut self, unwell_allowed: bool) -> Option<(K, bool)> {
        let unwell_first = self.turn_of_unwell && unwell_allowed;
        self.turn_of_unwell = !self.turn_of_unwell;
        if unwell_first && let Some(key) = self.unwell.pop_front() {
            return Some((key, true));
        }
        if let Some(key) = self.well.pop_front() {
            return Some((key, false));
        }
        let key = if unwell_allowed { self.unwell.pop_front() } else { None };
        key.map(|key| (key, true))
    }
}

impl<K> Group<K> {
    pub(super) fn push(&mut self, host: Host, key: K, well: bool) {
        let ready = self.hosts.entry(host).or_default();
        if ready.is_empty() {
            self.ring.push_back(host);
        }
        if well { &mut ready.well } else { &mut ready.unwell }.push_back(key);
    }

    /// The lane whose turn it is, and whether it is an unwell one.
    pub(super) fn pop(&mut self, unwell_allowed: bool) -> Option<(K, bool)> {
        for _ in 0..self.ring.len() {
            let host = self.ring.pop_front()?;
            let Some(ready) = self.hosts.get_mut(&host) else { continue };
            let popped = ready.pop(unwell_allowed);
            if ready.is_empty() {
                self.hosts.remove(&host);
            } else {
                self.ring.push_back(host);
            }
            if popped.is_some() {
                return popped;
            }
        }
        None
    }

    /// Whether no lane is ready.
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_served_in_turn_however_many_lanes_they_have() {
        let mut group = Group::default();
        (0..100).for_each(|key| group.push(1, key, true));
        group.push(2, 1000, true);
        group.push(2, 1001, true);
        let first: Vec<u32> = (0..4).filter_map(|_| group.pop(true)).map(|(key, _)| key).collect();
        assert_eq!(first, [0, 1000, 1, 1001]);
        assert_eq!(std::iter::from_fn(|| group.pop(true)).count(), 98);
        assert!(group.is_empty() && group.hosts.is_empty());
    }

    #[test]
    fn a_host_that_is_not_well_is_passed_over_where_there_is_no_room_for_it() {
        let mut group = Group::default();
        group.push(1, "slow", false);
        group.push(2, "well", true);
        assert_eq!(group.pop(false), Some(("well", false)));
        assert_eq!(group.pop(false), None);
        assert!(!group.is_empty());
        assert_eq!(group.pop(true), Some(("slow", true)));
    }
}
