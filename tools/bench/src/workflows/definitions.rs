//! The workflows that are measured.

use super::{endpoint::Endpoint, scene::Scene};
use anyhow::{Result, ensure};
use reqwest::Method;
use std::fmt::Write;

/// Steps of a run that computes; each has an output of half a kilobyte and reads the one before it.
pub const STEPS: usize = 100;
/// Steps of a run that calls.
pub const CALLS: usize = 20;

/// Puts and publishes all of them.
pub async fn publish(scene: &Scene, endpoint: &Endpoint) -> Result<()> {
    let url = endpoint.url();
    let definitions = [
        ("computing", computing()?),
        ("calling", calling(&url)?),
        ("single", single()),
        ("first", first(&url)),
        ("parent", parent()),
    ];
    for (id, text) in definitions {
        let path = format!("/workflows/{id}");
        let put = scene.studio(Method::PUT, &path).header("Content-Type", "application/yaml").body(text);
        put.send().await?.error_for_status()?;
        let published = scene.studio(Method::POST, &format!("{path}/publish")).send().await?;
        let status = published.status();
        ensure!(status.is_success(), "{id} cannot be published: {}", published.text().await?);
    }
    Ok(())
}

fn computing() -> Result<String> {
    let text = "x".repeat(480);
    let mut yaml = "version: 1\nname: Computing\nsteps:\n".to_owned();
    for number in 0..STEPS {
        let of = match number.checked_sub(1) {
            Some(before) => format!("${{{{ steps.s{before}.output.n }}}}"),
            None => "0".to_owned(),
        };
        writeln!(yaml, "  - id: s{number}\n    uses: transform")?;
        writeln!(yaml, "    with: {{ n: {number}, text: {text}, of: \"{of}\" }}")?;
    }
    Ok(yaml)
}

fn calling(url: &str) -> Result<String> {
    let mut yaml = "version: 1\nname: Calling\nsteps:\n".to_owned();
    for number in 0..CALLS {
        writeln!(yaml, "  - id: s{number}\n    uses: web_function")?;
        writeln!(yaml, "    with: {{ method: POST, url: \"{url}\", body: {{ n: {number} }} }}")?;
    }
    Ok(yaml)
}

fn single() -> String {
    "version: 1\nname: Single\nsteps:\n  - id: s0\n    uses: transform\n    with: { n: 1 }\n".to_owned()
}

fn first(url: &str) -> String {
    format!(
        "version: 1\nname: First\nsteps:\n  - id: call\n    uses: web_function\n    \
         with: {{ method: POST, url: \"{url}\", body: {{ first: \"${{{{ body.n }}}}\" }} }}\n"
    )
}

fn parent() -> String {
    "version: 1\nname: Parent\nsteps:\n  - id: children\n    uses: workflow\n    for_each: ${{ body.items }}\n    \
     max_parallel: 256\n    with: { workflow: single, body: { n: \"${{ item }}\" } }\n"
        .to_owned()
}
