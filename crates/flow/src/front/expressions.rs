//! What an expression names: steps that have ended, their outputs, secrets, the item of a loop.

use std::ops::Range;

use super::Front;
use super::fields::did_you_mean;
use super::scope::Shape;
use crate::diagnostics::Code;
use crate::expr::{ExprErrorKind, Use};

/// A name that means nothing here; `range` in bytes of the expression.
pub(super) struct Wrong {
    pub code: Code,
    pub range: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
}

pub(super) const fn code_of(kind: ExprErrorKind) -> Code {
    match kind {
        ExprErrorKind::Syntax => Code::ExpressionSyntax,
        ExprErrorKind::Function => Code::ExpressionFunction,
        ExprErrorKind::Variable => Code::ExpressionVariable,
        ExprErrorKind::Limit => Code::ExpressionLimit,
    }
}

impl Front<'_, '_> {
    pub(super) fn check_use(&self, used: &Use<'_>) -> Option<Wrong> {
        match used.root {
            "steps" => self.check_step(used),
            "secrets" => self.check_secret(used),
            "item" | "index" if self.scope.loops == 0 => {
                Some(wrong(Code::ItemOutsideLoop, used, format!("`{}` outside a `for_each`", used.root)))
            }
            "run" => {
                let shape = Shape::closed(&["id", "now", "status", "error", "workflowId"]);
                self.check_path(used, &shape, 0, "`run`")
            }
            _ => None,
        }
    }

    fn check_step(&self, used: &Use<'_>) -> Option<Wrong> {
        let Some(Some(id)) = used.path.first() else {
            return Some(wrong(Code::StepsDynamic, used, "`steps` without the id of a step".to_owned()));
        };
        let Some(output) = self.scope.shape(id) else {
            let exists = self.scope.all.contains(*id);
            let mut found = if exists {
                wrong(Code::StepNotVisible, used, format!("step `{id}` may not have ended here"))
            } else {
                wrong(Code::UnknownStep, used, format!("no step `{id}`"))
            };
            found.range = part(used, id);
            found.hint =
                if exists { None } else { did_you_mean(id, self.scope.all.iter().map(String::as_str)) };
            return Some(found);
        };
        let keys = [
            ("status", Shape::Any),
            ("output", output.clone()),
            ("error", Shape::closed(&["code", "message"])),
        ];
        let keys = keys.into_iter().map(|(key, shape)| (key.to_owned(), shape)).collect();
        let step = Shape::Object { keys, closed: true, fields_of_hub: false };
        self.check_path(used, &step, 1, &format!("step `{id}`"))
    }

    fn check_secret(&self, used: &Use<'_>) -> Option<Wrong> {
        if !self.scope.secrets_allowed {
            let message = "a secret outside the `with` of a `web_function`".to_owned();
            return Some(wrong(Code::SecretNotAllowed, used, message));
        }
        let Some(Some(name)) = used.path.first() else {
            return Some(wrong(Code::StepsDynamic, used, "`secrets` without the name of one".to_owned()));
        };
        if self.scope.secrets.iter().any(|known| known == name) {
            return None;
        }
        let mut found = wrong(Code::UnknownSecret, used, format!("`{name}` is not listed under `secrets`"));
        found.range = part(used, name);
        found.hint = did_you_mean(name, self.scope.secrets.iter().map(String::as_str));
        Some(found)
    }

    /// Follows the names from `depth` on as far as the shape is known.
    fn check_path(&self, used: &Use<'_>, shape: &Shape, depth: usize, what: &str) -> Option<Wrong> {
        let mut shape = shape;
        let mut what = what.to_owned();
        for name in used.path.iter().skip(depth) {
            let (Some(name), Shape::Object { keys, closed, fields_of_hub }) = (name, shape) else {
                return None;
            };
            match keys.get(*name) {
                Some(inner) => shape = inner,
                None if *closed => {
                    let (code, message) = if *fields_of_hub {
                        (Code::UnknownField, format!("the hub has no field `{name}`"))
                    } else {
                        (Code::UnknownOutput, format!("{what} has no `{name}`"))
                    };
                    let mut found = wrong(code, used, message);
                    found.range = part(used, name);
                    let known: Vec<&str> = keys.keys().map(String::as_str).collect();
                    found.hint = did_you_mean(name, known.iter().copied()).or_else(|| {
                        (known.len() <= 8 && !known.is_empty())
                            .then(|| format!("it has {}", known.join(", ")))
                    });
                    return Some(found);
                }
                None => return None,
            }
            what = format!("`{name}`");
        }
        None
    }
}

fn wrong(code: Code, used: &Use<'_>, message: String) -> Wrong {
    Wrong { code, range: used.at..used.at + used.root.len(), message, hint: None }
}

/// The place of a name of the path: names are slices of the expression that `used.root` is a slice of.
fn part(used: &Use<'_>, name: &str) -> Range<usize> {
    let ahead = (name.as_ptr() as usize).wrapping_sub(used.root.as_ptr() as usize);
    let start = used.at + ahead;
    start..start + name.len()
}
