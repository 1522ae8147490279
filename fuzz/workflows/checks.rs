// What is asked of every text that anybody may send: shared by the fuzz targets and by the tests that run their corpora.

use flow::expr::{Checked, Env, Resolved, is_plain, resolve};
use flow::ir::{Definition, Expr, Template};
use flow::run::{self, Event, RunState};
use flow::{Known, compile};

/// A definition's text: it compiles or every mistake has a place in the text, and a compiled one keeps its meaning.
pub fn definition(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    match compile(source, &Known::default()) {
        Err(found) => {
            assert!(!found.is_empty() && found.len() <= domain::limits::WORKFLOW_DIAGNOSTICS_MAX);
            for one in &found {
                assert!(one.line >= 1 && one.column >= 1, "{one:?}");
                assert!((one.end_line, one.end_column) > (one.line, one.column), "{one:?}");
            }
            assert!(!flow::diagnostics::render("file", source, &found, true).is_empty());
        }
        Ok(definition) => {
            let again: Definition = serde_json::from_slice(&definition.canonical_bytes())
                .expect("the canonical form can be read");
            assert_eq!(again, definition);
            let steps = definition.all_steps().len();
            assert!((1..=domain::limits::WORKFLOW_STEPS_MAX).contains(&steps));
            begin(&definition);
        }
    }
}

/// The first turns of a run, with nothing evaluated: each event is taken, and the state can be stored.
fn begin(definition: &Definition) {
    let mut state = RunState::new();
    for event in [Event::Start { at_ms: 0 }, Event::Tick { at_ms: i64::MAX / 2 }, Event::Close { at_ms: 1 }] {
        let advanced = run::advance(definition, state, event);
        let pending = run::pending(definition, &advanced.state, 0);
        // Something will happen to it, or it is over.
        let awaited = !pending.is_empty() || advanced.state.next_due(definition).is_some();
        assert_eq!(advanced.state.is_terminal(), !awaited);
        let stored = serde_json::to_string(&advanced.state).expect("a state is plain data");
        state = serde_json::from_str(&stored).expect("a state can be read back");
        assert_eq!(state, advanced.state);
        assert!(run::progress(definition, &state).steps_total > 0);
    }
    assert!(state.is_terminal());
}

/// An expression's text: it is refused with a place in it, or it can be read; what needs no child is evaluated.
pub fn expression(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    match Checked::parse(source) {
        Err(error) => {
            assert!(error.span.start <= error.span.end && error.span.end <= source.len(), "{error:?}");
        }
        Ok(checked) => {
            for used in &checked.uses {
                assert_eq!(source.get(used.at..used.at + used.root.len()), Some(used.root));
            }
            let body = serde_json::json!({"a": [1, {"b": null}], "text": "x", "n": -3.5});
            let env = Env { body, ..Env::default() };
            let resolved = resolve(&Template::Expr(Expr(source.to_owned())), &env);
            assert_eq!(is_plain(source), resolved != Ok(Resolved::NeedsSandbox));
        }
    }
}
