use super::*;

const BOUNDS: Bounds = Bounds { at_once: 100, width: 4, queue: 10, bytes: 1000 };
const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

type Table = Lanes<u8, char, usize>;

/// Lanes of organization 1 unless the key is upper case; all of them know that they have no limit.
fn filled(bounds: Bounds, counts: &[(char, usize)]) -> Table {
    let mut lanes = Lanes::new(bounds);
    for (key, count) in counts {
        for number in 0..*count {
            push(&mut lanes, *key, 1, number).unwrap();
        }
    }
    lanes
}

fn push(lanes: &mut Table, key: char, bytes: usize, item: usize) -> Result<(), usize> {
    let (group, key) = place(key);
    let pushed = lanes.push((group, 0, key), Class::Live, bytes, item, NOW);
    lanes.learn(place(key), None, NOW);
    pushed
}

fn place(key: char) -> (u8, char) {
    (if key.is_uppercase() { 2 } else { 1 }, key)
}

fn begun(lanes: &mut Table) -> Vec<Ticket<u8, char>> {
    std::iter::from_fn(|| lanes.next(NOW)).map(|(ticket, _)| ticket).collect()
}

fn keys(lanes: &mut Table) -> String {
    begun(lanes).iter().map(|ticket| ticket.key).collect()
}

fn done(lanes: &mut Table, key: char, end: End) {
    lanes.done(Ticket { group: place(key).0, key, unwell: false }, end, NOW);
}

#[test]
fn lanes_are_served_in_turn_up_to_their_width() {
    let mut lanes = filled(BOUNDS, &[('a', 10), ('b', 2), ('c', 1)]);
    assert_eq!(keys(&mut lanes), "abcabaa");
    done(&mut lanes, 'a', End::Answered);
    assert_eq!(keys(&mut lanes), "a");
}

#[test]
fn organizations_are_served_in_turn_however_many_lanes_they_have() {
    let mut lanes = filled(BOUNDS, &[('a', 2), ('b', 2), ('c', 2), ('X', 3)]);
    assert_eq!(keys(&mut lanes), "aXbXcXabc");
}

#[test]
fn the_whole_is_bounded_and_the_last_eighth_is_for_those_who_hold_little() {
    let mut lanes = filled(Bounds { at_once: 8, width: 8, ..BOUNDS }, &[('a', 10)]);
    assert_eq!(keys(&mut lanes), "aaaaaaa");
    push(&mut lanes, 'X', 1, 0).unwrap();
    push(&mut lanes, 'X', 1, 0).unwrap();
    assert_eq!(keys(&mut lanes), "X");
    done(&mut lanes, 'a', End::Answered);
    assert_eq!(keys(&mut lanes), "", "it holds its share");
}

#[test]
fn endpoints_that_hang_share_half_of_all_attempts() {
    let mut lanes = filled(Bounds { at_once: 8, width: 2, ..BOUNDS }, &[]);
    let hanging: Vec<char> = ('a'..='h').collect();
    for key in &hanging {
        push(&mut lanes, *key, 1, 0).unwrap();
        lanes.next(NOW);
        done(&mut lanes, *key, End::Silent);
    }
    for key in &hanging {
        push(&mut lanes, *key, 1, 0).unwrap();
    }
    assert_eq!(begun(&mut lanes).len(), 4);
    push(&mut lanes, 'z', 1, 0).unwrap();
    assert_eq!(keys(&mut lanes), "z", "there is room for the others");
}

#[test]
fn silence_narrows_a_lane_to_one_probe_and_answers_widen_it() {
    let mut lanes = filled(BOUNDS, &[('a', 10)]);
    assert_eq!(keys(&mut lanes), "aaaa");
    for _ in 0..4 {
        done(&mut lanes, 'a', End::Silent);
    }
    assert_eq!(begun(&mut lanes).len(), 1, "one probe");
    lanes.done(Ticket { group: 1, key: 'a', unwell: true }, End::Answered, NOW);
    assert_eq!(keys(&mut lanes), "aa");
}

#[test]
fn what_does_not_fit_is_given_back_and_missed_when_there_is_room() {
    let mut lanes = filled(BOUNDS, &[('a', 10)]);
    assert_eq!(push(&mut lanes, 'a', 1, 99), Err(99));
    assert_eq!(lanes.rooms(5), HashMap::from([('a', 0)]));
    assert!(!lanes.take_thirst('a') && !lanes.take_thirst('b'));
    assert_eq!(push(&mut lanes, 'b', 991, 7), Err(7), "memory");
    assert!(lanes.take_thirst('x') && !lanes.take_thirst('x'), "whoever ends next");
    for _ in 0..10 {
        lanes.next(NOW);
        done(&mut lanes, 'a', End::Answered);
    }
    assert!(lanes.take_thirst('a'));
    assert!(!lanes.take_thirst('a'), "told once");
    assert_eq!(push(&mut lanes, 'b', 5000, 7), Ok(()), "alone, anything fits");
}

#[test]
fn retries_leave_room_for_live_ones() {
    let mut lanes = filled(BOUNDS, &[]);
    let retry = |lanes: &mut Table, bytes| lanes.push((1, 0, 'a'), Class::Retry, bytes, 0, NOW);
    for _ in 0..5 {
        retry(&mut lanes, 1).unwrap();
    }
    assert!(retry(&mut lanes, 1).is_err(), "half of the queue");
    for number in 0..10 {
        push(&mut lanes, 'a', 1, number).unwrap();
    }
    let mut lanes = filled(BOUNDS, &[('b', 1)]);
    assert!(retry(&mut lanes, 500).is_err() && retry(&mut lanes, 499).is_ok(), "half of the memory");
}

#[test]
fn a_lane_with_a_pace_rings_when_it_may_go_on() {
    let mut lanes = filled(BOUNDS, &[('a', 3)]);
    lanes.learn(place('a'), Some(Duration::from_millis(100)), NOW);
    let at = |ms| NOW.plus(Duration::from_millis(ms));
    assert!(lanes.next(at(0)).is_none());
    assert_eq!(lanes.next_timer(), Some(at(100)));
    assert!(lanes.next(at(100)).is_some() && lanes.next(at(100)).is_none());
    assert_eq!(lanes.next_timer(), Some(at(200)));
    assert!(lanes.next(at(200)).is_some());
}

#[test]
fn a_lane_that_is_not_ready_any_more_stops_nobody() {
    let mut lanes = filled(BOUNDS, &[('a', 1), ('b', 1), ('X', 1)]);
    lanes.learn(place('a'), Some(Duration::from_secs(1)), NOW);
    assert_eq!(keys(&mut lanes), "Xb");
}

#[test]
fn what_has_to_wait_for_long_waits_in_the_table() {
    let bounds = Bounds { queue: 100, ..BOUNDS };
    let mut lanes = filled(bounds, &[('a', 60), ('b', 1)]);
    lanes.learn(place('b'), Some(Duration::from_secs(1)), NOW);
    for number in 1..20 {
        push(&mut lanes, 'b', 1, number).unwrap();
        lanes.learn(place('b'), Some(Duration::from_secs(1)), NOW);
    }
    assert_eq!(push(&mut lanes, 'c', 1, 0), Ok(()));
    let retry = |lanes: &mut Table| lanes.push((1, 0, 'b'), Class::Retry, 1, 0, NOW);
    assert!((0..10).all(|_| retry(&mut lanes).is_ok()) && retry(&mut lanes).is_err(), "ten seconds' worth");

    let begun = begun(&mut lanes);
    let mut given_back = Vec::new();
    for ticket in begun.iter().filter(|ticket| ticket.key == 'a') {
        given_back.extend(lanes.done(*ticket, End::Silent, NOW));
    }
    assert!(given_back.is_empty(), "four are too few to tell");
    let probe = std::iter::from_fn(|| lanes.next(NOW)).find(|(ticket, _)| ticket.key == 'a').unwrap().0;
    let given_back = lanes.done(probe, End::Silent, NOW);
    assert_eq!(given_back.len(), 60 - 5 - 16, "the circuit is open");
    assert_eq!(given_back[0], 59, "the last ones first");
    assert_eq!(lanes.rooms(5).get(&'a'), Some(&0));
}

#[test]
fn plain_lanes_that_are_idle_are_forgotten() {
    let mut lanes = filled(BOUNDS, &[('a', 1), ('b', 1)]);
    keys(&mut lanes);
    done(&mut lanes, 'a', End::Answered);
    done(&mut lanes, 'b', End::Silent);
    assert_eq!(lanes.lanes.keys().collect::<String>(), "b");
    assert!(lanes.groups.is_empty());
    assert_eq!(lanes.census(), (1, 0, 0));
}
