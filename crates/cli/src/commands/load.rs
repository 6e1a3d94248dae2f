//! Loading the configuration the way every command does.

use crate::args::ConfigFiles;
use bia_config::{Config, Finding, LoadInput, Loaded, Severity};
use bia_hooks::Registry;

/// The hooks compiled into this binary. A third party adds a line here, `.with("name", its_crate::make)`.
pub(crate) fn hooks() -> Registry {
    Registry::new()
}

/// Files, environment and `--dev`.
pub(crate) fn load(files: &ConfigFiles, dev: bool) -> Result<Loaded, bia_config::ConfigErrors> {
    load_beside(files, dev, None)
}

/// The same for a configuration that is to take the place of what is `running`.
pub(crate) fn load_beside(
    files: &ConfigFiles,
    dev: bool,
    running: Option<&Config>,
) -> Result<Loaded, bia_config::ConfigErrors> {
    let registry = hooks();
    bia_config::load(LoadInput {
        files: files.config.clone(),
        dev,
        env: environment(),
        extra_hooks: &registry.names(),
        hostname: hostname(),
        running,
        ..LoadInput::default()
    })
}

/// Variables that are text; no key of ours has another value.
pub(crate) fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Writes findings into the log, where operators of a running server look.
pub(crate) fn log_findings<'a>(findings: impl IntoIterator<Item = &'a Finding>) {
    for finding in findings {
        let kind = if finding.severity == Severity::Advice { "advice" } else { "warning" };
        tracing::warn!(code = finding.code, kind, "{finding}");
    }
}
