use super::*;

fn timetable(cron: &str, zone: &str) -> Timetable {
    Timetable { cron: cron.parse().unwrap(), zone: zone.parse().unwrap() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The due times after `from`, as many as are named.
fn due<const N: usize>(cron: &str, zone: &str, from: &str) -> [String; N] {
    let timetable = timetable(cron, zone);
    let mut after = at(from);
    std::array::from_fn(|_| {
        after = timetable.next_after(after).unwrap();
        after.to_string()
    })
}

#[test]
fn expressions_are_read_as_cron_reads_them() {
    assert_eq!(
        due("30 2 * * mon-fri", "UTC", "2026-01-02T02:30:00Z"),
        ["2026-01-05T02:30:00Z", "2026-01-06T02:30:00Z"]
    );
    assert_eq!(
        due("*/20 9-10 1 jan,JUL *", "UTC", "2026-01-01T10:30:00Z"),
        ["2026-01-01T10:40:00Z", "2026-07-01T09:00:00Z"]
    );
    assert_eq!(
        due("0 0 13 * 5", "UTC", "2026-01-09T00:00:00Z"),
        ["2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"],
        "either kind of day is enough"
    );
    assert_eq!(due("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z"), ["2028-02-29T00:00:00Z"]);
    assert_eq!(due("0 12 * * 7", "UTC", "2026-01-01T00:00:00Z"), ["2026-01-04T12:00:00Z"]);
    assert_eq!(due("@daily", "Asia/Kolkata", "2026-01-01T00:00:00Z"), ["2026-01-01T18:30:00Z"]);
    assert_eq!(
        due("5/25 3 * * *", "UTC", "2026-01-01T03:05:00Z"),
        ["2026-01-01T03:30:00Z", "2026-01-01T03:55:00Z"]
    );
    assert_eq!(timetable("0 0 30 2 *", "UTC").next_after(at("2026-01-01T00:00:00Z")), None);
}

#[test]
fn what_is_no_expression_says_why() {
    for (text, part) in [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * *", "6 fields"),
        ("60 * * * *", "`60` is no minute"),
        ("* 24 * * *", "`24` is no hour"),
        ("* * 0 * *", "`0` is no day of the month"),
        ("* * * foo *", "`foo` is no month"),
        ("* * * * 8", "`8` is no day of the week"),
        ("*/0 * * * *", "`*/0`"),
        ("5-1 * * * *", "`5-1`"),
        ("1, * * * *", "`` is no minute"),
        ("+1 * * * *", "`+1`"),
    ] {
        let error = text.parse::<Cron>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!("Europe/Berlin".parse::<Zone>().is_ok() && "Mars/Olympus".parse::<Zone>().is_err());
}

#[test]
fn a_time_that_the_clock_jumps_over_is_due_at_the_jump() {
    // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    // Two times within the gap are one instant.
    assert_eq!(
        due("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"]
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_is_due_once() {
    // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
}

#[test]
fn a_distance_keeps_its_length_over_a_change_of_the_clock() {
    assert_eq!(
        due("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z"),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]
    );
    assert_eq!(
        due("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z"),
        ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
    );
}

#[test]
fn what_passed_is_caught_up_by_the_rule() {
    let hourly = timetable("0 * * * *", "UTC");
    let (waited_for, now) = (at("2026-01-01T01:00:00Z"), at("2026-01-01T05:20:00Z"));
    let act = |rule, now| catch_up(&hourly, rule, waited_for, now).map(|due| due.to_string());
    assert_eq!(act(CatchUp::All, now).as_deref(), Some("2026-01-01T01:00:00Z"));
    assert_eq!(act(CatchUp::Latest, now).as_deref(), Some("2026-01-01T05:00:00Z"));
    assert_eq!(act(CatchUp::None, now), None, "twenty minutes late");
    let now = at("2026-01-01T05:00:30Z");
    assert_eq!(act(CatchUp::None, now).as_deref(), Some("2026-01-01T05:00:00Z"));
    assert_eq!(act(CatchUp::Latest, waited_for).as_deref(), Some("2026-01-01T01:00:00Z"));
}
