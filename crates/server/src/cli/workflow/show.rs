//! How a run is shown: a line per step, marked by how it stands.

use crate::terminal::{self, Style, Terminal};
use comfy_table::Table;
use serde_json::Value;
use std::io::Write;

/// What is shown of a step.
pub struct Step {
    pub id: String,
    name: Option<String>,
    kind: String,
    pub status: String,
    message: Option<String>,
    /// How many nested runs there are, and how many of those shown have ended.
    nested: Option<(u64, usize)>,
}

pub fn steps(run: &Value) -> Vec<Step> {
    run["steps"].as_array().into_iter().flatten().map(step).collect()
}

fn step(value: &Value) -> Step {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let nested = value["nestedRuns"]["count"].as_u64().filter(|count| *count > 0).map(|count| {
        let runs = value["nestedRuns"]["data"].as_array().into_iter().flatten();
        (count, runs.filter(|run| run["status"] != "PROCESSING").count())
    });
    let id = text("id").unwrap_or_default();
    let name = text("name").filter(|name| *name != id);
    let status = text("status").unwrap_or_default();
    Step { id, name, kind: text("type").unwrap_or_default(), status, message: text("message"), nested }
}

fn mark(status: &str) -> (&'static str, Style) {
    match status {
        "COMPLETED" => ("✓", Style::Good),
        "FAILED" => ("✗", Style::Bad),
        "SKIPPED" | "CLOSED" => ("-", Style::Dim),
        "QUEUED" => ("·", Style::Dim),
        _ => ("▸", Style::Warning),
    }
}

/// A step in one line.
pub fn line<W: Write>(step: &Step, terminal: &Terminal<W>) -> String {
    let (mark, style) = mark(&step.status);
    let name = step.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let nested =
        step.nested.map(|(count, ended)| format!(", {ended} of {count} runs ended")).unwrap_or_default();
    let message = step.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    let head = terminal.styled(style, mark);
    format!("{head} {}{name} {}{nested}{message}", step.id, step.status)
}

pub fn lines<W: Write>(run: &Value, terminal: &Terminal<W>) -> Vec<String> {
    steps(run).iter().map(|step| line(step, terminal)).collect()
}

/// All steps at the end.
pub fn table(run: &Value) -> Table {
    let mut table = terminal::table(["step", "type", "status", "message"]);
    for step in steps(run) {
        let nested = step.nested.map(|(count, _)| format!("{count} runs"));
        let message = step.message.or(nested).unwrap_or_default();
        let name = step.name.map_or_else(|| step.id.clone(), |name| format!("{} ({name})", step.id));
        table.add_row([name, step.kind, step.status, message]);
    }
    table
}

/// How the run ended, in one line.
pub fn end<W: Write>(run: &Value, terminal: &Terminal<W>) -> String {
    let status = run["status"].as_str().unwrap_or_default();
    let (_, style) = mark(status);
    let seconds = run["durationMs"].as_f64().unwrap_or_default() / 1000.0;
    let error = run["error"]["code"].as_str().map(|code| {
        let message = run["error"]["message"].as_str().unwrap_or_default();
        format!(" {code}: {message}")
    });
    let id = run["id"].as_str().unwrap_or_default();
    format!("run {id} {} in {seconds:.1} s{}", terminal.styled(style, status), error.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_step_is_one_line() {
        let run = json!({"steps": [
            {"id": "read", "name": "Read it", "type": "document_insights", "status": "PROCESSING"},
            {"id": "items", "name": "items", "type": "workflow", "status": "FAILED", "message": "too many",
             "nestedRuns": {"count": 3, "data": [{"status": "FAILED"}, {"status": "PROCESSING"}]}},
        ]});
        let terminal = terminal::plain(Vec::new());
        assert_eq!(
            lines(&run, &terminal),
            ["▸ read (Read it) PROCESSING", "✗ items FAILED, 1 of 3 runs ended: too many"]
        );
    }

    #[test]
    fn an_end_says_why() {
        let run = json!({"id": "ab", "status": "FAILED", "durationMs": 1500, "error": {"code": "X", "message": "y"}});
        assert_eq!(end(&run, &terminal::plain(Vec::new())), "run ab FAILED in 1.5 s X: y");
    }
}
