//! The typesetter: a program of its own (tools/typeset), built when it is first needed, because its compiler is large and
//! nothing else here wants it.

use super::pictures::Place;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../typeset/Cargo.toml");
/// Beside the product's own build, so that it is cleaned with it.
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/typeset");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order<'a> {
    pub name: &'a str,
    pub source: &'a str,
    pub pixels_per_point: Option<f64>,
}

#[derive(Deserialize)]
pub struct Typeset {
    /// Width and height of each page.
    pub pages: Vec<(f64, f64)>,
    /// By id, each time the text stands somewhere, a box for each of its lines.
    pub marks: BTreeMap<String, Vec<Vec<Place>>>,
}

pub struct Typesetter {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Typesetter {
    /// Writes into `folder`.
    pub fn start(folder: &Path) -> Result<Typesetter> {
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--locked",
                "--release",
                "--quiet",
                "--manifest-path",
                MANIFEST,
                "--target-dir",
                TARGET,
            ])
            .status()
            .context("cargo is needed to build the typesetter")?;
        ensure!(built.success(), "the typesetter (tools/typeset) does not build");
        let mut child = Command::new(Path::new(TARGET).join("release/typeset"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the typesetter does not start")?;
        let orders = child.stdin.take().context("no way to the typesetter")?;
        let answers = BufReader::new(child.stdout.take().context("no way from the typesetter")?);
        Ok(Typesetter { child, orders, answers })
    }

    pub fn typeset(&mut self, order: &Order<'_>) -> Result<Typeset> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the typesetter gave up on {}", order.name);
        Ok(serde_json::from_str(&answer)?)
    }

    /// Waits for its end.
    pub fn finish(self) -> Result<()> {
        let Typesetter { mut child, orders, answers } = self;
        drop((orders, answers));
        ensure!(child.wait()?.success(), "the typesetter failed");
        Ok(())
    }
}
