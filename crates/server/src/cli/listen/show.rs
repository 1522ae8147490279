//! A delivery as it is shown to people.

use crate::{
    signatures, system,
    terminal::{Style, Terminal},
};
use hyper::{HeaderMap, Method};
use plextera_webhooks::Verifier;
use std::io::Stdout;

/// A request, wherever it came from.
pub struct Delivery<'d> {
    pub method: &'d Method,
    pub path: &'d str,
    pub headers: &'d HeaderMap,
    pub body: &'d [u8],
}

/// How deliveries are shown.
pub struct Show {
    /// Without one nothing is verified.
    pub verifier: Option<Verifier>,
    /// Headers too.
    pub headers: bool,
}

impl Show {
    /// Prints a delivery; `false` where its signature does not hold.
    pub fn print(&self, stdout: &mut Terminal<Stdout>, delivery: &Delivery<'_>) -> anyhow::Result<bool> {
        let header = |name| signatures::header(delivery.headers, name);
        let event_type = header(signatures::EVENT_TYPE);
        let what = if event_type.is_empty() { "not a delivery" } else { event_type };
        let what = stdout.styled(Style::Bold, what);
        stdout.line(format_args!("\n{} {} {what}", delivery.method, delivery.path))?;
        for (label, name) in [
            ("event", signatures::EVENT_ID),
            ("delivery", signatures::DELIVERY_ID),
            ("sequence", signatures::SEQUENCE),
        ] {
            if !header(name).is_empty() {
                stdout.line(format_args!("{label:<10} {}", header(name)))?;
            }
        }
        let verified = self.print_signature(stdout, delivery)?;
        if self.headers {
            for (name, value) in delivery.headers {
                let name = stdout.styled(Style::Dim, name);
                stdout.line(format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))?;
            }
        }
        stdout.line(pretty(delivery.body))?;
        Ok(verified)
    }

    fn print_signature(
        &self,
        stdout: &mut Terminal<Stdout>,
        delivery: &Delivery<'_>,
    ) -> anyhow::Result<bool> {
        let Some(verifier) = &self.verifier else {
            stdout.line(format_args!("{:<10} not checked", "signature"))?;
            return Ok(true);
        };
        let now = system::context().now();
        let checks = signatures::check(verifier, delivery.headers, delivery.body, now);
        match checks.verdict {
            Ok(()) => {
                let verified = stdout.styled(Style::Good, "signature verified");
                stdout.line(verified)?;
            }
            Err(verdict) => {
                let issues = checks.each.iter().filter_map(|check| Some(check.result?.err()?.to_string()));
                let issues: Vec<String> = issues.collect();
                let rejected = stdout.styled(Style::Bad, "signature rejected");
                let issues = if issues.is_empty() { verdict.to_string() } else { issues.join("; ") };
                stdout.line(format_args!("{rejected}: {issues}"))?;
            }
        }
        Ok(checks.verdict.is_ok())
    }
}

/// The body as it is best read; bytes that are not text are only counted.
fn pretty(body: &[u8]) -> String {
    if let Ok(json) = serde_json::from_slice::<&serde_json::value::RawValue>(body) {
        return indented(json.get());
    }
    std::str::from_utf8(body).map_or_else(|_| format!("{} bytes, not text", body.len()), str::to_owned)
}

/// Valid JSON with a line per entry, in the order in which it came (a parsed object would be sorted).
fn indented(json: &str) -> String {
    let (mut text, mut depth, mut inside, mut escaped) = (String::new(), 0usize, false, false);
    let mut characters = json.chars().filter(|c| *c != '\r').peekable();
    while let Some(c) = characters.next() {
        if inside {
            text.push(c);
            inside = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                depth += 1;
                text.push(c);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if !matches!(characters.peek(), Some('}' | ']')) {
                    break_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !text.ends_with(['{', '[']) {
                    break_line(&mut text, depth);
                }
                text.push(c);
            }
            ',' => {
                text.push(c);
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => {
                inside = c == '"';
                text.push(c);
            }
        }
    }
    text
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_indented_in_the_order_in_which_they_came() {
        let body = br#"{"b":[],"a" : {"x":"{\",", "y":[1,{}]},"e":"\\"}"#;
        let shown = pretty(body);
        let expected = "{\n  \"b\": [],\n  \"a\": {\n    \"x\": \"{\\\",\",\n    \"y\": [\n      1,\n      {}\n    ]\n  },\n  \"e\": \"\\\\\"\n}";
        assert_eq!(shown, expected);
        assert_eq!(pretty(b"plain"), "plain");
        assert_eq!(pretty(&[0xff]), "1 bytes, not text");
    }
}
