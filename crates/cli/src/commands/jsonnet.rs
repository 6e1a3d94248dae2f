//! Checking, linting and formatting Jsonnet files; the work is done in the mapper's contained workers.

use super::mapper::claim_options;
use crate::args::{FormatJsonnet, JsonnetFiles, LintJsonnet, ProviderSettings};
use crate::{glob, output};
use bia_mapper::{Mapper, Settings, Source};
use bia_workbench::{Failure, InputError, Paint, format as layout, lint as linting, read_text, report};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit code when something handed in can't be used.
const EXIT_INPUT: u8 = 2;

/// 0 well, 1 something was found, 2 it could not look.
pub(super) fn input(outcome: Result<bool, InputError>) -> anyhow::Result<ExitCode> {
    Ok(match outcome {
        Ok(ok) => super::code(ok),
        Err(error) => {
            output::note(format_args!("Error: {error}"));
            ExitCode::from(EXIT_INPUT)
        }
    })
}

/// Workers for one command.
pub(super) async fn with_mapper<T>(work: impl AsyncFnOnce(&Mapper) -> T) -> T {
    let mapper = Mapper::new(Settings::default());
    let outcome = work(&mapper).await;
    mapper.shutdown().await;
    outcome
}

/// Colours on a terminal, unless `NO_COLOR` says otherwise.
pub(super) fn paint() -> Paint {
    Paint::on(&std::io::stdout(), std::env::var_os("NO_COLOR").as_deref())
}

/// A result for programs; true, so that it can end a command that went well.
pub(super) fn print_json(value: &impl Serialize) -> bool {
    // Our own results always are JSON.
    let _ = output::json(value);
    true
}

/// What mappers may import.
pub(super) fn imports(provider: &ProviderSettings) -> Result<Vec<(String, String)>, InputError> {
    match &provider.import_dir {
        None => Ok(Vec::new()),
        Some(folder) => bia_selfservice::read_imports(folder)
            .map_err(|problem| InputError { place: "--import-dir".to_owned(), problem }),
    }
}

fn texts(files: &JsonnetFiles) -> Result<Vec<(PathBuf, String, String)>, InputError> {
    let paths = glob::expand(&files.files)
        .map_err(|error| InputError { place: files.files.join(" "), problem: error.to_string() })?;
    paths.into_iter().map(|path| Ok((path.clone(), path.display().to_string(), read_text(&path)?))).collect()
}

/// Whether files parse.
pub(crate) async fn check(files: JsonnetFiles) -> anyhow::Result<ExitCode> {
    let work = async |mapper: &Mapper| {
        let mut reports = Vec::new();
        for (_, name, text) in texts(&files)? {
            let error = mapper.check(&Source { name: &name, text: &text }).await.err().map(Failure::from);
            reports.push((name, error));
        }
        let ok = reports.iter().all(|(_, error)| error.is_none());
        if files.json {
            let all =
                reports.iter().map(|(file, error)| json!({ "file": file, "ok": error.is_none(), "error": error }));
            print_json(&all.collect::<Vec<_>>());
        } else {
            reports.iter().filter_map(|(_, error)| error.as_ref()).for_each(|error| output::line(&error.diagnostic));
        }
        Ok(ok)
    };
    input(with_mapper(work).await)
}

/// Looks for mistakes.
pub(crate) async fn lint(args: LintJsonnet) -> anyhow::Result<ExitCode> {
    let work = async |mapper: &Mapper| {
        let options = linting::Options {
            schema: args.schema.as_deref().map(read_text).transpose()?,
            personas: args.personas,
            claims: claim_options(&args.provider),
            imports: imports(&args.provider)?,
        };
        let mut reports = Vec::new();
        for (_, name, text) in texts(&args.files)? {
            reports.push(linting::lint(mapper, Source { name: &name, text: &text }, &options).await);
        }
        Ok(reports)
    };
    let reports = match with_mapper(work).await {
        Ok(reports) => reports,
        Err(error) => return input(Err(error)),
    };
    let clean = reports.iter().all(linting::Report::clean);
    if args.files.json {
        print_json(&reports);
    } else {
        reports.iter().for_each(|report| output::raw(&report::lint(report, paint())));
        if !clean {
            // Kratos: this sentence, and nothing else, on standard error.
            output::note("Linter found issues.");
        }
    }
    Ok(super::code(clean))
}

/// Prints files laid out, writes them, or says which are not.
pub(crate) async fn format(args: FormatJsonnet) -> anyhow::Result<ExitCode> {
    let work = async |mapper: &Mapper| {
        let (mut ok, mut all) = (true, Vec::new());
        for (path, name, text) in texts(&args.files)? {
            let formatted = layout::format(mapper, Source { name: &name, text: &text }).await;
            ok &= formatted.error.is_none() && !(args.check && formatted.changed);
            if args.write {
                layout::write(&path, &formatted)?;
            }
            if !args.files.json {
                print(&args, &formatted);
            }
            all.push(formatted);
        }
        if args.files.json {
            print_json(&all);
        }
        Ok(ok)
    };
    input(with_mapper(work).await)
}

fn print(args: &FormatJsonnet, formatted: &layout::Formatted) {
    match &formatted.error {
        Some(error) => output::note(&error.diagnostic),
        None if args.check && formatted.changed => output::line(&formatted.file),
        None if !args.check && !args.write => output::raw(&formatted.text),
        None => {}
    }
}
