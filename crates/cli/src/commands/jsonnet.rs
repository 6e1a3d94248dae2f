//! Checking, linting and formatting Jsonnet files; the work is done in the mapper's contained workers.

use crate::args::{FormatJsonnet, JsonnetFiles, LintJsonnet};
use crate::{glob, output};
use anyhow::Context as _;
use bia_mapper::{Mapper, MapperError, Settings, Source};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))
}

fn texts(files: &JsonnetFiles) -> anyhow::Result<Vec<(PathBuf, String, String)>> {
    let paths = glob::expand(&files.files)?;
    paths.into_iter().map(|path| Ok((path.clone(), path.display().to_string(), read(&path)?))).collect()
}

pub(crate) async fn check(files: JsonnetFiles) -> anyhow::Result<ExitCode> {
    let mapper = Mapper::new(Settings::default());
    let mut ok = true;
    for (_, name, text) in texts(&files)? {
        if let Err(error) = mapper.check(&Source { name: &name, text: &text }).await {
            ok = false;
            output::line(error.diagnostic());
        }
    }
    mapper.shutdown().await;
    Ok(super::code(ok))
}

pub(crate) async fn lint(args: LintJsonnet) -> anyhow::Result<ExitCode> {
    let schema = args.schema.as_deref().map(read).transpose()?;
    let mapper = Mapper::new(Settings::default());
    let mut reports = Vec::new();
    for (_, name, text) in texts(&args.files)? {
        reports.push((name.clone(), mapper.lint(&Source { name: &name, text: &text }, schema.as_deref()).await));
    }
    mapper.shutdown().await;
    let clean = reports.iter().all(|(_, findings)| matches!(findings, Ok(list) if list.is_empty()));
    if args.json {
        output::json(&reports.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        reports.iter().for_each(print);
        if !clean {
            // Kratos: this sentence, and nothing else, on standard error.
            output::note("Linter found issues.");
        }
    }
    Ok(super::code(clean))
}

type Report = (String, Result<Vec<bia_mapper::LintFinding>, MapperError>);

fn as_json((name, findings): &Report) -> serde_json::Value {
    match findings {
        Ok(findings) => serde_json::json!({ "file": name, "findings": findings }),
        Err(error) => serde_json::json!({ "file": name, "error": error.diagnostic(), "place": error.snippet() }),
    }
}

fn print((name, findings): &Report) {
    let findings = match findings {
        Ok(findings) => findings,
        Err(error) => return output::line(error.diagnostic()),
    };
    for finding in findings {
        let severity = match finding.severity {
            bia_mapper::LintSeverity::Error => "error",
            bia_mapper::LintSeverity::Warning => "warning",
        };
        output::line(format_args!(
            "{name}:{}:{}: {severity}: {} [{}]",
            finding.line, finding.column, finding.message, finding.rule
        ));
        if let Some(excerpt) = &finding.excerpt {
            output::line(format_args!("    {}", excerpt.text));
            output::line(format_args!("    {}{}", " ".repeat(excerpt.caret), "^".repeat(excerpt.width.max(1))));
        }
        if let Some(hint) = &finding.hint {
            output::line(format_args!("    help: {hint}"));
        }
    }
}

pub(crate) async fn format(args: FormatJsonnet) -> anyhow::Result<ExitCode> {
    let mapper = Mapper::new(Settings::default());
    let mut ok = true;
    for (path, name, text) in texts(&args.files)? {
        let laid_out = match mapper.format(&Source { name: &name, text: &text }).await {
            Ok(laid_out) => laid_out,
            Err(error) => {
                ok = false;
                output::note(error.diagnostic());
                continue;
            }
        };
        if args.check {
            if laid_out != text {
                ok = false;
                output::line(name);
            }
        } else if !args.write {
            output::raw(&laid_out);
        } else if laid_out != text {
            std::fs::write(&path, laid_out).with_context(|| format!("{name} can't be written"))?;
        }
    }
    mapper.shutdown().await;
    Ok(super::code(ok))
}
