//! Who is served next.
//!
//! Each subscription has a [`Lane`]. Lanes with something to do stand in a ring of their endpoint's host, the hosts in a
//! ring of their organization ([`Group`]), and the organizations in a ring of their own; all are served in turn, so
//! neither a long queue nor a great number of subscriptions delays somebody else's short one. Two budgets keep slots free:
//!
//! - Lanes whose endpoint answers late or not at all share at most half of all attempts, so however many endpoints
//!   hang, the others find room.
//! - The last eighth is for organizations that hold less than that.
//!
//! Plain data without tasks; the dispatcher drives it and tells the time.

use super::{
    group::{Group, Host},
    lane::{End, Lane, Readiness},
};
use domain::{delivery::Class, time::Timestamp};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    hash::Hash,
    time::Duration,
};

/// Idle lanes that are remembered because their endpoints are not well or because they have a pace.
const REMEMBERED_MAX: usize = 20_000;

/// What lanes may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Attempts at a time, in all lanes.
    pub at_once: usize,
    /// Attempts at a time in one lane, at most.
    pub width: usize,
    /// Live ones that wait in one lane; of all others, half as many.
    pub queue: usize,
    /// Waiting in all lanes, in bytes; of all but live ones, half as many.
    pub bytes: usize,
}

/// An attempt that may begin, to be given back to [`Lanes::done`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket<G, K> {
    pub group: G,
    pub key: K,
    /// Its lane was not well.
    unwell: bool,
}

pub(super) struct Lanes<G, K, T> {
    bounds: Bounds,
    lanes: HashMap<K, Lane<T>>,
    groups: HashMap<G, Group<K>>,
    /// Groups with a lane in their rings, each once.
    ring: VecDeque<G>,
    /// Lanes that wait for a time.
    timers: BTreeSet<(Timestamp, K, G)>,
    under_way: usize,
    unwell: usize,
    bytes: usize,
    /// Something was turned away for want of memory, or a lane that was thirsty has gone.
    starved: bool,
}

impl<G: Copy + Ord + Hash, K: Copy + Ord + Hash, T> Lanes<G, K, T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            lanes: HashMap::new(),
            groups: HashMap::new(),
            ring: VecDeque::new(),
            timers: BTreeSet::new(),
            under_way: 0,
            unwell: 0,
            bytes: 0,
            starved: false,
        }
    }

    /// Puts an item of `bytes` into a lane; gives it back where there is no room.
    pub(super) fn push(
        &mut self,
        (group, host, key): (G, Host, K),
        class: Class,
        bytes: usize,
        item: T,
        now: Timestamp,
    ) -> Result<(), T> {
        let live = class == Class::Live;
        let bytes_max = if live { self.bounds.bytes } else { self.bounds.bytes / 2 };
        // One item is always let in, however large it is.
        let no_memory = self.bytes > 0 && self.bytes + bytes > bytes_max;
        let width = self.bounds.width;
        let lane = self.lanes.entry(key).or_insert_with(|| Lane::new(width));
        lane.host = host;
        let capacity = lane.capacity(self.bounds.queue);
        let no_room = match live {
            true => lane.live() >= capacity,
            false => lane.waiting() - lane.live() >= (capacity / 2).max(1),
        };
        if no_memory || no_room {
            lane.thirsty |= no_room;
            self.starved |= no_memory;
            return Err(item);
        }
        lane.push(class, bytes, item);
        self.bytes += bytes;
        self.enlist(group, key, now);
        Ok(())
    }

    /// The item whose turn it is; its attempt counts as under way until [`Lanes::done`].
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(Ticket<G, K>, T)> {
        self.ring_timers(now);
        // A group that may not go is passed over; a lane that is not ready any more has left its ring.
        let mut passed_over = 0;
        while passed_over < self.ring.len() {
            if self.under_way >= self.bounds.at_once {
                return None;
            }
            let group_key = self.ring.pop_front()?;
            let reserve = self.bounds.at_once / 8;
            let scarce = self.bounds.at_once - self.under_way <= reserve;
            let unwell_allowed = self.unwell < (self.bounds.at_once / 2).max(1);
            let Some(group) = self.groups.get_mut(&group_key) else { continue };
            let may = !scarce || group.under_way < reserve.max(1);
            let popped = if may { group.pop(unwell_allowed) } else { None };
            let empty = group.is_empty();
            group.in_ring = !empty;
            if !empty {
                self.ring.push_back(group_key);
            }
            let Some((key, unwell)) = popped else {
                passed_over += usize::from(!empty);
                continue;
            };
            if let Some(taken) = self.begin(Ticket { group: group_key, key, unwell }, now) {
                return Some(taken);
            }
        }
        None
    }

    fn begin(&mut self, ticket: Ticket<G, K>, now: Timestamp) -> Option<(Ticket<G, K>, T)> {
        let lane = self.lanes.get_mut(&ticket.key)?;
        lane.in_ring = false;
        let taken = if lane.readiness(now) == Readiness::Now { lane.take(now) } else { None };
        if let Some((bytes, _)) = &taken {
            self.bytes -= bytes;
            self.under_way += 1;
            self.unwell += usize::from(ticket.unwell);
            self.groups.entry(ticket.group).or_default().under_way += 1;
        }
        self.enlist(ticket.group, ticket.key, now);
        taken.map(|(_, item)| (ticket, item))
    }

    /// An attempt has ended; what is to be given back to the table, because its lane will stand still for a while.
    pub(super) fn done(&mut self, ticket: Ticket<G, K>, end: End, now: Timestamp) -> Vec<T> {
        let mut shed = Vec::new();
        self.under_way -= 1;
        self.unwell -= usize::from(ticket.unwell);
        if let Some(group) = self.groups.get_mut(&ticket.group) {
            group.under_way -= 1;
        }
        let remembered = self.lanes.len();
        if let Some(lane) = self.lanes.get_mut(&ticket.key) {
            lane.done(end, now);
            if lane.is_open() {
                shed = lane.shed(lane.capacity(self.bounds.queue));
                self.bytes -= shed.iter().map(|(bytes, _)| bytes).sum::<usize>();
                lane.thirsty |= !shed.is_empty();
            }
            // What is remarkable is remembered: an endpoint that is not well, a pace.
            if lane.is_idle() && (lane.is_plain() || remembered > REMEMBERED_MAX) {
                self.starved |= lane.thirsty;
                self.lanes.remove(&ticket.key);
            } else {
                self.enlist(ticket.group, ticket.key, now);
            }
        }
        let forgettable = |group: &Group<K>| group.under_way == 0 && !group.in_ring;
        if self.groups.get(&ticket.group).is_some_and(forgettable) {
            self.groups.remove(&ticket.group);
        }
        shed.into_iter().map(|(_, item)| item).collect()
    }

    /// How fast a lane may go, now that it was read; whether that is news.
    pub(super) fn learn(&mut self, (group, key): (G, K), distance: Option<Duration>, now: Timestamp) -> bool {
        let is_news = self.lanes.get_mut(&key).is_some_and(|lane| lane.learn(distance, now));
        if is_news {
            self.enlist(group, key, now);
        }
        is_news
    }

    /// When [`Lanes::next`] will have something that it has not now.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, ..)| *at)
    }

    /// The lanes that can take fewer than `most` from the table, and how many: none until half of what waits in them is
    /// gone. They count as thirsty from now on.
    pub(super) fn rooms(&mut self, most: usize) -> HashMap<K, u32> {
        let mut rooms = HashMap::new();
        for (key, lane) in &mut self.lanes {
            let others = (lane.capacity(self.bounds.queue) / 2).max(1);
            let left = others.saturating_sub(lane.waiting() - lane.live());
            let room = if is_half_full(lane, self.bounds.queue) { 0 } else { left };
            if room < most {
                lane.thirsty = true;
                rooms.insert(*key, u32::try_from(room).unwrap_or(u32::MAX));
            }
        }
        rooms
    }

    /// The lanes that can take no more of what has just happened. They count as thirsty from now on.
    pub(super) fn full(&mut self) -> HashSet<K> {
        let queue = self.bounds.queue;
        let full = self.lanes.iter_mut().filter(|(_, lane)| lane.live() >= lane.capacity(queue));
        full.map(|(key, lane)| {
            lane.thirsty = true;
            *key
        })
        .collect()
    }

    /// Whether more memory is taken than things from the table may fill.
    pub(super) fn is_crowded(&self) -> bool {
        self.bytes > self.bounds.bytes / 4
    }

    /// Notes that nothing could be taken for want of memory.
    pub(super) fn note_hunger(&mut self) {
        self.starved = true;
    }

    /// Whether to look for more now that an attempt of this lane has ended: more was to be had, and there is room again.
    pub(super) fn take_thirst(&mut self, key: K) -> bool {
        if self.is_crowded() {
            return false;
        }
        let queue = self.bounds.queue;
        let lane = self.lanes.get_mut(&key).filter(|lane| lane.thirsty && !is_half_full(lane, queue));
        let quenched = lane.is_some_and(|lane| std::mem::take(&mut lane.thirsty));
        std::mem::take(&mut self.starved) || quenched
    }

    /// Lanes, those with an open circuit among them, and items that wait.
    pub(super) fn census(&self) -> (usize, usize, usize) {
        let open = self.lanes.values().filter(|lane| lane.is_open()).count();
        (self.lanes.len(), open, self.lanes.values().map(Lane::waiting).sum())
    }

    fn ring_timers(&mut self, now: Timestamp) {
        while let Some((at, key, group)) = self.timers.first().copied() {
            if now < at {
                return;
            }
            self.timers.pop_first();
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.timer = None;
                self.enlist(group, key, now);
            }
        }
    }

    fn enlist(&mut self, group_key: G, key: K, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        if lane.in_ring {
            return;
        }
        match lane.readiness(now) {
            Readiness::Not => {}
            Readiness::At(at) => {
                if lane.timer.is_none_or(|set| at < set) {
                    if let Some(set) = lane.timer.replace(at) {
                        self.timers.remove(&(set, key, group_key));
                    }
                    self.timers.insert((at, key, group_key));
                }
            }
            Readiness::Now => {
                lane.in_ring = true;
                let group = self.groups.entry(group_key).or_default();
                group.push(lane.host, key, lane.is_well());
                if !group.in_ring {
                    group.in_ring = true;
                    self.ring.push_back(group_key);
                }
            }
        }
    }
}

/// Whether a lane takes nothing more from the table until some of what waits in it is gone.
fn is_half_full<T>(lane: &Lane<T>, queue: usize) -> bool {
    let half = lane.capacity(queue) / 2;
    lane.live() > half || lane.waiting() - lane.live() > half / 2
}

#[cfg(test)]
mod tests;
