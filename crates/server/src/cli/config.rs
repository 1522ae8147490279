//! `plextera config print`: what the server would run with, and where each value came from.

use super::SettingsArguments;
use crate::{
    settings::{Origin, SETTINGS},
    terminal,
};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Show the settings
#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print every setting with its value and where it came from; secrets are not shown
    Print(Print),
}

#[derive(Debug, Args)]
struct Print {
    #[command(flatten)]
    settings: SettingsArguments,
    /// As a JSON object
    #[arg(long)]
    json: bool,
}

impl Config {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Action::Print(print) = self.action;
        let loaded = print.settings.load(None)?;
        let rows = SETTINGS.iter().map(|setting| {
            let origin =
                loaded.origins.get(setting.key).map_or_else(|| "default".to_owned(), Origin::to_string);
            (setting, setting.shown(&loaded.settings), origin)
        });
        let mut stdout = terminal::stdout();
        if print.json {
            let entry = |(setting, value, origin): (&crate::settings::Setting, String, String)| {
                (setting.key.to_owned(), serde_json::json!({"value": value, "from": origin}))
            };
            let object: serde_json::Map<_, _> = rows.map(entry).collect();
            stdout.line(serde_json::to_string_pretty(&object)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = terminal::table(["setting", "value", "from", "what it is"]);
        for (setting, value, origin) in rows {
            let value = if value.is_empty() { "-" } else { &value };
            table.add_row([setting.key, value, &origin, setting.help]);
        }
        stdout.table(&table)?;
        Ok(ExitCode::SUCCESS)
    }
}
