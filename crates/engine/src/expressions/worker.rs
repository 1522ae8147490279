//! The child process that evaluates expressions.
//!
//! It answers questions until its input ends. It does not defend itself: a panic, a full stack or a failed allocation
//! ends it, and the server takes that as the answer.

use super::message::{Answer, Question};
use domain::limits;
use flow::{expr, input, run::Failure};
use serde_json::Value;
use std::io::{self, Read, Write};

/// Values deeper than this overflow it when they are dropped, which ends the child alone. Part of its address space.
const STACK_BYTES: usize = 16 << 20;

const UNREADABLE: &str = "EXPRESSION_FAILED";

/// Answers questions until the input ends.
///
/// # Errors
/// That the streams broke: the parent is gone.
pub fn run(input: impl Read + Send, output: impl Write + Send) -> io::Result<()> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("expressions".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, move || serve(input, output))?
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("an evaluation panicked")))
    })
}

fn serve(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    while let Some(body) = receive(&mut input)? {
        insights::worker::message::send(&mut output, &answer(&body))?;
    }
    Ok(())
}

/// The bytes of one message; none where the stream has ended between two.
fn receive(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match input.read(&mut length)? {
        0 => return Ok(None),
        read => input.read_exact(&mut length[read..])?,
    }
    let length = u64::from(u32::from_le_bytes(length));
    if length > limits::EXPRESSION_REQUEST_BYTES_MAX as u64 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    if (input.take(length).read_to_end(&mut body)? as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(body))
}

fn answer(body: &[u8]) -> Answer {
    let result = match serde_json::from_slice(body) {
        Ok(Question::Evaluate { template, env }) => expr::evaluate(&template, &env),
        Ok(Question::CheckInput { schema, body }) => input::check(&schema, &body).map(|()| Value::Null),
        // The server writes no wrong JSON, but values from outside may be so deep that none reads them inside a message.
        Err(error) => {
            Err(Failure::permanent(UNREADABLE, format!("what it reads is nested too deep: {error}")))
        }
    };
    let is_worn = resident_bytes().is_none_or(|bytes| bytes > limits::EXPRESSION_MEMORY_KEPT_BYTES_MAX);
    match result {
        Ok(value) => Answer::Value { value, is_worn },
        Err(failure) => Answer::Failed { failure, is_worn },
    }
}

/// Memory that this process holds now, its program not counted.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
