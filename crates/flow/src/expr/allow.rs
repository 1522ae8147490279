//! The functions that expressions may call. Whatever is not here does not exist.
//!
//! Left out: what reads the machine (`env`, `now`, `localtime`, `input`), what ends or logs (`halt`, `debug`, `stderr`), what
//! has no end of its own (`range`, `repeat`, `until`, `while`, `recurse(f)`), `def`, and numbers that JSON cannot hold
//! (`nan`, `infinite`).

/// Name and number of arguments.
pub(super) const FUNCTIONS: &[(&str, usize)] = &[
    ("abs", 0),
    ("add", 0),
    ("add", 1),
    ("all", 0),
    ("all", 1),
    ("all", 2),
    ("any", 0),
    ("any", 1),
    ("any", 2),
    ("arrays", 0),
    ("ascii_downcase", 0),
    ("ascii_upcase", 0),
    ("booleans", 0),
    ("capture", 1),
    ("capture", 2),
    ("ceil", 0),
    ("contains", 1),
    ("del", 1),
    ("delpaths", 1),
    ("empty", 0),
    ("endswith", 1),
    ("error", 0),
    ("error", 1),
    ("explode", 0),
    ("false", 0),
    ("first", 0),
    ("first", 1),
    ("flatten", 0),
    ("flatten", 1),
    ("floor", 0),
    ("from_entries", 0),
    ("fromdate", 0),
    ("fromdateiso8601", 0),
    ("fromjson", 0),
    ("getpath", 1),
    ("gmtime", 0),
    ("group_by", 1),
    ("gsub", 2),
    ("gsub", 3),
    ("has", 1),
    ("implode", 0),
    ("in", 1),
    ("index", 1),
    ("indices", 1),
    ("inside", 1),
    ("isboolean", 0),
    ("isempty", 1),
    ("isnumber", 0),
    ("isstring", 0),
    ("isarray", 0),
    ("isobject", 0),
    ("iterables", 0),
    ("join", 1),
    ("keys", 0),
    ("keys_unsorted", 0),
    ("last", 0),
    ("last", 1),
    ("length", 0),
    ("limit", 2),
    ("log", 0),
    ("log10", 0),
    ("log2", 0),
    ("ltrim", 0),
    ("ltrimstr", 1),
    ("map", 1),
    ("map_values", 1),
    ("match", 1),
    ("match", 2),
    ("max", 0),
    ("max_by", 1),
    ("min", 0),
    ("min_by", 1),
    ("mktime", 0),
    ("not", 0),
    ("nth", 1),
    ("nth", 2),
    ("null", 0),
    ("nulls", 0),
    ("numbers", 0),
    ("objects", 0),
    ("path", 1),
    ("paths", 0),
    ("paths", 1),
    ("pick", 1),
    ("pow", 2),
    ("reverse", 0),
    ("rindex", 1),
    ("round", 0),
    ("rtrim", 0),
    ("rtrimstr", 1),
    ("scalars", 0),
    ("scan", 1),
    ("scan", 2),
    ("select", 1),
    ("setpath", 2),
    ("skip", 2),
    ("sort", 0),
    ("sort_by", 1),
    ("split", 1),
    ("split", 2),
    ("splits", 1),
    ("splits", 2),
    ("sqrt", 0),
    ("startswith", 1),
    ("strftime", 1),
    ("strings", 0),
    ("strptime", 1),
    ("sub", 2),
    ("sub", 3),
    ("test", 1),
    ("test", 2),
    ("to_entries", 0),
    ("toboolean", 0),
    ("todate", 0),
    ("todateiso8601", 0),
    ("tojson", 0),
    ("tonumber", 0),
    ("tostring", 0),
    ("transpose", 0),
    ("trim", 0),
    ("true", 0),
    ("trunc", 0),
    ("type", 0),
    ("unique", 0),
    ("unique_by", 1),
    ("utf8bytelength", 0),
    ("values", 0),
    ("walk", 1),
    ("with_entries", 1),
    ("@base64", 0),
    ("@base64d", 0),
    ("@html", 0),
    ("@json", 0),
    ("@text", 0),
    ("@uri", 0),
    ("@urid", 0),
];

/// Names of the product.
pub(super) const ROOTS: &[&str] = &["body", "steps", "item", "index", "secrets", "run"];

/// Those whose result is a number that arithmetic made: it is checked like that of an operator.
pub(super) const NUMERIC: &[&str] = &[
    "abs", "ceil", "floor", "fromjson", "log", "log10", "log2", "pow", "round", "sqrt", "tonumber", "trunc",
];

pub(super) fn is_allowed(name: &str, arguments: usize) -> bool {
    FUNCTIONS.contains(&(name, arguments)) || (arguments == 0 && ROOTS.contains(&name))
}

/// Why a function that jq has is missing here.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    Some(match name {
        "now" | "localtime" | "strflocaltime" => {
            "use `run.now`, which stays the same when a run is taken over"
        }
        "env" | "input" | "inputs" | "input_filename" | "$__loc__" | "$ENV" => {
            "an expression sees only `body`, `steps`, `item`, `secrets` and `run`"
        }
        "range" | "repeat" | "until" | "while" | "recurse" | "recurse_down" => {
            "it has no end of its own; iterate over data with `.[]`, `map`, `reduce` or `for_each`"
        }
        "nan" | "infinite" | "isnan" | "isinfinite" => {
            "JSON has no such number; arithmetic that would make one fails"
        }
        "halt" | "halt_error" => "use `error(\"…\")`",
        "debug" | "stderr" | "input_line_number" => "an expression has no side effects",
        _ => return None,
    })
}

/// Longer names are not compared: the distance takes time and memory in the product of both lengths.
const COMPARED_BYTES_MAX: usize = 100;

/// The closest name, where one is close.
pub(crate) fn suggest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if wrong.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let near = |name: &&str| strsim::damerau_levenshtein(wrong, name);
    let best = names.into_iter().filter(|name| name.len() <= COMPARED_BYTES_MAX).min_by_key(near)?;
    let allowed = (wrong.chars().count().max(3) / 3).min(3);
    (near(&best) <= allowed && near(&best) > 0).then_some(best)
}
