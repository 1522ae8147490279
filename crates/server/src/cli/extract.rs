//! `plextera extract`: a document's fields without a server, read in the same confined process as the server's.

use super::Usage;
use crate::{report, system, terminal, terminal::Style, wire};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use domain::{
    hub::{Hub, builtin},
    limits,
};
use engine::sandbox::{Lease, Said, Sandbox, SandboxSettings};
use insights::worker::{Answer, Extract as ExtractRequest, Extracted, Open, Opened, Request, message};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Read the fields of a document, without a server
#[derive(Debug, Args)]
pub struct Extract {
    /// PDF, image, DOCX, XLSX, PPTX, text, CSV, HTML, EML, or a ZIP of these
    file: PathBuf,
    /// A built-in hub (`Invoices`, `Receipts`, `Lab results`) or the JSON file of one [default: chosen by content]
    #[arg(long, value_name = "NAME|FILE")]
    hub: Option<String>,
    /// As JSON, just as the API gives it
    #[arg(long)]
    json: bool,
}

impl Extract {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let hubs = self.hubs()?;
        let path = std::path::absolute(&self.file)?;
        if !path.is_file() {
            bail!("there is no file {}", self.file.display());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let sandbox =
            Sandbox::new(SandboxSettings::new(wire::program()?, 1)).context("no process can be started")?;
        let mut lease = sandbox.lease().await;
        let open = Open {
            path,
            name,
            limits: insights::read::Limits::default(),
            hubs: hubs.clone(),
            profiles: Vec::new(),
            languages: if let [hub] = hubs.as_slice() { hub.languages.clone() } else { Vec::new() },
            embedded_data: true,
            unreadable_pages: Vec::new(),
        };
        let opened = match ask(&mut lease, &Request::Open(Box::new(open))).await? {
            Answer::Opened(opened) => opened,
            other => return Err(refusal(other)),
        };
        let hub = choose(&opened, hubs)?;
        let hub_name = hub.name.clone();
        let extracted = match ask(&mut lease, &Request::Extract(Box::new(ExtractRequest::new(hub)))).await? {
            Answer::Extracted(extracted) => extracted,
            other => return Err(refusal(other)),
        };
        self.print(&hub_name, &extracted)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The hub that was asked for, or all built-in ones.
    fn hubs(&self) -> anyhow::Result<Vec<Hub>> {
        let ctx = system::context();
        let builtin = builtin::all().into_iter().map(|definition| definition.into_hub(ctx.hub_id()));
        let builtin: Vec<Hub> = builtin.collect();
        let Some(asked) = &self.hub else { return Ok(builtin) };
        let names: Vec<String> = builtin.iter().map(|hub| hub.name.clone()).collect();
        if let Some(hub) = builtin.into_iter().find(|hub| hub.name.eq_ignore_ascii_case(asked)) {
            return Ok(vec![hub]);
        }
        if !asked.ends_with(".json") {
            return Err(Usage(format!(
                "there is no hub `{asked}`; built in are {}, or give a file that ends in .json",
                names.join(", ")
            ))
            .into());
        }
        let text =
            std::fs::read_to_string(asked).with_context(|| format!("cannot read the hub in {asked}"))?;
        let hub: HubFile =
            serde_json::from_str(&text).map_err(|error| Usage(format!("{asked} is not a hub: {error}")))?;
        Ok(vec![hub.into_hub(ctx.hub_id())])
    }

    fn print(&self, hub_name: &str, extracted: &Extracted) -> anyhow::Result<()> {
        let mut stdout = terminal::stdout();
        if self.json {
            stdout.line(extracted.output.get())?;
            return Ok(());
        }
        let output =
            serde_json::from_str(extracted.output.get()).context("the reader's answer is not an output")?;
        let by_ocr = match extracted.ocr_pages.len() {
            0 => String::new(),
            count => format!(", {count} by OCR"),
        };
        let pages = if extracted.page_count == 1 {
            "1 page".to_owned()
        } else {
            format!("{} pages", extracted.page_count)
        };
        let head = stdout.styled(Style::Bold, self.file.display());
        stdout.line(format_args!("{head}: {hub_name}, {pages}{by_ocr}\n\n{}", report::render(&output)))?;
        for page in &extracted.unreadable_pages {
            let warning = terminal::stderr().styled(Style::Warning, "warning");
            terminal::stderr().line(format_args!("{warning}: page {page} could not be read"))?;
        }
        Ok(())
    }
}

/// A hub as people write one: its name and fields; the rest is the store's.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HubFile {
    name: String,
    fields: Vec<domain::hub::Field>,
    #[serde(default)]
    languages: Vec<String>,
}

impl HubFile {
    fn into_hub(self, id: domain::id::HubId) -> Hub {
        Hub { languages: self.languages, ..Hub::new(id, self.name, self.fields) }
    }
}

/// The one hub there is, the one that fits, else the first: as a server with nothing changed would.
fn choose(opened: &Opened, mut hubs: Vec<Hub>) -> anyhow::Result<Hub> {
    let chosen =
        opened.choice.as_ref().and_then(|choice| hubs.iter().position(|hub| hub.id == choice.hub_id));
    let index = if hubs.len() == 1 { 0 } else { chosen.unwrap_or(0) };
    if index >= hubs.len() {
        bail!("there is no hub");
    }
    Ok(hubs.swap_remove(index))
}

async fn ask(lease: &mut Lease, request: &Request) -> anyhow::Result<Answer> {
    let framed = message::encode(request)?;
    let look = |message: Vec<u8>| match serde_json::from_slice(&message) {
        Ok(Answer::Progress(step)) => Said::Step(step.allowance()),
        Ok(answer) => Said::Answer(answer),
        Err(_) => Said::Nonsense,
    };
    let budget: Duration = limits::WORKER_TEXT_BASE;
    lease.ask(&framed, budget, look).await.map_err(|breach| anyhow!("the document cannot be read: {breach}"))
}

/// The error that an answer stands for.
fn refusal(answer: Answer) -> anyhow::Error {
    match answer {
        Answer::Refused(refused) => anyhow!("{}", refused.message),
        Answer::OcrMissing { message } | Answer::Failed { message } => anyhow!("{message}"),
        Answer::Crashed { message } => anyhow!("the reader crashed on the document: {message}"),
        Answer::Progress(_)
        | Answer::Opened(_)
        | Answer::Glanced { .. }
        | Answer::Extracted(_)
        | Answer::Trained(_) => {
            anyhow!("the reader answered something else")
        }
    }
}
