//! `bia version`.

use crate::output;
use std::process::ExitCode;

pub(crate) const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

pub(crate) fn run(json: bool) -> anyhow::Result<ExitCode> {
    if json {
        output::json(&serde_json::json!({ "version": VERSION }))?;
    } else {
        output::line(format_args!("Version:\t{VERSION}"));
    }
    Ok(ExitCode::SUCCESS)
}
