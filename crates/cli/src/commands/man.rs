//! `bia man`: manual pages from the definitions of the command line.

use crate::args::Args;
use crate::output;
use anyhow::Context as _;
use clap::CommandFactory as _;
use std::path::Path;
use std::process::ExitCode;

/// Writes `bia.1` and a page for each command into a folder.
pub(crate) fn run(folder: &Path) -> anyhow::Result<ExitCode> {
    let unwritable = || format!("the manual pages can't be written to {}", folder.display());
    std::fs::create_dir_all(folder).with_context(unwritable)?;
    clap_mangen::generate_to(Args::command(), folder).with_context(unwritable)?;
    output::note(format_args!(
        "Manual pages are in {}; read one with: man {}",
        folder.display(),
        folder.join("bia.1").display()
    ));
    Ok(ExitCode::SUCCESS)
}
