//! Definitions made to cost more than they are worth. Each is refused, or accepted, in no time; none takes memory in
//! proportion to anything but its own size.

use std::fmt::Write as _;

use flow::diagnostics::Code;
use flow::{Known, compile};

const HEAD: &str = "version: 1\nname: Hostile\nsteps:\n";

fn codes(source: &str) -> Vec<Code> {
    let found = compile(source, &Known::default()).err().unwrap_or_default();
    let told: usize =
        found.iter().map(|found| found.message.len() + found.hint.as_deref().map_or(0, str::len)).sum();
    assert!(found.len() <= 100 && told < 200_000, "{} messages of {told} bytes", found.len());
    found.iter().map(|found| found.code).collect()
}

fn only(source: &str, code: Code) {
    let found = codes(source);
    assert!(!found.is_empty() && found.iter().all(|found| *found == code), "{found:?} instead of {code:?}");
}

#[test]
fn a_long_text_is_not_multiplied_by_aliases() {
    let mut source = format!("long: &long {}\nuses:\n", "x".repeat(200_000));
    source.push_str(&"- *long\n".repeat(5000));
    only(&source, Code::YamlLimit);
}

#[test]
fn names_of_any_length_are_not_compared_with_each_other() {
    // The distance of two names takes the product of their lengths, in memory too.
    let long = "a".repeat(100_000);
    let source = format!(
        "{HEAD}  - {{ id: {long}, uses: transform, with: \"${{{{ steps.{}b }}}}\" }}\n",
        &long[..15_000]
    );
    assert_eq!(codes(&source), [Code::BadId, Code::UnknownStep]);
    let source = format!("{HEAD}  - {{ id: a, uses: {long}, with: 1 }}\n");
    assert_eq!(codes(&source), [Code::UnknownType]);
}

#[test]
fn ten_thousand_keys_are_no_square() {
    let mut source = format!("{HEAD}  - id: a\n    uses: transform\n    with:\n");
    for n in 0..9000 {
        let _ = writeln!(source, "      k{n}: 1");
    }
    assert_eq!(codes(&source), []);
    let mut source = HEAD.to_owned();
    source.push_str("  - id: a\n    uses: transform\n    with: 1\n");
    for n in 0..9000 {
        let _ = writeln!(source, "    k{n}: 1");
    }
    only(&source, Code::UnknownKey);
}

#[test]
fn thousands_of_wrong_expressions_in_one_line_are_told_a_hundred_times() {
    let wrong = "${{ a }}".repeat(20_000);
    let source = format!("{HEAD}  - {{ id: a, uses: transform, with: \"{wrong}\" }}\n");
    let found = codes(&source);
    assert_eq!(found.len(), 100);
    let unclosed =
        format!("{HEAD}  - id: a\n    uses: transform\n    with:\n{}", "      - \"${{ (\"\n".repeat(15_000));
    assert_eq!(codes(&unclosed).len(), 100);
}

#[test]
fn loops_within_loops_do_not_multiply_without_end() {
    let nested = |outer: u32, inner: u32| {
        format!(
            "{HEAD}  - id: outer\n    for_each: ${{{{ body }}}}\n    max_parallel: {outer}\n    parallel:\n      - steps:\n          \
             - {{ id: inner, uses: custom, with: {{ task: t }}, for_each: \"${{{{ item }}}}\", max_parallel: {inner} }}\n"
        )
    };
    assert_eq!(codes(&nested(10, 999)), []);
    assert_eq!(codes(&nested(1000, 1000)), [Code::TooMany]);
    assert_eq!(codes(&nested(10, 1000)), [Code::TooMany], "the outer one counts itself");
}

#[test]
fn schemas_that_never_end_or_multiply_are_refused() {
    let input = |schema: &str| {
        format!("version: 1\nname: H\ninput: {schema}\nsteps:\n  - {{ id: a, uses: transform, with: 1 }}\n")
    };
    let mut doubling = "{ $ref: \"#/$defs/d0\", $defs: { ".to_owned();
    for n in 0..30 {
        let _ = write!(
            doubling,
            "d{n}: {{ allOf: [{{ $ref: \"#/$defs/d{m}\" }}, {{ $ref: \"#/$defs/d{m}\" }}] }}, ",
            m = n + 1
        );
    }
    doubling.push_str("d30: true } }");
    let patterns = |count: usize| {
        let all: Vec<String> =
            (0..count).map(|n| format!("p{n}: {{ pattern: \"^(a|b){{1,40}}{n}$\" }}")).collect();
        format!("{{ properties: {{ {} }} }}", all.join(", "))
    };
    for schema in [
        "{ $ref: \"#\" }".to_owned(),
        "{ items: { $ref: \"#/items\" } }".to_owned(),
        "{ $ref: \"https://example.com/schema\" }".to_owned(),
        "{ $ref: \"file:///etc/passwd\" }".to_owned(),
        "{ $dynamicRef: \"#a\" }".to_owned(),
        "{ pattern: \"(a{1000}){1000}\" }".to_owned(),
        "{ pattern: \"(\" }".to_owned(),
        doubling,
        patterns(101),
    ] {
        only(&input(&schema), Code::BadSchema);
    }
    assert_eq!(codes(&input(&patterns(100))), []);
    assert_eq!(
        codes(&input("{ pattern: \"^(a+)+$\", type: string }")),
        [],
        "patterns are run in linear time"
    );
}

#[test]
fn odd_bytes_are_only_odd() {
    for source in [
        "\u{feff}version: 1",
        "version: 1\r\nname: \u{0}",
        "version: \u{2028}1",
        "!!binary x",
        "? [a]\n: b",
        "<<: *a",
        "&a [*a]",
        "a: &a\n  b: *a",
        "- - - - -",
        "%YAML 9.9\n---\n",
        "---\n---\n---",
        "'",
        "\"\\x\"",
        "\t- a",
        "{{{{",
        "version: 1e999999\nname: 0x10\nsteps: 0o17",
        "steps: [{}, [], '', null, {id: {}}, {id: []}, {uses: {}}]",
        "steps: {switch: [{when: x}]}",
        "version: 1\nname: x\nsteps: [{id: a, switch: 3}, {id: b, parallel: [[]]}, {id: c, switch: [[]], parallel: []}]",
        "version: 1\nname: x\nsteps: [{id: a, uses: wait, with: {duration: -1}, timeout: 99999999999999999999d}]",
    ] {
        assert!(!codes(source).is_empty(), "{source:?}");
    }
}
