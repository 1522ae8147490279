//! What a step does. The tag is the step's `type` in the API.

use serde::{Deserialize, Serialize};

use super::{Expr, Step, Template};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "uses", content = "with", rename_all = "snake_case")]
pub enum Action {
    /// A Document Insights job; the output is the job with `output.fields` keyed by field id.
    DocumentInsights(DocumentInsights),
    /// One HTTP request; output `{status, headers, body}`.
    WebFunction(WebFunction),
    /// The output is the value.
    Transform(Template),
    /// Fails with the first assertion that is null or false.
    Validate(Vec<Assertion>),
    File(FileAction),
    /// A run of another workflow; the output is that run's output.
    #[serde(rename_all = "camelCase")]
    Workflow {
        workflow: String,
        /// The newest published one where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Template>,
    },
    Wait(Wait),
    /// A person's decision; output `{approved, by?, data?}`.
    #[serde(rename_all = "camelCase")]
    Approval {
        title: Template,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Template>,
        /// What the one who decides is shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Template>,
        #[serde(default)]
        on_reject: OnReject,
    },
    /// The first case whose condition holds; none is no failure. The output is that of the case's last step.
    Switch(Vec<Case>),
    /// All branches at once; done when all are.
    Parallel(Vec<Branch>),
    /// Done by the user's own worker, which claims it by `task`; the output is what it completes with.
    #[serde(rename_all = "camelCase")]
    Custom {
        task: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Template>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentInsights {
    /// A file node, `{"fileId"}`, `{"url"}`, or a file id.
    pub document: Template,
    /// A hub's id or its name in kebab case. Without it the job is routed like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Template>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebFunction {
    pub method: Method,
    pub url: Template,
    /// An object of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Template>,
    /// An object of texts, added to the URL's query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Template>,
    /// Sent as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Template>,
    #[serde(default)]
    pub delivery: Delivery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

/// What happens to a call whose end nobody saw because the node died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It is repeated, with the same `Idempotency-Key`.
    #[default]
    AtLeastOnce,
    /// It is not; the step fails with `STEP_INTERRUPTED`.
    AtMostOnce,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assertion {
    pub assert: Expr,
    /// Evaluated only where the assertion does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Template>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum FileAction {
    /// A stored file's content as a value; output `{content}`.
    #[serde(rename_all = "camelCase")]
    Read {
        file: Template,
        #[serde(rename = "as")]
        format: ReadAs,
        /// UTF-8 where absent; a byte order mark in the file says more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding: Option<Encoding>,
    },
    /// Stores `content`: text as it is, anything else as JSON. Output: a file node.
    #[serde(rename_all = "camelCase")]
    Write { name: Template, content: Template },
    /// Another format of a stored file. Output: a file node.
    #[serde(rename_all = "camelCase")]
    Convert {
        file: Template,
        to: ConvertTo,
        /// Of the file that is read; what is made is UTF-8.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding: Option<Encoding>,
    },
    /// Several stored files in one archive. Output: a file node.
    #[serde(rename_all = "camelCase")]
    Zip { name: Template, files: Template },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadAs {
    Text,
    Json,
    /// An array of objects by the names in the first row.
    Csv,
    Base64,
}

/// In which a file of text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    #[serde(rename = "windows-1252")]
    Windows1252,
    #[serde(rename = "iso-8859-1")]
    Iso8859_1,
    #[serde(rename = "iso-8859-15")]
    Iso8859_15,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConvertTo {
    /// The text itself, in UTF-8.
    Text,
    /// The rows of a CSV file.
    Json,
    /// From a JSON array of objects.
    Csv,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A text such as `90s`, `5m`, `36h`, `7d`, or a number of seconds.
    Duration(Template),
    /// An RFC 3339 time; one that is past is no wait.
    Until(Template),
    /// A signal of this name; the output is its body. One that came before the step began counts.
    Signal(Template),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// The step fails with `APPROVAL_REJECTED`.
    #[default]
    Fail,
    /// The step completes with `approved: false`.
    Continue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Absent: `else`, the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Branch {
    pub steps: Vec<Step>,
}

impl Action {
    /// The step's `type` in the API.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DocumentInsights(_) => "document_insights",
            Self::WebFunction(_) => "web_function",
            Self::Transform(_) => "transform",
            Self::Validate(_) => "validate",
            Self::File(_) => "file",
            Self::Workflow { .. } => "workflow",
            Self::Wait(_) => "wait",
            Self::Approval { .. } => "approval",
            Self::Switch(_) => "switch",
            Self::Parallel(_) => "parallel",
            Self::Custom { .. } => "custom",
        }
    }

    /// What the engine evaluates before it performs the action.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::DocumentInsights(with) => [Some(&with.document), with.hub.as_ref(), with.metadata.as_ref()]
                .into_iter()
                .flatten()
                .collect(),
            Self::WebFunction(with) => {
                [Some(&with.url), with.headers.as_ref(), with.query.as_ref(), with.body.as_ref()]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Self::File(FileAction::Read { file, .. } | FileAction::Convert { file, .. }) => vec![file],
            Self::File(FileAction::Write { name, content }) => vec![name, content],
            Self::File(FileAction::Zip { name, files }) => vec![name, files],
            Self::Workflow { body, .. } => body.iter().collect(),
            Self::Approval { title, description, data, .. } => {
                [Some(title), description.as_ref(), data.as_ref()].into_iter().flatten().collect()
            }
            Self::Custom { input, .. } => input.iter().collect(),
            Self::Transform(template) => vec![template],
            Self::Wait(Wait::Duration(template) | Wait::Until(template) | Wait::Signal(template)) => {
                vec![template]
            }
            Self::Validate(_) | Self::Switch(_) | Self::Parallel(_) => Vec::new(),
        }
    }

    /// The lists of steps it holds.
    pub fn blocks(&self) -> Vec<&[Step]> {
        match self {
            Self::Switch(cases) => cases.iter().map(|case| case.steps.as_slice()).collect(),
            Self::Parallel(branches) => branches.iter().map(|branch| branch.steps.as_slice()).collect(),
            _ => Vec::new(),
        }
    }
}
