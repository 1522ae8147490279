//! Progress on stderr: a line that moves on a terminal, plain lines elsewhere.

use crate::terminal::{self, Style};
use indicatif::ProgressBar;
use std::{io::IsTerminal, time::Duration};

/// What is being done. Dropped, it leaves the lines of what was done.
pub struct Progress {
    spinner: Option<ProgressBar>,
}

impl Progress {
    pub fn start() -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        Self { spinner }
    }

    /// What happens now.
    pub fn doing(&self, what: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(what.to_owned());
        }
    }

    /// Something is done.
    pub fn done(&self, what: &str) -> std::io::Result<()> {
        let mut stderr = terminal::stderr();
        let line = format!("{} {what}", stderr.styled(Style::Good, "✓"));
        match &self.spinner {
            Some(spinner) => spinner.println(line),
            None => stderr.line(line)?,
        }
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
