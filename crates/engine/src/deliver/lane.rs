//! One subscription's lane: what waits in it, how wide it is, whether its circuit is open, at which pace it goes.
//!
//! - What waits stands in three queues, by class, which are served 8 : 2 : 1: live events never wait behind a mountain
//!   of retries or a replay.
//! - The width is the number of attempts at a time. An attempt without an answer halves it, an answer widens it by one.
//! - Failures in a row open the circuit: nothing is attempted until a pause is over, and then one probe; each probe that
//!   fails doubles the pause. What waits keeps its place and its attempts.
//! - A subscription's own limit is kept as a distance between the beginnings of attempts. A lane does not know it before
//!   its first attempt has read where to go; until then it makes one at a time.
//!
//! Plain data: the time comes in as an argument.

use super::group::Host;
use domain::{delivery::Class, time::Timestamp};
use std::{collections::VecDeque, time::Duration};

/// Failures in a row that open the circuit. A silent attempt holds a connection for its whole time, so it counts more.
const CIRCUIT_FAILURES: u32 = 20;
const SILENCE_WEIGHT: u32 = 4;
/// The first pause of an open circuit, and the longest.
const CIRCUIT_PAUSE_FIRST: Duration = Duration::from_secs(1);
const CIRCUIT_PAUSE_MAX: Duration = Duration::from_secs(30);
/// What waits in memory of a lane with an open circuit, and of one with a pace: as much as it sends in this time.
const OPEN_WAITING_MAX: usize = 16;
const PACED_AHEAD_US: i64 = 20_000_000;
/// How far an attempt may begin late without those after it being late too: timers count in milliseconds.
const PACE_SLACK_US: i64 = 10_000;

/// How an attempt ended, as far as its lane cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With an answer that is about the event, 2xx above all.
    Answered,
    /// With such an answer, after a long time.
    Slow,
    /// With an answer that says the endpoint is not well: 5xx, 429.
    Refused,
    /// Without an answer.
    Silent,
    /// Nothing was sent.
    Skipped,
}

/// Whether a lane may begin an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    Now,
    At(Timestamp),
    /// Not before something else happens.
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Unknown,
    Free,
    /// Microseconds: between two attempts, and when the next may begin.
    Every {
        distance_us: i64,
        next_us: i64,
    },
}

pub(super) struct Lane<T> {
    queues: [VecDeque<(usize, T)>; 3],
    /// How many of each class are still to be served in this round.
    credits: [u32; 3],
    under_way: usize,
    width: usize,
    width_max: usize,
    pace: Pace,
    failures: u32,
    /// While the circuit is open.
    open_until: Option<Timestamp>,
    pause: Duration,
    well: bool,
    /// Where its endpoint is.
    pub host: Host,
    pub in_ring: bool,
    /// More was to be had than it could take.
    pub thirsty: bool,
    /// When the lane's timer rings, if it has one.
    pub timer: Option<Timestamp>,
}

impl<T> Lane<T> {
    pub(super) fn new(width: usize) -> Self {
        Self {
            queues: Default::default(),
            credits: Class::ALL.map(Class::weight),
            under_way: 0,
            width,
            width_max: width,
            pace: Pace::Unknown,
            failures: 0,
            open_until: None,
            pause: CIRCUIT_PAUSE_FIRST,
            well: true,
            host: 0,
            in_ring: false,
            thirsty: false,
            timer: None,
        }
    }

    pub(super) fn push(&mut self, class: Class, bytes: usize, item: T) {
        self.queues[class as usize].push_back((bytes, item));
    }

    /// How many wait whose event has just happened.
    pub(super) fn live(&self) -> usize {
        self.queues[Class::Live as usize].len()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// How many live ones may wait in memory, and half as many others; `max` where nothing holds the lane up. What has to
    /// wait for long waits in the table, where no lease has to be renewed for it.
    pub(super) fn capacity(&self, max: usize) -> usize {
        let paced = match self.pace {
            Pace::Every { distance_us, .. } => {
                usize::try_from(PACED_AHEAD_US / distance_us.max(1)).unwrap_or(max)
            }
            Pace::Unknown | Pace::Free => max,
        };
        let open = if self.is_open() { OPEN_WAITING_MAX } else { max };
        paced.min(open).min(max).max(1)
    }

    /// Gives up what waits beyond `keep`, the least urgent first.
    pub(super) fn shed(&mut self, keep: usize) -> Vec<(usize, T)> {
        let mut shed = Vec::new();
        for class in (0..3).rev() {
            while self.waiting() > keep
                && let Some(given_up) = self.queues[class].pop_back()
            {
                shed.push(given_up);
            }
        }
        shed
    }

    /// Whether its endpoint answers, and soon.
    pub(super) fn is_well(&self) -> bool {
        self.well
    }

    /// Whether nothing is lost with it.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting() == 0 && self.under_way == 0
    }

    /// Whether there is nothing to remember of it.
    pub(super) fn is_plain(&self) -> bool {
        let unpaced = matches!(self.pace, Pace::Unknown | Pace::Free);
        self.well && unpaced && self.failures == 0 && self.width == self.width_max
    }

    pub(super) fn readiness(&self, now: Timestamp) -> Readiness {
        if self.waiting() == 0 || self.under_way >= self.width {
            return Readiness::Not;
        }
        match self.open_until {
            Some(until) if now < until => return Readiness::At(until),
            Some(_) if self.under_way > 0 => return Readiness::Not,
            _ => {}
        }
        match self.pace {
            Pace::Unknown if self.under_way > 0 => Readiness::Not,
            Pace::Every { next_us, .. } if micros(now) < next_us => {
                Readiness::At(Timestamp::from_ms(next_us.div_euclid(1000) + i64::from(next_us % 1000 != 0)))
            }
            _ => Readiness::Now,
        }
    }

    /// The next one; its attempt is under way until [`Lane::done`].
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(usize, T)> {
        let class = self.next_class()?;
        self.credits[class] = self.credits[class].saturating_sub(1);
        let taken = self.queues[class].pop_front()?;
        self.under_way += 1;
        if let Pace::Every { distance_us, next_us } = &mut self.pace {
            *next_us = (*next_us).max(micros(now) - PACE_SLACK_US.min(*distance_us)) + *distance_us;
        }
        Some(taken)
    }

    fn next_class(&mut self) -> Option<usize> {
        let has = |lane: &Self, class: usize| !lane.queues[class].is_empty();
        if let Some(class) = (0..3).find(|class| has(self, *class) && self.credits[*class] > 0) {
            return Some(class);
        }
        self.credits = Class::ALL.map(Class::weight);
        (0..3).find(|class| has(self, *class))
    }

    /// The least distance between the beginnings of two attempts, as it is now; whether that is news.
    pub(super) fn learn(&mut self, distance: Option<Duration>, now: Timestamp) -> bool {
        let before = self.pace;
        let distance_us =
            distance.map(|distance| i64::try_from(distance.as_micros()).unwrap_or(i64::MAX).max(1));
        self.pace = match (distance_us, self.pace) {
            (None, _) => Pace::Free,
            (Some(distance_us), Pace::Every { next_us, .. }) => Pace::Every { distance_us, next_us },
            // What is under way now is the first.
            (Some(distance_us), _) => Pace::Every { distance_us, next_us: micros(now) + distance_us },
        };
        self.pace != before
    }

    pub(super) fn done(&mut self, end: End, now: Timestamp) {
        self.under_way -= 1;
        match end {
            End::Skipped => {}
            End::Answered | End::Slow => {
                self.width = self.width_max.min(self.width + 1);
                self.well = end == End::Answered;
                (self.failures, self.open_until, self.pause) = (0, None, CIRCUIT_PAUSE_FIRST);
            }
            End::Refused => {
                self.width = self.width_max.min(self.width + 1);
                self.well = true;
                self.fail(1, now);
            }
            End::Silent => {
                self.width = (self.width / 2).max(1);
                self.well = false;
                self.fail(SILENCE_WEIGHT, now);
            }
        }
    }

    fn fail(&mut self, weight: u32, now: Timestamp) {
        self.failures = self.failures.saturating_add(weight);
        // Those that were under way when it opened say nothing new.
        let is_news = self.open_until.is_none_or(|until| now >= until);
        if self.failures >= CIRCUIT_FAILURES && is_news {
            self.open_until = Some(now.plus(self.pause));
            self.pause = (self.pause * 2).min(CIRCUIT_PAUSE_MAX);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }
}

/// Between the beginnings of two attempts of one of so many nodes at a subscription that asks for so many a second.
pub(super) fn distance(per_second: u32, nodes: u32) -> Duration {
    Duration::from_secs(1) * nodes / per_second.max(1)
}

fn micros(time: Timestamp) -> i64 {
    time.as_ms().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000 + ms)
    }

    fn lane(counts: [usize; 3]) -> Lane<Class> {
        let mut lane = Lane::new(4);
        lane.learn(None, at(0));
        for (class, count) in Class::ALL.into_iter().zip(counts) {
            (0..count).for_each(|_| lane.push(class, 1, class));
        }
        lane
    }

    #[test]
    fn live_ones_go_before_retries_and_these_before_replays() {
        let mut lane = lane([20, 20, 20]);
        let mut served = Vec::new();
        for _ in 0..22 {
            served.push(lane.take(at(0)).unwrap().1);
            lane.done(End::Answered, at(0));
        }
        let count = |class| served.iter().filter(|served| **served == class).count();
        assert_eq!(Class::ALL.map(count), [16, 4, 2]);
        assert!(served[..8].iter().all(|class| *class == Class::Live));
    }

    #[test]
    fn failures_in_a_row_open_the_circuit_and_one_probe_closes_it() {
        let mut lane = lane([100, 0, 0]);
        for _ in 0..CIRCUIT_FAILURES {
            assert_eq!(lane.readiness(at(0)), Readiness::Now);
            lane.take(at(0));
            lane.done(End::Refused, at(0));
        }
        assert_eq!(lane.readiness(at(0)), Readiness::At(at(1000)));
        assert_eq!(lane.readiness(at(1000)), Readiness::Now);
        lane.take(at(1000));
        assert_eq!(lane.readiness(at(1000)), Readiness::Not, "one probe");
        lane.done(End::Refused, at(1000));
        assert_eq!(lane.readiness(at(1000)), Readiness::At(at(3000)), "twice the pause");
        lane.take(at(3000));
        lane.done(End::Answered, at(3000));
        assert!(!lane.is_open() && lane.is_plain());
        assert_eq!(lane.readiness(at(3000)), Readiness::Now);
    }

    #[test]
    fn silence_opens_it_sooner_and_the_pause_has_an_end() {
        let mut lane = lane([100, 0, 0]);
        for _ in 0..CIRCUIT_FAILURES / SILENCE_WEIGHT {
            lane.take(at(0));
            lane.done(End::Silent, at(0));
        }
        assert!(lane.is_open() && !lane.is_well());
        let mut now = at(0);
        for _ in 0..10 {
            let Readiness::At(next) = lane.readiness(now) else { panic!("it is open") };
            assert!(next.since(now) <= CIRCUIT_PAUSE_MAX);
            now = next;
            lane.take(now);
            lane.done(End::Silent, now);
        }
    }

    #[test]
    fn a_pace_is_kept_and_learnt_with_the_first_attempt() {
        let mut lane = lane([1000, 0, 0]);
        lane.pace = Pace::Unknown;
        lane.take(at(0));
        assert_eq!(lane.readiness(at(0)), Readiness::Not, "nothing more until it is known");
        lane.learn(Some(Duration::from_millis(20)), at(0));
        lane.done(End::Answered, at(0));
        let mut begun = 1;
        for ms in 0..1000 {
            while lane.readiness(at(ms)) == Readiness::Now {
                lane.take(at(ms));
                lane.done(End::Answered, at(ms));
                begun += 1;
            }
        }
        assert_eq!(begun, 50);
        assert!(!lane.is_plain(), "it is remembered");
    }

    #[test]
    fn nodes_keep_to_a_limit_together_and_use_it_up() {
        for (per_second, nodes) in [(4, 1), (4, 2), (25, 2), (30, 3)] {
            let mut lanes: Vec<_> = (0..nodes).map(|_| lane([1000, 0, 0])).collect();
            for lane in &mut lanes {
                lane.learn(Some(distance(per_second, nodes)), at(0));
            }
            let mut begun = Vec::new();
            for ms in 0..10_000 {
                for lane in &mut lanes {
                    while lane.readiness(at(ms)) == Readiness::Now {
                        lane.take(at(ms));
                        lane.done(End::Answered, at(ms));
                        begun.push(ms);
                    }
                }
            }
            let most = (per_second + nodes) as usize;
            for second in 0..9_000 {
                let within = begun.iter().filter(|ms| (second..second + 1000).contains(*ms)).count();
                assert!(within <= most, "{within} of {nodes} nodes in a second that may have {per_second}");
            }
            let least = (per_second * 9) as usize;
            assert!(begun.len() >= least && begun.len() <= (per_second * 10) as usize, "{}", begun.len());
        }
    }
}
