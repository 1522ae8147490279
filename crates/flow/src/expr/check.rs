//! From text to a syntax tree that holds nothing but what is allowed.

use std::ops::Range;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Parser, Pattern, Term};
use jaq_core::load::{Lexer, lex, parse};
use jaq_core::path::{Part, Path};

use super::{allow, guard};

/// An expression that may be evaluated.
#[derive(Debug, Clone)]
pub struct Checked<'s> {
    pub(super) term: Term<&'s str>,
    pub uses: Vec<Use<'s>>,
}

/// A path that begins with one of the product's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'s> {
    pub root: &'s str,
    /// The names after it, up to the first part that is no plain name. `[]` and indexes are `None`.
    pub path: Vec<Option<&'s str>>,
    /// Where the root stands in the source, in bytes.
    pub at: usize,
}

/// What is wrong with an expression, and where, in bytes of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    pub span: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
    pub kind: ExprErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExprErrorKind {
    Syntax,
    Function,
    Variable,
    Limit,
}

impl ExprError {
    pub(super) fn at(span: Range<usize>, message: &str) -> Self {
        Self { span, message: message.to_owned(), hint: None, kind: ExprErrorKind::Limit }
    }
}

impl<'s> Checked<'s> {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(source: &'s str) -> Result<Self, ExprError> {
        guard::guard(source)?;
        if source.trim().is_empty() {
            return Err(syntax(source, source, "an empty expression".to_owned()));
        }
        let tokens = Lexer::new(source).lex().map_err(|errors| lex_error(source, &errors))?;
        let term = Parser::new(&tokens).parse(|p| p.term()).map_err(|errors| parse_error(source, &errors))?;
        let mut check = Check { source, uses: Vec::new(), variables: Vec::new() };
        check.term(&term)?;
        Ok(Self { term, uses: check.uses })
    }
}

/// Where a part of the source begins in it.
fn offset(source: &str, part: &str) -> usize {
    (part.as_ptr() as usize).wrapping_sub(source.as_ptr() as usize).min(source.len())
}

fn span(source: &str, part: &str) -> Range<usize> {
    let start = offset(source, part);
    start..(start + part.len()).min(source.len())
}

fn syntax(source: &str, part: &str, message: String) -> ExprError {
    ExprError { span: span(source, part), message, hint: None, kind: ExprErrorKind::Syntax }
}

fn lex_error(source: &str, errors: &[lex::Error<&str>]) -> ExprError {
    let Some((expected, found)) = errors.first() else {
        return syntax(source, source, "cannot be read".to_owned());
    };
    let first = found.chars().next().map_or(0, char::len_utf8);
    operators_of_jq(syntax(source, &found[..first], format!("expected {}", expected.as_str())), source)
}

fn operators_of_jq(mut error: ExprError, source: &str) -> ExprError {
    if source.contains("&&") || source.contains("||") {
        error.hint = Some("write `and`, `or`, `not`".to_owned());
    }
    error
}

fn parse_error<'s>(
    source: &'s str,
    errors: &[parse::Error<&'s str, Option<&lex::Token<&'s str>>>],
) -> ExprError {
    let Some((expected, found)) = errors.first() else {
        return syntax(source, source, "cannot be read".to_owned());
    };
    let part = lex::Token::opt_as_str(*found, source);
    let message = match found {
        Some(token) => {
            let shown: String = token.as_str().chars().take(20).collect();
            format!("expected {}, found `{shown}`", expected.as_str())
        }
        None => format!("expected {}, found the end", expected.as_str()),
    };
    operators_of_jq(syntax(source, part, message), source)
}

struct Check<'s> {
    source: &'s str,
    uses: Vec<Use<'s>>,
    variables: Vec<&'s str>,
}

impl<'s> Check<'s> {
    fn term(&mut self, term: &Term<&'s str>) -> Result<(), ExprError> {
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Arr(None) => Ok(()),
            Term::Str(format, parts) => {
                if let Some(format) = format {
                    self.call(format, 0)?;
                }
                self.parts(parts)
            }
            Term::Arr(Some(inner)) | Term::Neg(inner) => self.term(inner),
            Term::Obj(pairs) => pairs.iter().try_for_each(|(key, value)| {
                self.term(key)?;
                value.as_ref().map_or(Ok(()), |value| self.term(value))
            }),
            Term::BinOp(left, BinaryOp::Pipe(Some(pattern)), right) => {
                self.term(left)?;
                self.binding(pattern, |check| check.term(right))
            }
            Term::BinOp(left, _, right) => {
                self.term(left)?;
                self.term(right)
            }
            Term::Label(name, inner) => self.with(&[*name], |check| check.term(inner)),
            Term::Break(name) | Term::Var(name) => self.variable(name),
            Term::Fold(_, over, pattern, arguments) => {
                self.term(over)?;
                self.binding(pattern, |check| arguments.iter().try_for_each(|argument| check.term(argument)))
            }
            Term::TryCatch(inner, catch) => {
                self.term(inner)?;
                catch.as_ref().map_or(Ok(()), |catch| self.term(catch))
            }
            Term::IfThenElse(cases, otherwise) => {
                for (condition, then) in cases {
                    self.term(condition)?;
                    self.term(then)?;
                }
                otherwise.as_ref().map_or(Ok(()), |otherwise| self.term(otherwise))
            }
            Term::Def(definitions, _) => {
                let name = definitions.first().map_or(self.source, |definition| definition.name);
                let mut error = self.error(name, "expressions define no functions".to_owned());
                error.kind = ExprErrorKind::Function;
                Err(error)
            }
            Term::Call(name, arguments) => {
                self.call(name, arguments.len())?;
                self.root(name, arguments, &[]);
                arguments.iter().try_for_each(|argument| self.term(argument))
            }
            Term::Path(head, Path(parts)) => {
                match &**head {
                    Term::Call(name, arguments) if arguments.is_empty() => {
                        self.call(name, 0)?;
                        self.root(name, arguments, parts);
                    }
                    head => self.term(head)?,
                }
                parts.iter().try_for_each(|(part, _)| match part {
                    Part::Index(index) => self.term(index),
                    Part::Range(from, to) => {
                        [from, to].into_iter().flatten().try_for_each(|bound| self.term(bound))
                    }
                })
            }
        }
    }

    fn parts(&mut self, parts: &[StrPart<&'s str, Term<&'s str>>]) -> Result<(), ExprError> {
        parts.iter().try_for_each(|part| match part {
            StrPart::Term(inner) => self.term(inner),
            StrPart::Str(_) | StrPart::Char(_) => Ok(()),
        })
    }

    fn root(
        &mut self,
        name: &'s str,
        arguments: &[Term<&'s str>],
        parts: &[(Part<Term<&'s str>>, jaq_core::path::Opt)],
    ) {
        if !arguments.is_empty() || !allow::ROOTS.contains(&name) {
            return;
        }
        let path = parts.iter().map(|(part, _)| match part {
            Part::Index(Term::Str(None, text)) => match text.as_slice() {
                [StrPart::Str(name)] => Some(*name),
                _ => None,
            },
            _ => None,
        });
        self.uses.push(Use { root: name, path: path.collect(), at: offset(self.source, name) });
    }

    fn call(&self, name: &'s str, arguments: usize) -> Result<(), ExprError> {
        if allow::is_allowed(name, arguments) {
            return Ok(());
        }
        let known = allow::FUNCTIONS.iter().map(|(name, _)| *name);
        let arities: Vec<String> = allow::FUNCTIONS
            .iter()
            .filter(|(known, _)| *known == name)
            .map(|(_, arguments)| arguments.to_string())
            .collect();
        let (message, hint) = if let Some(reason) = allow::reason(name) {
            (format!("`{name}` is not available in workflows"), Some(reason.to_owned()))
        } else if !arities.is_empty() {
            let arities = arities.join(" or ");
            (format!("`{name}` takes {arities} arguments, not {arguments}"), None)
        } else {
            let near = allow::suggest(name, known.chain(allow::ROOTS.iter().copied()));
            (format!("no function `{name}`"), near.map(|near| format!("did you mean `{near}`?")))
        };
        let mut error = self.error(name, message);
        (error.hint, error.kind) = (hint, ExprErrorKind::Function);
        Err(error)
    }

    fn variable(&self, name: &'s str) -> Result<(), ExprError> {
        if self.variables.contains(&name) {
            return Ok(());
        }
        let mut error = self.error(name, format!("no variable `{name}` here"));
        error.kind = ExprErrorKind::Variable;
        error.hint = allow::reason(name).map(str::to_owned).or_else(|| {
            let known = self.variables.iter().copied();
            allow::suggest(name, known).map(|near| format!("did you mean `{near}`?"))
        });
        Err(error)
    }

    fn binding(
        &mut self,
        pattern: &Pattern<&'s str>,
        inside: impl FnOnce(&mut Self) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        let mut names = Vec::new();
        self.pattern(pattern, &mut names)?;
        self.with(&names, inside)
    }

    fn pattern(&mut self, pattern: &Pattern<&'s str>, names: &mut Vec<&'s str>) -> Result<(), ExprError> {
        match pattern {
            Pattern::Var(name) => names.push(name),
            Pattern::Arr(inner) => {
                for pattern in inner {
                    self.pattern(pattern, names)?;
                }
            }
            Pattern::Obj(pairs) => {
                for (key, pattern) in pairs {
                    self.term(key)?;
                    self.pattern(pattern, names)?;
                }
            }
        }
        Ok(())
    }

    fn with(
        &mut self,
        names: &[&'s str],
        inside: impl FnOnce(&mut Self) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        let before = self.variables.len();
        self.variables.extend(names);
        let result = inside(self);
        self.variables.truncate(before);
        result
    }

    fn error(&self, part: &str, message: String) -> ExprError {
        syntax(self.source, part, message)
    }
}
