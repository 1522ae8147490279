//! Values of the expressions in workflows.
//!
//! What an author writes may recurse without end, ask for terabytes, or run for days. So only looking things up is done
//! in this process ([`flow::expr::resolve`], bounded in what it reads); everything else goes to a child of this program
//! under limits of memory and time, the same [`Sandbox`] that documents are read in but with children of its own: they are
//! small, they have other limits, and a queue of documents never holds up a run.
//!
//! What it promises: [`Expressions::evaluate`] ends within [`Settings::time`] of its turn, with a value no larger than
//! [`limits::EXPRESSION_RESULT_BYTES_MAX`] or with a failure that says what to change; whatever the expression does, this
//! process is unharmed; the values of secrets are in no failure.

mod message;
pub mod worker;

use crate::sandbox::{Breach, Said, Sandbox, SandboxSettings};
use domain::limits;
use flow::{
    expr::{self, Env, Resolved},
    ir::{FailureClass, Template},
    run::Failure,
};
use message::{Answer, Question};
use serde_json::Value;
use std::{borrow::Cow, io, path::PathBuf, time::Duration};

/// A machine out of memory or processes recovers in this time, or it is the operator's to look at.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(5)];
/// Descriptors of a child: the three streams, and what a runtime opens at its start.
const OPEN_FILES_MAX: u64 = 16;
/// What an answer is larger than its value: escapes in texts, and what is around it.
const ANSWER_BYTES_MAX: usize = 8 * limits::EXPRESSION_RESULT_BYTES_MAX;

/// What children are and what an evaluation may take.
#[derive(Debug, Clone)]
pub struct Settings {
    pub sandbox: SandboxSettings,
    /// Of one evaluation.
    pub time: Duration,
    /// Before each further try where no child could be started.
    pub pauses: Vec<Duration>,
}

impl Settings {
    /// `program worker expressions`, with the limits of the product and an empty environment.
    pub fn new(program: PathBuf) -> Self {
        let sandbox = SandboxSettings {
            arguments: vec!["worker".into(), "expressions".into()],
            environment: Vec::new(),
            memory_bytes: limits::EXPRESSION_MEMORY_BYTES_MAX,
            open_files: OPEN_FILES_MAX,
            cpu_time: limits::EXPRESSION_CPU_TIME_MAX,
            documents_per_process: limits::EXPRESSION_EVALUATIONS_MAX,
            answer_bytes_max: ANSWER_BYTES_MAX,
            ..SandboxSettings::new(program, limits::EXPRESSION_PROCESSES)
        };
        Self { sandbox, time: limits::EXPRESSION_TIME_MAX, pauses: PAUSES.to_vec() }
    }
}

/// Evaluates expressions. Cheap to clone; all clones share the children.
#[derive(Debug, Clone)]
pub struct Expressions {
    sandbox: Sandbox,
    time: Duration,
    pauses: Vec<Duration>,
}

impl Expressions {
    /// Starts nothing but a thread; the first expressions start children. Must be called within a tokio runtime.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let Settings { sandbox, time, pauses } = settings;
        Ok(Self { sandbox: Sandbox::new(sandbox)?, time, pauses })
    }

    /// The value of a template over the values that its names stand for.
    ///
    /// # Errors
    /// `EXPRESSION_FAILED` where it has none; `EXPRESSION_UNAVAILABLE`, which trying again later may cure, where no child
    /// can be started.
    pub async fn evaluate(&self, template: &Template, env: &Env) -> Result<Value, Failure> {
        match expr::resolve(template, env)? {
            Resolved::Value(value) => Ok(value),
            Resolved::NeedsSandbox => {
                let question =
                    Question::Evaluate { template: Cow::Borrowed(template), env: Cow::Borrowed(env) };
                self.ask("EXPRESSION_FAILED", "an expression", &question).await
            }
        }
    }

    /// Whether a body may start a run whose definition has this `input`. In a child too: a schema is an author's text,
    /// and what it costs is the product of its size and the body's.
    ///
    /// # Errors
    /// `WORKFLOW_INPUT_INVALID`, with the first mistakes and where they are; `EXPRESSION_UNAVAILABLE`.
    pub async fn check_input(&self, schema: &Value, body: &Value) -> Result<(), Failure> {
        let question = Question::CheckInput { schema: Cow::Borrowed(schema), body: Cow::Borrowed(body) };
        self.ask("WORKFLOW_INPUT_INVALID", "the check of the input", &question).await.map(|_| ())
    }

    async fn ask(&self, code: &str, what: &str, question: &Question<'_>) -> Result<Value, Failure> {
        let Some(request) = question.framed() else {
            let message = format!("{what} reads more than 16 MB; name only what it needs of them");
            return Err(Failure::permanent(code, message));
        };
        let mut pauses = self.pauses.iter();
        let mut is_second = false;
        loop {
            match self.try_once(&request).await {
                Ok(Answer::Value { value, .. }) => return Ok(value),
                Ok(Answer::Failed { failure, .. }) => return Err(failure),
                Err(Breach::Unavailable(message)) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => {
                        let class = FailureClass::ServerError;
                        return Err(Failure::new("EXPRESSION_UNAVAILABLE", class, message));
                    }
                },
                // The kernel may have chosen the child when the machine's memory ran out, which is nobody's fault here.
                Err(Breach::Crashed | Breach::Memory) if !is_second => is_second = true,
                Err(breach) => return Err(Failure::permanent(code, self.blame(what, &breach))),
            }
        }
    }

    async fn try_once(&self, request: &[u8]) -> Result<Answer, Breach> {
        let mut lease = self.sandbox.lease().await;
        let look = |message: Vec<u8>| match serde_json::from_slice::<Answer>(&message) {
            Ok(answer) => Said::Answer(answer),
            Err(_) => Said::Nonsense,
        };
        let answer = lease.ask(request, self.time, look).await?;
        if answer.is_worn() {
            lease.retire();
        }
        Ok(answer)
    }

    fn blame(&self, what: &str, breach: &Breach) -> String {
        match breach {
            Breach::Timeout => format!(
                "{what} took longer than {:?}; compute less at a time, for example with `for_each`",
                self.time
            ),
            Breach::Memory => {
                format!("{what} needs more memory than it may have; make smaller values of it")
            }
            Breach::TooLarge => format!("the value of {what} is larger than 4 MB"),
            Breach::Crashed | Breach::Unavailable(_) => {
                format!("{what} broke its evaluator, most likely with values nested without end")
            }
        }
    }
}
