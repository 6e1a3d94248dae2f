//! What commands print: results on standard output, everything else on standard error.

use serde::Serialize;
use std::io::Write as _;

/// One line of a result. A reader that went away is not an error.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Text as it is, without a line end.
pub(crate) fn raw(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A result for programs.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// One line for the person at the terminal that is no result.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Why the command failed: the plain cause first, what led to it below.
pub(crate) fn failure(error: &anyhow::Error) {
    note(format_args!("Error: {error}"));
    for cause in error.chain().skip(1) {
        note(format_args!("  because: {cause}"));
    }
}
