//! The check of a run's body against the definition's `input`.

use domain::limits::WORKFLOW_PATTERN_BYTES_MAX as PATTERN_BYTES_MAX;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::run::Failure;

/// Mistakes that the failure tells.
const TOLD_MAX: usize = 5;

pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX),
        )
        .build(schema)
        .map_err(|error| format!("{error} (at `{}`)", error.schema_path()))
}

/// Whether a body may start a run.
///
/// # Errors
/// `WORKFLOW_INPUT_INVALID`, with the first mistakes and where they are.
pub fn check(schema: &Value, body: &Value) -> Result<(), Failure> {
    let fail = |message: String| Err(Failure::permanent("WORKFLOW_INPUT_INVALID", message));
    let validator = match validator(schema) {
        Ok(validator) => validator,
        Err(message) => return fail(message),
    };
    let told: Vec<String> = validator
        .iter_errors(body)
        .take(TOLD_MAX)
        .map(|error| {
            let at = error.instance_path().to_string();
            let at = if at.is_empty() { "the body".to_owned() } else { at };
            let message: String = error.to_string().chars().take(200).collect();
            format!("{at}: {message}")
        })
        .collect();
    if told.is_empty() { Ok(()) } else { fail(told.join("; ")) }
}
