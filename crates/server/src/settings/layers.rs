//! The sources of settings as texts under dotted names, and which of them wins.

use super::catalogue::{SETTINGS, Setting};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Variables that begin like settings but belong to single commands.
const OTHER_VARIABLES: [&str; 4] =
    ["PLEXTERA_API_KEY", "PLEXTERA_API_URL", "PLEXTERA_CONFIG", "PLEXTERA_SIGNING_SECRET"];
const PREFIX: &str = "PLEXTERA_";
/// Settings with a flag of their own; all others are reached by `--set`.
const FLAGS: [&str; 2] = ["data_dir", "listen"];

/// Everything that settings are read from. Nothing here looks at the process itself, so tests need no environment.
#[derive(Debug, Default)]
pub struct Sources {
    /// From the command line, under dotted names.
    pub flags: BTreeMap<String, String>,
    pub environment: Environment,
    /// The path and the text of `plextera.toml`.
    pub file: Option<(PathBuf, String)>,
}

/// The environment's variables that begin with `PLEXTERA_`.
#[derive(Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Of this process. A variable that is not UTF-8 is taken with replacement characters, and then fails to parse.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        let texts = variables.map(|(name, value)| (lossy(&name), lossy(&value)));
        Self(texts.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }

    #[cfg(test)]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(owned.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }
}

fn lossy(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(String),
    Variable(String),
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(key) if FLAGS.contains(&key.as_str()) => write!(f, "--{}", key.replace('_', "-")),
            Origin::Flag(key) => write!(f, "--set {key}"),
            Origin::Variable(name) => f.write_str(name),
            Origin::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A text that a source gives for a setting.
#[derive(Debug)]
pub struct Given {
    pub text: String,
    pub origin: Origin,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("unknown setting {name} in {place}{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_else(|| "; `plextera config print` lists all settings".to_owned()))]
    Unknown { name: String, place: &'static str, nearest: Option<String> },
    #[error("{place}: {issue}")]
    Value { place: String, issue: String },
    #[error("{} is not valid TOML: {source}", path.display())]
    Syntax { path: PathBuf, source: Box<toml::de::Error> },
}

impl Unusable {
    /// A text that the setting cannot take.
    pub fn value(given: &Given, setting: &Setting, issue: String) -> Self {
        let place = match &given.origin {
            Origin::File(path) => format!("{} in {}", setting.key, path.display()),
            origin => origin.to_string(),
        };
        Self::Value { place, issue }
    }

    fn unknown(name: &str, place: &'static str, key: &str, spelled: impl Fn(&Setting) -> String) -> Self {
        let near = SETTINGS.iter().map(|setting| (strsim::jaro_winkler(setting.key, key), setting));
        let near = near.filter(|(likeness, _)| *likeness > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b));
        Self::Unknown { name: name.to_owned(), place, nearest: near.map(|(_, setting)| spelled(setting)) }
    }
}

/// A setting and the text that counts for it.
type Winner = (&'static Setting, Given);

/// For each setting that any source names, the text that counts; and the variables that are no setting. Those are not
/// refused, because the prefix is shared: clients and scripts of a machine have variables of their own.
pub fn winners(sources: &Sources) -> Result<(Vec<Winner>, Vec<Unusable>), Unusable> {
    let mut ignored = Vec::new();
    let mut given: BTreeMap<&'static str, Winner> = BTreeMap::new();
    let mut take = |setting: &'static Setting, text: String, origin: Origin| {
        given.insert(setting.key, (setting, Given { text, origin }));
    };
    if let Some((path, text)) = &sources.file {
        let table: toml::Table = text
            .parse()
            .map_err(|source| Unusable::Syntax { path: path.clone(), source: Box::new(source) })?;
        for (key, text) in flatten("", &table) {
            let setting = find(&key).ok_or_else(|| {
                Unusable::unknown(&key, "plextera.toml", &key, |setting| setting.key.to_owned())
            })?;
            take(setting, text, Origin::File(path.clone()));
        }
    }
    for (name, text) in &sources.environment.0 {
        if OTHER_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let key = name[PREFIX.len()..].replace("__", ".").to_ascii_lowercase();
        match find(&key) {
            Some(setting) => take(setting, text.clone(), Origin::Variable(name.clone())),
            None => ignored.push(Unusable::unknown(name, "the environment", &key, Setting::variable)),
        }
    }
    for (key, text) in &sources.flags {
        let setting = find(key)
            .ok_or_else(|| Unusable::unknown(key, "--set", key, |setting| setting.key.to_owned()))?;
        take(setting, text.clone(), Origin::Flag(key.clone()));
    }
    Ok((given.into_values().collect(), ignored))
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Every leaf of a table under its dotted name; an array is its items joined by commas.
fn flatten(prefix: &str, table: &toml::Table) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => leaves.extend(flatten(&key, inner)),
            toml::Value::Array(items) => {
                leaves.push((key, items.iter().map(text).collect::<Vec<_>>().join(",")))
            }
            leaf => leaves.push((key, text(leaf))),
        }
    }
    leaves
}

fn text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
