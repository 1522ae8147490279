//! What each type of step takes under `with`, and what its output looks like.

use std::collections::BTreeMap;

use super::fields::{self, Fields, Report, did_you_mean};
use super::scope::Shape;
use super::yaml::{Kind, Node, Place, Span};
use super::{Front, Known};
use crate::diagnostics::Code;
use crate::ir::{
    Action, Assertion, ConvertTo, Delivery, DocumentInsights, Encoding, Expr, FileAction, Method, OnReject,
    ReadAs, Template, Wait, WebFunction,
};

const TYPES: &[&str] = &[
    "document_insights",
    "web_function",
    "transform",
    "validate",
    "file",
    "workflow",
    "wait",
    "approval",
    "custom",
    "switch",
    "parallel",
];

const METHODS: [(&str, Method); 6] = [
    ("GET", Method::Get),
    ("HEAD", Method::Head),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];

const ENCODINGS: [(&str, Encoding); 6] = [
    ("utf-8", Encoding::Utf8),
    ("utf-16le", Encoding::Utf16Le),
    ("utf-16be", Encoding::Utf16Be),
    ("windows-1252", Encoding::Windows1252),
    ("iso-8859-1", Encoding::Iso8859_1),
    ("iso-8859-15", Encoding::Iso8859_15),
];

impl Front<'_, '_> {
    /// The action of a step without blocks.
    pub(super) fn uses(
        &mut self,
        uses: &Node,
        with: Option<(Span, &Node)>,
        delivery: Option<(Span, &Node)>,
        step: Span,
    ) -> Option<(Action, Shape)> {
        let kind = fields::text(uses, "`uses`", self.report)?;
        if let (Some((key, _)), true) = (delivery, kind != "web_function") {
            self.report.add(Code::Misplaced, key, format!("`delivery` on a `{kind}`"));
        }
        let Some((_, with)) = with else {
            if TYPES.contains(&kind.as_str()) {
                let span =
                    Span { start: step.start, end: Place { column: step.start.column + 1, ..step.start } };
                self.report.add(Code::MissingKey, span, format!("a `{kind}` needs `with`"));
            } else {
                self.unknown_type(&kind, uses.span);
            }
            return None;
        };
        match kind.as_str() {
            "document_insights" => self.document_insights(with),
            "web_function" => self.web_function(with, delivery.map(|(_, node)| node)),
            "transform" => {
                let template = self.template(with);
                let shape = shape_of(&template);
                Some((Action::Transform(template), shape))
            }
            "validate" => Some((self.validate(with), Shape::Any)),
            "file" => self.file(with),
            "workflow" => self.workflow(with),
            "wait" => Some((self.wait(with)?, Shape::Any)),
            "approval" => self.approval(with),
            "custom" => self.custom(with),
            "switch" | "parallel" => {
                self.report.add(
                    Code::MissingKey,
                    uses.span,
                    format!("write `{kind}:` with a list instead of `uses`"),
                );
                None
            }
            _ => {
                self.unknown_type(&kind, uses.span);
                None
            }
        }
    }

    fn unknown_type(&mut self, kind: &str, span: Span) {
        let hint = did_you_mean(kind, TYPES.iter().copied());
        self.report.add_with(Code::UnknownType, span, format!("no type of step `{kind}`"), hint);
    }

    fn document_insights(&mut self, with: &Node) -> Option<(Action, Shape)> {
        let mut fields = Fields::of(with, "the `with` of a `document_insights`", self.report)?;
        let document = fields.need("document", self.report).map(|node| self.template(node));
        let hub_node = fields.take("hub");
        let hub = hub_node.map(|node| self.template(node));
        let metadata = self.optional_template(&mut fields, "metadata");
        fields.finish(&["document", "hub", "metadata"], self.report);
        let shape = match (&hub, hub_node) {
            (Some(Template::Literal(serde_json::Value::String(reference))), Some(node)) => {
                self.hub_shape(reference, node.span)
            }
            _ => Shape::Any,
        };
        Some((Action::DocumentInsights(DocumentInsights { document: document?, hub, metadata }), shape))
    }

    /// The output of a hub whose fields are known.
    fn hub_shape(&mut self, reference: &str, span: Span) -> Shape {
        let Some(hubs) = &self.known.hubs else { return Shape::Any };
        let Some(hub) = Known::hub(hubs, reference) else {
            let names: Vec<String> = hubs.iter().map(|hub| super::kebab(&hub.name)).collect();
            let hint = did_you_mean(reference, names.iter().map(String::as_str));
            self.report.add_with(Code::UnknownHub, span, format!("no hub `{reference}`"), hint);
            return Shape::Any;
        };
        let parts = ["id", "name", "type", "value", "text", "confidence", "placements"];
        let open = |keys: BTreeMap<String, Shape>, closed, fields_of_hub| Shape::Object {
            keys,
            closed,
            fields_of_hub,
        };
        let field = || {
            let keys = parts.iter().map(|part| ((*part).to_owned(), Shape::Any)).collect();
            open(keys, false, false)
        };
        let fields = hub.fields.iter().map(|known| (known.id.clone(), field())).collect();
        let fields = open(fields, true, true);
        let output = open(BTreeMap::from([("fields".to_owned(), fields.clone())]), false, false);
        open(BTreeMap::from([("fields".to_owned(), fields), ("output".to_owned(), output)]), false, false)
    }

    fn web_function(&mut self, with: &Node, delivery: Option<&Node>) -> Option<(Action, Shape)> {
        let mut fields = Fields::of(with, "the `with` of a `web_function`", self.report)?;
        let method = match fields.take("method") {
            None => Some(Method::Get),
            Some(node) => fields::word(node, "`method`", &METHODS, self.report),
        };
        self.scope.secrets_allowed = true;
        let url_node = fields.need("url", self.report);
        let url = url_node.map(|node| self.template(node));
        let headers = self.optional_template(&mut fields, "headers");
        let query = self.optional_template(&mut fields, "query");
        let body = self.optional_template(&mut fields, "body");
        self.scope.secrets_allowed = false;
        fields.finish(&["method", "url", "headers", "query", "body"], self.report);
        if let (Some(Template::Literal(value)), Some(node)) = (&url, url_node) {
            let text = value.as_str().unwrap_or_default();
            if !(text.starts_with("https://") || text.starts_with("http://")) {
                self.report.add(Code::BadValue, node.span, "`url` begins with `https://`");
            }
        }
        let words = [("at_least_once", Delivery::AtLeastOnce), ("at_most_once", Delivery::AtMostOnce)];
        let delivery = match delivery {
            None => Some(Delivery::AtLeastOnce),
            Some(node) => fields::word(node, "`delivery`", &words, self.report),
        };
        let call = WebFunction { method: method?, url: url?, headers, query, body, delivery: delivery? };
        Some((Action::WebFunction(call), Shape::closed(&["status", "headers", "body"])))
    }

    fn validate(&mut self, with: &Node) -> Action {
        let items = fields::list(with, "the `with` of a `validate`", self.report);
        if items.is_empty() && matches!(with.kind, Kind::List(_)) {
            self.report.add(Code::MissingKey, with.span, "a `validate` has at least one assertion");
        }
        let mut assertions = Vec::new();
        for item in items {
            let Some(mut fields) = Fields::of(item, "an assertion", self.report) else { continue };
            let assert =
                fields.need("assert", self.report).and_then(|node| self.only_expression(node, "`assert`"));
            let message = self.optional_template(&mut fields, "message");
            fields.finish(&["assert", "message"], self.report);
            assertions.push(Assertion { assert: assert.unwrap_or(Expr("null".to_owned())), message });
        }
        Action::Validate(assertions)
    }

    fn file(&mut self, with: &Node) -> Option<(Action, Shape)> {
        let mut fields = Fields::of(with, "the `with` of a `file`", self.report)?;
        let words = [("read", 0), ("write", 1), ("convert", 2), ("zip", 3)];
        let operation = fields
            .need("operation", self.report)
            .and_then(|node| fields::word(node, "`operation`", &words, self.report))?;
        let node = Shape::closed(&["fileId", "name", "mimeType", "sizeBytes"]);
        let mut need =
            |front: &mut Self, name: &str| fields.need(name, front.report).map(|node| front.template(node));
        let (action, shape, keys): (Option<FileAction>, Shape, &[&str]) = match operation {
            0 => {
                let file = need(self, "file");
                let words = [
                    ("text", ReadAs::Text),
                    ("json", ReadAs::Json),
                    ("csv", ReadAs::Csv),
                    ("base64", ReadAs::Base64),
                ];
                let format = match fields.take("as") {
                    None => Some(ReadAs::Text),
                    Some(node) => fields::word(node, "`as`", &words, self.report),
                };
                let is_text = format != Some(ReadAs::Base64);
                let encoding = if is_text { encoding(&mut fields, self.report) } else { None };
                let action =
                    file.zip(format).map(|(file, format)| FileAction::Read { file, format, encoding });
                let keys: &[&str] = match is_text {
                    true => &["operation", "file", "as", "encoding"],
                    false => &["operation", "file", "as"],
                };
                (action, Shape::closed(&["content"]), keys)
            }
            1 => {
                let (name, content) = (need(self, "name"), need(self, "content"));
                let action = name.zip(content).map(|(name, content)| FileAction::Write { name, content });
                (action, node, &["operation", "name", "content"])
            }
            2 => {
                let file = need(self, "file");
                let words = [("text", ConvertTo::Text), ("json", ConvertTo::Json), ("csv", ConvertTo::Csv)];
                let to = fields.need("to", self.report);
                let to = to.and_then(|node| fields::word(node, "`to`", &words, self.report));
                let encoding = encoding(&mut fields, self.report);
                let action = file.zip(to).map(|(file, to)| FileAction::Convert { file, to, encoding });
                (action, node, &["operation", "file", "to", "encoding"])
            }
            _ => {
                let (name, files) = (need(self, "name"), need(self, "files"));
                let action = name.zip(files).map(|(name, files)| FileAction::Zip { name, files });
                (action, node, &["operation", "name", "files"])
            }
        };
        fields.finish(keys, self.report);
        Some((Action::File(action?), shape))
    }

    fn workflow(&mut self, with: &Node) -> Option<(Action, Shape)> {
        let mut fields = Fields::of(with, "the `with` of a `workflow`", self.report)?;
        let node = fields.need("workflow", self.report);
        let reference = node.and_then(|node| fields::text(node, "`workflow`", self.report));
        let body = self.optional_template(&mut fields, "body");
        fields.finish(&["workflow", "body"], self.report);
        let (reference, span) = (reference?, node?.span);
        let (workflow, version) = match reference.split_once('@') {
            None => (reference.as_str(), None),
            Some((id, version)) => match version.parse::<u32>() {
                Ok(version) if version > 0 => (id, Some(version)),
                _ => {
                    self.report.add(Code::BadValue, span, "a version is a whole number: `line-item-check@2`");
                    return None;
                }
            },
        };
        let slug = workflow.len() <= 64
            && workflow.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && workflow.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !slug {
            self.report.add(Code::BadValue, span, format!("`{workflow}` is no id of a workflow"));
            return None;
        }
        if let Some(known) = &self.known.workflows {
            match known.get(workflow) {
                None => {
                    let hint = did_you_mean(workflow, known.keys().map(String::as_str));
                    self.report.add_with(
                        Code::UnknownWorkflow,
                        span,
                        format!("no published workflow `{workflow}`"),
                        hint,
                    );
                }
                Some(newest) if version.is_some_and(|version| version > *newest) => {
                    let message = format!("the newest version of `{workflow}` is {newest}");
                    self.report.add(Code::UnknownWorkflow, span, message);
                }
                Some(_) => {}
            }
        }
        Some((Action::Workflow { workflow: workflow.to_owned(), version, body }, Shape::Any))
    }

    fn wait(&mut self, with: &Node) -> Option<Action> {
        let mut fields = Fields::of(with, "the `with` of a `wait`", self.report)?;
        let given: Vec<(&str, &Node)> = ["duration", "until", "signal"]
            .into_iter()
            .filter_map(|name| Some((name, fields.take(name)?)))
            .collect();
        fields.finish(&["duration", "until", "signal"], self.report);
        let [(name, node)] = given.as_slice() else {
            self.report.add(Code::MissingKey, with.span, "a `wait` has one of `duration`, `until`, `signal`");
            return None;
        };
        let template = self.template(node);
        if let (&"duration", Template::Literal(_)) = (name, &template) {
            fields::duration(node, "`duration`", self.report)?;
        }
        if let ("until", Template::Literal(value)) = (*name, &template)
            && value.as_str().is_none_or(|text| text.parse::<jiff::Timestamp>().is_err())
        {
            self.report.add(Code::BadValue, node.span, "`until` is a time such as `2026-01-31T08:00:00Z`");
        }
        Some(Action::Wait(match *name {
            "duration" => Wait::Duration(template),
            "until" => Wait::Until(template),
            _ => Wait::Signal(template),
        }))
    }

    fn approval(&mut self, with: &Node) -> Option<(Action, Shape)> {
        let mut fields = Fields::of(with, "the `with` of an `approval`", self.report)?;
        let title = fields.need("title", self.report).map(|node| self.template(node));
        let description = self.optional_template(&mut fields, "description");
        let data = self.optional_template(&mut fields, "data");
        let words = [("fail", OnReject::Fail), ("continue", OnReject::Continue)];
        let on_reject = match fields.take("on_reject") {
            None => Some(OnReject::Fail),
            Some(node) => fields::word(node, "`on_reject`", &words, self.report),
        };
        fields.finish(&["title", "description", "data", "on_reject"], self.report);
        let action = Action::Approval { title: title?, description, data, on_reject: on_reject? };
        Some((action, Shape::closed(&["approved", "by", "data"])))
    }

    fn custom(&mut self, with: &Node) -> Option<(Action, Shape)> {
        let mut fields = Fields::of(with, "the `with` of a `custom`", self.report)?;
        let node = fields.need("task", self.report);
        let task = node.and_then(|node| fields::text(node, "`task`", self.report));
        let input = self.optional_template(&mut fields, "input");
        fields.finish(&["task", "input"], self.report);
        let (task, node) = (task?, node?);
        if task.is_empty() || task.chars().count() > 128 {
            self.report.add(Code::BadValue, node.span, "`task` has 1 to 128 characters");
        }
        Some((Action::Custom { task, input }, Shape::Any))
    }
}

fn encoding(fields: &mut Fields<'_>, report: &mut Report) -> Option<Encoding> {
    fields.take("encoding").and_then(|node| fields::word(node, "`encoding`", &ENCODINGS, report))
}

/// What a transform yields, as far as it is written out.
fn shape_of(template: &Template) -> Shape {
    let keys: BTreeMap<String, Shape> = match template {
        Template::Object(pairs) => pairs.iter().map(|(key, value)| (key.clone(), shape_of(value))).collect(),
        Template::Literal(serde_json::Value::Object(pairs)) => {
            pairs.keys().map(|key| (key.clone(), Shape::Any)).collect()
        }
        _ => return Shape::Any,
    };
    Shape::Object { keys, closed: true, fields_of_hub: false }
}
