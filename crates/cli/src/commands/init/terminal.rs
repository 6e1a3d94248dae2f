//! Questions at a terminal. They go to standard error, so that standard output holds results alone.

use super::answers::Ask;
use anyhow::Context as _;
use console::{Term, style};

pub(super) struct Terminal {
    term: Term,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { term: Term::stderr() }
    }

    fn put(&self, question: &str, default: &str) -> anyhow::Result<()> {
        let default = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        self.term.write_str(&format!("{} {question}{default}\n> ", style("?").bold()))?;
        Ok(())
    }
}

impl Ask for Terminal {
    fn line(&mut self, question: &str, default: &str) -> anyhow::Result<String> {
        self.put(question, default)?;
        let mut line = String::new();
        let count = std::io::stdin().read_line(&mut line).context("the answer can't be read")?;
        anyhow::ensure!(count > 0, "nothing was written: the terminal was closed");
        Ok(line.trim().to_owned())
    }

    fn secret(&mut self, question: &str) -> anyhow::Result<String> {
        self.put(question, "")?;
        self.term.read_secure_line().context("the answer can't be read")
    }

    fn complain(&mut self, why: &str) {
        // Nobody is left to be told when the terminal is gone; the next read says so.
        let _ = self.term.write_line(&format!("  {why}"));
    }
}
