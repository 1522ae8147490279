//! Every kind of mistake, with what it means. Each has a page in `docs/diagnostics` that begins with these words.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($variant:ident, $name:literal, $meaning:literal, $cure:literal;)*) => {
        /// What kind of mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)*
        }

        /// All of them.
        pub const CODES: &[Code] = &[$(Code::$variant),*];

        impl Code {
            /// As it stands in `code`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it says.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }

            /// What to do about it.
            pub const fn cure(self) -> &'static str {
                match self { $(Self::$variant => $cure),* }
            }
        }
    };
}

codes! {
    YamlSyntax, "YAML_SYNTAX", "The text is not YAML.",
        "Look at the place shown: an indentation, a quote or a bracket does not match. A value that begins with `{`, `[`, `*`, `&`, `!` or `@` needs quotes.";
    YamlLimit, "YAML_LIMIT", "The text is larger or more deeply nested than a definition may be: 256 KiB, with aliases followed 20 000 values and 1 MiB of text, 64 levels.",
        "Split the workflow: a step with `uses: workflow` runs another one.";
    YamlKey, "YAML_KEY", "A key is not a text, or stands twice in one map.",
        "Keep one of the two. A map as a key is mostly an unquoted `{{ … }}`: write `${{ … }}`.";
    UnknownKey, "UNKNOWN_KEY", "A key that means nothing here.",
        "Correct the spelling; the hint names the closest known key.";
    MissingKey, "MISSING_KEY", "A key that has to be there is not.", "Add it.";
    WrongType, "WRONG_TYPE", "A value of the wrong kind: a text where a list is wanted, and the like.",
        "Write the kind that the message names.";
    BadValue, "BAD_VALUE", "The kind is right and the value is not one of those allowed.",
        "Use one of the values that the message names.";
    BadDuration, "BAD_DURATION", "Not a duration, or one of more than 366 days.",
        "Write a number and a unit, larger units first: `500ms`, `90s`, `5m`, `36h`, `7d`, `1h30m`.";
    BadId, "BAD_ID", "A step's id is not a lower-case letter followed by lower-case letters, digits and `_`, at most 64 in all.",
        "Rename the step; `name` may say anything.";
    DuplicateId, "DUPLICATE_ID", "Two steps have the same id. Ids are unique in the whole definition, blocks included, because `steps.<id>` has to mean one of them.",
        "Rename one.";
    UnknownType, "UNKNOWN_TYPE", "`uses` names no type of step.",
        "Use one of `document_insights`, `web_function`, `transform`, `validate`, `file`, `workflow`, `wait`, `approval`, `custom`, or the blocks `switch:` and `parallel:`.";
    Misplaced, "MISPLACED", "A key that means something elsewhere and nothing on this type of step, such as `retry` on a `transform`.",
        "Remove it, or move it to the step that does the work.";
    TooMany, "TOO_MANY", "More of something than allowed: 500 steps, 64 KiB of expressions, 20 blocks within each other, 50 secrets, 10 000 steps under way at a time where loops within loops multiply.",
        "Split the workflow: a step with `uses: workflow` runs another one. Of loops, lower `max_parallel`.";
    BadSchema, "BAD_SCHEMA", "`input` is not a JSON Schema of draft 2020-12, or one that this product does not follow: a reference outside the schema, or one that never comes to an end.",
        "Correct the schema; references are of the form `#/$defs/<name>`.";
    ExpressionUnclosed, "EXPRESSION_UNCLOSED", "A `${{` without its `}}`.", "Close it. Brackets and quotes inside have to match first.";
    ExpressionSyntax, "EXPRESSION_SYNTAX", "What stands in `${{ }}` is not jq.",
        "Look at the place shown. Conditions are joined with `and`, `or`, `not`; texts are in double quotes.";
    ExpressionFunction, "EXPRESSION_FUNCTION", "A function that does not exist, or that workflows may not call.",
        "The hint names the closest one, or what to use instead.";
    ExpressionVariable, "EXPRESSION_VARIABLE", "A `$variable` that nothing binds here.",
        "Bind it with `as $name |`, or use `body`, `steps`, `item`, `secrets`, `run` without `$`.";
    ExpressionLimit, "EXPRESSION_LIMIT", "An expression of more than 16 KiB, 200 operators and names, or 20 brackets within each other.",
        "Compute a part of it in a `transform` step before this one.";
    ExpressionWanted, "EXPRESSION_WANTED", "A condition, an assertion or a list that is no expression.",
        "Write `${{ … }}` around it.";
    ExpressionNotAllowed, "EXPRESSION_NOT_ALLOWED", "An expression where the value has to be known when the workflow is published.",
        "Write the value itself.";
    UnknownStep, "UNKNOWN_STEP", "`steps.<id>` names no step.", "Correct the id; the hint names the closest one.";
    StepNotVisible, "STEP_NOT_VISIBLE", "The step exists, but it may not have run by then: it comes later, it is in another case of a `switch`, or inside a block that may be skipped.",
        "Refer to a step that has always ended before this one; the output of a `switch` is that of the case's last step.";
    StepsDynamic, "STEPS_DYNAMIC", "`steps` or `secrets` without a name written out. Which ones an expression reads is known when it is published, so that only those are loaded.",
        "Write `steps.<id>` or `secrets.<NAME>`.";
    UnknownOutput, "UNKNOWN_OUTPUT", "A part of a step's result that it never has.",
        "A step has `status`, `output` and `error`; the hint names what this one's output has.";
    UnknownField, "UNKNOWN_FIELD", "The hub has no such field.", "Correct the field's id; the hint names the closest one.";
    UnknownHub, "UNKNOWN_HUB", "No hub of this organization has this id or name.", "Use the hub's id, or its name in kebab case.";
    UnknownWorkflow, "UNKNOWN_WORKFLOW", "No workflow of this organization has this id, or it has no such version.",
        "Publish that workflow first, or correct the id.";
    UnknownSecret, "UNKNOWN_SECRET", "`secrets.<NAME>` is not listed under `secrets`.", "Add the name to the list at the top.";
    SecretNotAllowed, "SECRET_NOT_ALLOWED", "A secret outside the `with` of a `web_function`. Outputs are stored and shown; a secret must not get there.",
        "Use it in `url`, `headers`, `query` or `body` of the call that needs it.";
    ItemOutsideLoop, "ITEM_OUTSIDE_LOOP", "`item` or `index` where no `for_each` is around.", "Move the expression under the step with `for_each`.";
    UnreachableCase, "UNREACHABLE_CASE", "A case after `else`.", "Put `else` last.";
    ImportUnsupported, "IMPORT_UNSUPPORTED", "A part of an imported document that has no counterpart here. It was left out.",
        "Write it by hand; the message says what it was.";
}
