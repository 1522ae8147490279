//! Expressions: the jq between `${{` and `}}`.
//!
//! jq in the server's own process is not safe on authors' text: recursion without end and deep JSON abort a process,
//! `env` reads its environment, and nothing bounds the cost. So:
//!
//! - [`Checked::parse`] admits a closed list of functions and constructs, and bounds size and depth before anything recursive
//!   looks at the text;
//! - [`resolve`] evaluates paths, literals, comparisons and `and`/`or`/`not` right here, which is most of what people
//!   write: each step of it costs no more than the value it reads;
//! - everything else is [`Resolved::NeedsSandbox`]: the engine sends it to the child process that reads documents, where
//!   [`evaluate`] runs it under the limits of time and memory that the kernel enforces.
//!
//! Both give the same result wherever both can (a property test says so). Division by zero, integers past 64 bits and
//! numbers that JSON cannot hold are errors, never `null` or an approximation. An expression yields exactly one value.

mod allow;
mod check;
mod env;
mod guard;
mod jaq;
mod reads;
mod walker;

pub(crate) use allow::suggest;
pub use check::{Checked, ExprError, ExprErrorKind, Use};
pub use env::{Env, item_value, outputs_by_field, step_value};
pub use jaq::evaluate;
pub use reads::Reads;

use serde_json::Value;

use crate::ir::{Part, Template};
use crate::run::Failure;

/// Of an expression, in a message.
const SOURCE_CHARACTERS_MAX: usize = 80;

/// What [`resolve`] came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    Value(Value),
    /// Some expression in the template is more than a path or a comparison, or reads much: [`evaluate`] it in a child
    /// process.
    NeedsSandbox,
}

/// Why an expression has no value.
pub(crate) fn failure(message: impl std::fmt::Display) -> Failure {
    Failure::permanent("EXPRESSION_FAILED", message.to_string())
}

/// The failure of one expression. What jq says of it shows the values it had, so with secrets among them it is not told.
pub(crate) fn told(source: &str, env: &Env, message: String) -> Failure {
    if env.secrets.is_empty() {
        return failure(message);
    }
    let source: String = source.trim().chars().take(SOURCE_CHARACTERS_MAX).collect();
    failure(format!("`{source}` failed; why is not shown, because secrets were within its reach"))
}

/// The value of a template, where that takes no more than looking things up, and not too much of it.
pub fn resolve(template: &Template, env: &Env) -> Result<Resolved, Failure> {
    let mut left = domain::limits::EXPRESSION_WALKED_BYTES_MAX;
    match fill(template, &mut |expr| match Checked::parse(expr) {
        Err(error) => Err(Stop::Failed(failure(error.message))),
        Ok(checked) => match walker::Plain::of(&checked) {
            None => Err(Stop::NeedsSandbox),
            Some(plain) => plain.value(env, &mut left).map_err(|error| match error {
                walker::Declined::TooMuch => Stop::NeedsSandbox,
                walker::Declined::Failed(message) => Stop::Failed(told(expr, env, message)),
            }),
        },
    }) {
        Ok(value) => Ok(Resolved::Value(value)),
        Err(Stop::NeedsSandbox) => Ok(Resolved::NeedsSandbox),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// Whether [`resolve`] can do without a child process.
pub fn is_plain(source: &str) -> bool {
    Checked::parse(source).is_ok_and(|checked| walker::Plain::of(&checked).is_some())
}

pub(crate) enum Stop {
    NeedsSandbox,
    Failed(Failure),
}

/// A template with each expression replaced by what `value_of` says.
pub(crate) fn fill(
    template: &Template,
    value_of: &mut dyn FnMut(&str) -> Result<Value, Stop>,
) -> Result<Value, Stop> {
    Ok(match template {
        Template::Literal(value) => value.clone(),
        Template::Expr(expr) => value_of(expr.source())?,
        Template::Text(parts) => {
            let mut text = String::new();
            for part in parts {
                match part {
                    Part::Text(literal) => text.push_str(literal),
                    Part::Expr(expr) => match value_of(expr.source())? {
                        Value::Null => {
                            let source = expr.source().trim();
                            return Err(Stop::Failed(failure(format!("`{source}` is null inside a text"))));
                        }
                        Value::String(value) => text.push_str(&value),
                        value => text.push_str(&value.to_string()),
                    },
                }
                if text.len() > domain::limits::EXPRESSION_RESULT_BYTES_MAX {
                    return Err(Stop::Failed(failure("the text is larger than allowed")));
                }
            }
            Value::String(text)
        }
        Template::Array(items) => {
            Value::Array(items.iter().map(|item| fill(item, value_of)).collect::<Result<_, _>>()?)
        }
        Template::Object(pairs) => Value::Object(
            pairs
                .iter()
                .map(|(key, value)| Ok((key.clone(), fill(value, value_of)?)))
                .collect::<Result<_, _>>()?,
        ),
    })
}
