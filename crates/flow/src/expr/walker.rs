//! Paths, literals, comparisons, `and`, `or` and `not`, without jq's machinery.
//!
//! Every part of it reads at most what the environment holds, once, and all parts together no more than a bound; nothing
//! grows. What it does not know, and what is too much, it declines.

use std::cmp::Ordering;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Cmp;
use jaq_core::path::{Opt, Part};
use serde_json::Value;

use super::jaq::{self, Checkable};
use super::{Checked, Env};

/// An expression that can be evaluated in the server's process.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain<'s> {
    Literal(Value),
    Path(&'s str, Vec<Segment>),
    Compare(Comparison, Box<Plain<'s>>, Box<Plain<'s>>),
    And(Box<Plain<'s>>, Box<Plain<'s>>),
    Or(Box<Plain<'s>>, Box<Plain<'s>>),
    Not(Box<Plain<'s>>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Segment {
    Field(String),
    Index(i64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl<'s> Plain<'s> {
    /// `None`: more than the walker can do.
    pub fn of(checked: &Checked<'s>) -> Option<Self> {
        Self::term(&checked.term)
    }

    fn term(term: &Term<&'s str>) -> Option<Self> {
        Some(match term {
            Term::Id => Self::Literal(Value::Null),
            Term::Num(digits) => Self::Literal(Value::from(digits.parse::<i64>().ok()?)),
            Term::Neg(inner) => match Self::term(inner)? {
                Self::Literal(Value::Number(number)) => {
                    Self::Literal(Value::from(number.as_i64()?.checked_neg()?))
                }
                _ => return None,
            },
            Term::Str(None, parts) => Self::Literal(Value::String(text(parts)?)),
            Term::Arr(None) => Self::Literal(Value::Array(Vec::new())),
            Term::Obj(pairs) if pairs.is_empty() => Self::Literal(Value::Object(Default::default())),
            Term::Call(name, arguments) if arguments.is_empty() => match *name {
                "null" => Self::Literal(Value::Null),
                "true" => Self::Literal(Value::Bool(true)),
                "false" => Self::Literal(Value::Bool(false)),
                root if super::allow::ROOTS.contains(&root) => Self::Path(root, Vec::new()),
                _ => return None,
            },
            Term::Path(head, path) => {
                let Self::Path(root, mut segments) = Self::term(head)? else { return None };
                for (part, optional) in &path.0 {
                    match (part, optional) {
                        (Part::Index(index), Opt::Essential) => segments.push(segment(index)?),
                        _ => return None,
                    }
                }
                Self::Path(root, segments)
            }
            Term::BinOp(left, BinaryOp::Pipe(None), right) => match &**right {
                Term::Call("not", arguments) if arguments.is_empty() => {
                    Self::Not(Box::new(Self::term(left)?))
                }
                _ => return None,
            },
            Term::BinOp(left, operator, right) => {
                let (left, right) = (Box::new(Self::term(left)?), Box::new(Self::term(right)?));
                match operator {
                    BinaryOp::And => Self::And(left, right),
                    BinaryOp::Or => Self::Or(left, right),
                    BinaryOp::Cmp(comparison) => Self::Compare(Comparison::from(*comparison), left, right),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// `left`: bytes of data that may still be read; what is read is taken from it.
    pub fn value(&self, env: &Env, left: &mut usize) -> Result<Value, Declined> {
        let value = self.look(env, left)?;
        match self {
            // What came from outside may hold numbers that no expression may yield.
            Self::Path(..) => value.check().map(|()| value).map_err(Declined::Failed),
            _ => Ok(value),
        }
    }

    fn look(&self, env: &Env, left: &mut usize) -> Result<Value, Declined> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Path(root, segments) => {
                let found = follow(env, root, segments)?;
                match &found {
                    Found::Value(value) => spend(value, left)?,
                    Found::Root(map) => map.values().try_for_each(|value| spend(value, left))?,
                }
                found.to_value()
            }
            Self::Compare(comparison, one, other) => {
                // In jq the right side is evaluated first; only which error is told depends on it.
                let other = jaq::to_jaq(&other.look(env, left)?)?;
                let one = jaq::to_jaq(&one.look(env, left)?)?;
                Value::Bool(match comparison {
                    Comparison::Equal => one == other,
                    Comparison::Unequal => one != other,
                    Comparison::Less => one.cmp(&other) == Ordering::Less,
                    Comparison::LessOrEqual => one.cmp(&other) != Ordering::Greater,
                    Comparison::Greater => one.cmp(&other) == Ordering::Greater,
                    Comparison::GreaterOrEqual => one.cmp(&other) != Ordering::Less,
                })
            }
            Self::And(one, other) => {
                Value::Bool(truth(&one.look(env, left)?) && truth(&other.look(env, left)?))
            }
            Self::Or(one, other) => {
                Value::Bool(truth(&one.look(env, left)?) || truth(&other.look(env, left)?))
            }
            Self::Not(inner) => Value::Bool(!truth(&inner.look(env, left)?)),
        })
    }
}

/// Why the walker has no value.
pub(super) enum Declined {
    /// It would have to read more than the server's process should.
    TooMuch,
    Failed(String),
}

impl From<String> for Declined {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

/// Takes the size of a value from what may still be read.
fn spend(value: &Value, left: &mut usize) -> Result<(), Declined> {
    let bytes = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 8,
        Value::Array(_) => 8,
        Value::Object(pairs) => pairs.keys().map(|key| key.len() + 8).sum(),
    };
    *left = left.checked_sub(bytes).ok_or(Declined::TooMuch)?;
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| spend(item, left)),
        Value::Object(pairs) => pairs.values().try_for_each(|value| spend(value, left)),
        _ => Ok(()),
    }
}

impl From<Cmp> for Comparison {
    fn from(comparison: Cmp) -> Self {
        match comparison {
            Cmp::Eq => Self::Equal,
            Cmp::Ne => Self::Unequal,
            Cmp::Lt => Self::Less,
            Cmp::Le => Self::LessOrEqual,
            Cmp::Gt => Self::Greater,
            Cmp::Ge => Self::GreaterOrEqual,
        }
    }
}

fn text(parts: &[StrPart<&str, Term<&str>>]) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(literal) => text.push_str(literal),
            StrPart::Char(character) => text.push(*character),
            StrPart::Term(_) => return None,
        }
    }
    Some(text)
}

fn segment(index: &Term<&str>) -> Option<Segment> {
    match Plain::term(index)? {
        Plain::Literal(Value::String(name)) => Some(Segment::Field(name)),
        Plain::Literal(Value::Number(number)) => number.as_i64().map(Segment::Index),
        _ => None,
    }
}

fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// Where a path leads.
enum Found<'e> {
    Value(&'e Value),
    /// All steps or all secrets, which the environment holds as no value of its own.
    Root(&'e serde_json::Map<String, Value>),
}

impl Found<'_> {
    fn to_value(&self) -> Value {
        match self {
            Self::Value(value) => (*value).clone(),
            Self::Root(map) => Value::Object((*map).clone()),
        }
    }
}

/// A path, as jq follows it: null and missing give null, a wrong type is an error.
fn follow<'e>(env: &'e Env, root: &str, segments: &[Segment]) -> Result<Found<'e>, String> {
    const NULL: &Value = &Value::Null;
    let (mut here, rest): (&Value, &[Segment]) = match (root, segments) {
        ("steps", []) => return Ok(Found::Root(&env.steps)),
        ("secrets", []) => return Ok(Found::Root(&env.secrets)),
        ("steps", [Segment::Field(name), rest @ ..]) => (env.steps.get(name).unwrap_or(NULL), rest),
        ("secrets", [Segment::Field(name), rest @ ..]) => (env.secrets.get(name).unwrap_or(NULL), rest),
        ("steps" | "secrets", [Segment::Index(_), rest @ ..]) => (NULL, rest),
        ("body", _) => (&env.body, segments),
        ("item", _) => (&env.item, segments),
        ("index", _) => (&env.index, segments),
        ("run", _) => (&env.run, segments),
        _ => (NULL, segments),
    };
    for segment in rest {
        here = match (here, segment) {
            (Value::Null, _) => NULL,
            (Value::Object(map), Segment::Field(name)) => map.get(name).unwrap_or(NULL),
            (Value::Object(_), Segment::Index(_)) => NULL,
            (Value::Array(items), Segment::Index(index)) => {
                let at = if *index < 0 { index.checked_add(items.len() as i64) } else { Some(*index) };
                at.and_then(|at| usize::try_from(at).ok()).and_then(|at| items.get(at)).unwrap_or(NULL)
            }
            (other, Segment::Field(name)) => {
                return Err(format!("cannot read `{name}` of {}", kind(other)));
            }
            (other, Segment::Index(index)) => {
                return Err(format!("cannot read element {index} of {}", kind(other)));
            }
        };
    }
    Ok(Found::Value(here))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
