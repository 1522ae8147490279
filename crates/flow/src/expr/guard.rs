//! Bounds that are checked before anything recursive sees a text.

use domain::limits;

use super::check::ExprError;

/// Parsers, compilers and evaluators of expressions recurse over brackets and over chains of operators.
const OPERATORS_MAX: usize = 200;
const BYTES_MAX: usize = 16 * 1024;

/// One pass over the characters, knowing no more of jq than strings, comments and brackets.
pub(super) fn guard(source: &str) -> Result<(), ExprError> {
    if source.len() > BYTES_MAX {
        return Err(ExprError::at(0..source.len().min(40), "an expression of more than 16 KiB"));
    }
    let mut open: Vec<u8> = Vec::new();
    let mut operators = 0;
    let mut in_text = false;
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if in_text {
            match byte {
                b'"' => in_text = false,
                b'\\' if bytes.get(at + 1) == Some(&b'(') => {
                    open.push(b'"');
                    in_text = false;
                    at += 1;
                }
                b'\\' => at += 1,
                _ => {}
            }
        } else {
            match byte {
                b'"' => in_text = true,
                b'#' => return Err(ExprError::at(at..at + 1, "expressions have no comments")),
                b'(' | b'[' | b'{' => open.push(byte),
                b')' | b']' | b'}' => in_text = open.pop() == Some(b'"'),
                b'|' | b',' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'!' | b'?' | b';'
                | b'$' | b'@' => operators += 1,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    let end = source[at..]
                        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                        .map_or(bytes.len(), |length| at + length);
                    // `if`, `try`, `reduce`, calls, `and`: every word may open a level.
                    operators += usize::from(at == 0 || bytes[at - 1] != b'.');
                    at = end - 1;
                }
                _ => {}
            }
        }
        if open.len() > limits::WORKFLOW_DEPTH_MAX {
            return Err(ExprError::at(at..at + 1, "brackets more than 20 deep"));
        }
        if operators > OPERATORS_MAX {
            let message = format!("more than {OPERATORS_MAX} operators and names in one expression");
            return Err(ExprError::at(0..at.min(source.len()), &message));
        }
        at += 1;
    }
    Ok(())
}
