//! Full jq. To be called where its death harms nobody: in a child process under limits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use domain::limits;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::path::{Part, Path};
use jaq_core::{Compiler, Ctx, Filter, Vars, data, native, ops, unwrap_valr};
use jaq_json::{Num, Val};
use serde_json::{Map, Number, Value};

use super::{Checked, Env, Stop, allow, failure, fill, told};
use crate::ir::Template;
use crate::run::Failure;

type Data = data::JustLut<Val>;

/// Programs that a thread keeps compiled. A workflow's steps come back to the same few.
const CACHED_MAX: usize = 256;
const CHECKED: &str = "!checked";
const DIVISOR: &str = "!divisor";
const MAIN: &str = "workflow_main";
const OPERAND: &str = "$operand!";

/// The value of a template, whatever stands in it.
///
/// Uses as much time and memory as the expressions ask for: the caller's process is bounded, not this function.
pub fn evaluate(template: &Template, env: &Env) -> Result<Value, Failure> {
    let result = fill(template, &mut |source| {
        run(source, env).map_err(|message| Stop::Failed(told(source, env, message)))
    });
    match result {
        Ok(value) => value.check().map(|()| value).map_err(failure),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::NeedsSandbox) => Err(failure("not evaluated")),
    }
}

thread_local! {
    static CACHE: RefCell<HashMap<String, Rc<Filter<Data>>>> = RefCell::new(HashMap::new());
}

fn run(source: &str, env: &Env) -> Result<Value, String> {
    let filter = CACHE.with_borrow(|cache| cache.get(source).map(Rc::clone));
    let filter = match filter {
        Some(filter) => filter,
        None => {
            let filter = Rc::new(compile(source)?);
            CACHE.with_borrow_mut(|cache| {
                if cache.len() >= CACHED_MAX {
                    cache.clear();
                }
                cache.insert(source.to_owned(), Rc::clone(&filter));
            });
            filter
        }
    };
    let roots = allow::ROOTS.iter().map(|name| to_jaq(&env.root(name))).collect::<Result<Vec<_>, _>>()?;
    let ctx = Ctx::<Data>::new(&filter.lut, Vars::new(roots));
    let mut outputs = filter.id.run((ctx, Val::Null)).map(unwrap_valr);
    let first = outputs.next().ok_or("it yields nothing; an expression yields one value")?;
    let first = first.map_err(|error| error.to_string())?;
    if let Some(second) = outputs.next() {
        second.map_err(|error| error.to_string())?;
        return Err("it yields more than one value; put it in brackets to make an array".to_owned());
    }
    from_jaq(&first, 0)
}

fn compile(source: &str) -> Result<Filter<Data>, String> {
    let checked = Checked::parse(source).map_err(|error| error.message)?;
    let library = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let library =
        library.filter(|def| !matches!(def.name, "halt" | "halt_error")).map(|def| match def.name {
            // `add` sums what a user gave it.
            "add" => Def { body: strict(def.body), ..def },
            _ => def,
        });
    let roots = allow::ROOTS.iter().map(|name| define(name, Term::Var(variable(name))));
    let prelude: Vec<Def<&str>> = library.chain(roots).chain([define(MAIN, strict(checked.term))]).collect();
    let natives = jaq_core::funs::<Data>()
        .chain(jaq_std::funs::<Data>())
        .chain(jaq_json::funs::<Data>())
        .filter(|(name, ..)| !matches!(*name, "env" | "now" | "halt"))
        .chain(checks());
    let arena = Arena::default();
    // The program calls a definition: the author's text is not read a second time.
    let modules = Loader::new(prelude)
        .load(&arena, File { code: MAIN, path: () })
        .map_err(|_| "the expression cannot be loaded".to_owned())?;
    Compiler::default()
        .with_funs(natives)
        .with_global_vars(allow::ROOTS.iter().map(|name| variable(name)))
        .compile(modules)
        .map_err(|errors| {
            let undefined = errors.iter().flat_map(|(_, errors)| errors);
            let undefined = undefined.map(|(name, what)| format!("undefined {} {name}", what.as_str()));
            undefined.collect::<Vec<_>>().join(", ")
        })
}

fn define<'s>(name: &'s str, body: Term<&'s str>) -> Def<&'s str> {
    Def { name, args: Vec::new(), body }
}

fn variable(root: &str) -> &'static str {
    match root {
        "body" => "$body",
        "steps" => "$steps",
        "item" => "$item",
        "index" => "$index",
        "secrets" => "$secrets",
        _ => "$run",
    }
}

/// The functions behind [`strict`].
fn checks() -> impl Iterator<Item = native::Fun<Data>> {
    let checked: native::Filter<jaq_core::RunPtr<Data>> = (CHECKED, native::v(0), |cv| {
        let verdict = match &cv.1 {
            Val::Num(Num::BigInt(_)) => Err("a whole number past 64 bits"),
            Val::Num(Num::Float(number)) if !number.is_finite() => Err("not a finite number"),
            _ => Ok(()),
        };
        native::bome(verdict.map(|()| cv.1).map_err(jaq_core::Error::str))
    });
    let divisor: native::Filter<jaq_core::RunPtr<Data>> = (DIVISOR, native::v(0), |cv| {
        let zero = matches!(&cv.1, Val::Num(number) if *number == Num::Int(0));
        native::bome(if zero { Err(jaq_core::Error::str("division by zero")) } else { Ok(cv.1) })
    });
    [checked, divisor].into_iter().map(|filter| native::run::<Data>(filter))
}

/// The same expression with every number that arithmetic makes checked, and every divisor.
///
/// Only adds `| !checked` behind an operator and `| !divisor` behind a divisor, which change neither the order of
/// evaluation nor what is yielded; `l += r` becomes what jq defines it to be.
fn strict<'s>(term: Term<&'s str>) -> Term<&'s str> {
    let boxed = |term: Box<Term<&'s str>>| Box::new(strict(*term));
    match term {
        Term::BinOp(left, BinaryOp::Math(op), right) => arithmetic(strict(*left), op, strict(*right)),
        Term::BinOp(left, BinaryOp::UpdateMath(op), right) => {
            let update = arithmetic(Term::Id, op, Term::Var(OPERAND));
            let update = Term::BinOp(boxed(left), BinaryOp::Update, Box::new(update));
            Term::BinOp(boxed(right), BinaryOp::Pipe(Some(Pattern::Var(OPERAND))), Box::new(update))
        }
        Term::BinOp(left, BinaryOp::Pipe(Some(names)), right) => {
            Term::BinOp(boxed(left), BinaryOp::Pipe(Some(strict_pattern(names))), boxed(right))
        }
        Term::BinOp(left, op, right) => Term::BinOp(boxed(left), op, boxed(right)),
        Term::Neg(inner) => then(Term::Neg(boxed(inner)), CHECKED),
        Term::Call(name, arguments) => {
            let numeric = allow::NUMERIC.contains(&name);
            let call = Term::Call(name, arguments.into_iter().map(strict).collect());
            if numeric { then(call, CHECKED) } else { call }
        }
        Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(strict_part).collect()),
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Obj(pairs) => {
            Term::Obj(pairs.into_iter().map(|(key, value)| (strict(key), value.map(strict))).collect())
        }
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(kind, over, pattern, arguments) => {
            let arguments = arguments.into_iter().map(strict).collect();
            Term::Fold(kind, boxed(over), strict_pattern(pattern), arguments)
        }
        Term::TryCatch(inner, catch) => Term::TryCatch(boxed(inner), catch.map(boxed)),
        Term::IfThenElse(cases, otherwise) => Term::IfThenElse(
            cases.into_iter().map(|(condition, then)| (strict(condition), strict(then))).collect(),
            otherwise.map(boxed),
        ),
        Term::Path(head, Path(parts)) => {
            let parts = parts.into_iter().map(|(part, optional)| {
                let part = match part {
                    Part::Index(index) => Part::Index(strict(index)),
                    Part::Range(from, to) => Part::Range(from.map(strict), to.map(strict)),
                };
                (part, optional)
            });
            Term::Path(boxed(head), Path(parts.collect()))
        }
        term @ (Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Def(..)) => {
            term
        }
    }
}

fn strict_part<'s>(part: StrPart<&'s str, Term<&'s str>>) -> StrPart<&'s str, Term<&'s str>> {
    match part {
        StrPart::Term(term) => StrPart::Term(strict(term)),
        other => other,
    }
}

fn strict_pattern(pattern: Pattern<&str>) -> Pattern<&str> {
    match pattern {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(inner) => Pattern::Arr(inner.into_iter().map(strict_pattern).collect()),
        Pattern::Obj(pairs) => Pattern::Obj(
            pairs.into_iter().map(|(key, pattern)| (strict(key), strict_pattern(pattern))).collect(),
        ),
    }
}

fn arithmetic<'s>(left: Term<&'s str>, op: ops::Math, right: Term<&'s str>) -> Term<&'s str> {
    let right = if matches!(op, ops::Math::Div | ops::Math::Rem) { then(right, DIVISOR) } else { right };
    then(Term::BinOp(Box::new(left), BinaryOp::Math(op), Box::new(right)), CHECKED)
}

fn then<'s>(term: Term<&'s str>, function: &'static str) -> Term<&'s str> {
    Term::BinOp(Box::new(term), BinaryOp::Pipe(None), Box::new(Term::Call(function, Vec::new())))
}

pub(super) fn to_jaq(value: &Value) -> Result<Val, String> {
    serde::Deserialize::deserialize(value).map_err(|error: serde_json::Error| error.to_string())
}

/// Back to JSON, where it is one.
fn from_jaq(value: &Val, depth: usize) -> Result<Value, String> {
    if depth > limits::EXPRESSION_DEPTH_MAX {
        return Err("the value is nested more than 100 deep".to_owned());
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(value) => Value::Bool(*value),
        Val::Num(Num::Int(number)) => Value::from(*number as i64),
        Val::Num(Num::BigInt(_)) => return Err(PAST_64_BITS.to_owned()),
        Val::Num(Num::Float(number)) => float(*number)?,
        Val::Num(Num::Dec(digits)) => float(digits.parse().map_err(|_| NOT_FINITE)?)?,
        Val::TStr(bytes) | Val::BStr(bytes) => Value::String(utf8(bytes)?),
        Val::Arr(items) => {
            Value::Array(items.iter().map(|item| from_jaq(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Val::Obj(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs.iter() {
                let Val::TStr(key) = key else {
                    return Err("the keys of an object must be texts".to_owned());
                };
                map.insert(utf8(key)?, from_jaq(value, depth + 1)?);
            }
            Value::Object(map)
        }
    })
}

const PAST_64_BITS: &str = "a whole number past 64 bits";
const NOT_FINITE: &str = "not a finite number";

fn float(number: f64) -> Result<Value, String> {
    Number::from_f64(number).map(Value::Number).ok_or_else(|| NOT_FINITE.to_owned())
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "bytes that are no UTF-8 text".to_owned())
}

/// Values that may leave an expression.
pub(super) trait Checkable {
    /// Bounded in depth and size, and no number that 64 bits cannot hold.
    fn check(&self) -> Result<(), String>;
}

impl Checkable for Value {
    fn check(&self) -> Result<(), String> {
        let mut left = limits::EXPRESSION_RESULT_BYTES_MAX;
        measure(self, 0, &mut left)
    }
}

fn measure(value: &Value, depth: usize, left: &mut usize) -> Result<(), String> {
    if depth > limits::EXPRESSION_DEPTH_MAX {
        return Err("the value is nested more than 100 deep".to_owned());
    }
    let mut take = |bytes: usize| {
        *left = left.checked_sub(bytes).ok_or("the value is larger than 4 MB")?;
        Ok::<(), String>(())
    };
    match value {
        Value::Null | Value::Bool(_) => take(4),
        Value::Number(number) if number.is_u64() && number.as_i64().is_none() => Err(PAST_64_BITS.to_owned()),
        Value::Number(_) => take(8),
        Value::String(text) => take(text.len() + 2),
        Value::Array(items) => {
            take(2)?;
            items.iter().try_for_each(|item| measure(item, depth + 1, left))
        }
        Value::Object(pairs) => {
            take(2)?;
            pairs.iter().try_for_each(|(key, value)| {
                *left = left.checked_sub(key.len() + 3).ok_or("the value is larger than 4 MB")?;
                measure(value, depth + 1, left)
            })
        }
    }
}
