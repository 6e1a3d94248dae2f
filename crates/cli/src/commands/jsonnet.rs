//! Checking, linting and formatting Jsonnet files; the work is done in the mapper's contained workers.

use super::mapper::claim_options;
use crate::args::{FormatJsonnet, JsonnetFiles, LintJsonnet, ProviderSettings};
use crate::{glob, output};
use bia_mapper::{Mapper, Settings, Source};
use bia_workbench::{Failure, InputError, Paint, format as layout, lint as linting, read_text, read_text_from, report};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code when something handed in can't be used.
const EXIT_INPUT: u8 = 2;

/// 0 well, 1 something was found, 2 it could not look.
pub(super) fn input(outcome: Result<bool, InputError>, json: bool) -> anyhow::Result<ExitCode> {
    Ok(match outcome {
        Ok(ok) => super::code(ok),
        Err(error) => {
            refuse(&error, json);
            ExitCode::from(EXIT_INPUT)
        }
    })
}

/// Says what can't be used: for people on standard error, for programs as the one JSON document besides.
pub(super) fn refuse(error: &InputError, json: bool) {
    output::note(format_args!("Error: {error}"));
    if json {
        print_json(&json!({ "ok": false, "error": Failure::from(error) }));
    }
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

/// One file on the command line, or why it can't be read.
struct Given {
    path: PathBuf,
    name: String,
    text: Result<String, InputError>,
}

/// The files, and whether all of them could be read; what can't be read is told at once and keeps no other file back.
fn texts(files: &JsonnetFiles) -> Result<(Vec<Given>, bool), InputError> {
    let paths = glob::expand(&files.files)
        .map_err(|error| InputError { place: files.files.join(" "), problem: error.to_string() })?;
    if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(InputError { place: "-".to_owned(), problem: "standard input can be read once".to_owned() });
    }
    let all: Vec<Given> =
        paths.into_iter().map(|path| Given { name: mapper_name(&path), text: mapper_text(&path), path }).collect();
    let unreadable = all.iter().filter_map(|given| given.text.as_ref().err());
    unreadable.clone().for_each(|error| output::note(format_args!("Error: {error}")));
    let readable = unreadable.count() == 0;
    Ok((all, readable))
}

/// Whether a name means standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What messages call a mapper.
pub(super) fn mapper_name(path: &Path) -> String {
    if is_stdin(path) { "stdin.jsonnet".to_owned() } else { path.display().to_string() }
}

/// The text of a mapper, from its file or from standard input.
pub(super) fn mapper_text(path: &Path) -> Result<String, InputError> {
    if is_stdin(path) { read_text_from(std::io::stdin().lock(), &mapper_name(path)) } else { read_text(path) }
}

/// 2 when a file could not be read, whatever the others came to.
fn ended(ok: bool, readable: bool) -> ExitCode {
    if readable { super::code(ok) } else { ExitCode::from(EXIT_INPUT) }
}

/// Whether files parse.
pub(crate) async fn check(files: JsonnetFiles) -> anyhow::Result<ExitCode> {
    let work = async |mapper: &Mapper| {
        let (given, readable) = texts(&files)?;
        let mut reports = Vec::new();
        for Given { name, text, .. } in given {
            let error = match text {
                Ok(text) => mapper.check(&Source { name: &name, text: &text }).await.err().map(Failure::from),
                Err(error) => Some(Failure::from(&error)),
            };
            reports.push((name, error));
        }
        let ok = reports.iter().all(|(_, error)| error.is_none());
        if files.json {
            let all =
                reports.iter().map(|(file, error)| json!({ "file": file, "ok": error.is_none(), "error": error }));
            print_json(&all.collect::<Vec<_>>());
        } else {
            let failures = reports.iter().filter_map(|(_, error)| error.as_ref());
            failures.filter(|error| !error.is_input()).for_each(|error| output::line(&error.diagnostic));
        }
        Ok(ended(ok, readable))
    };
    with_mapper(work).await.or_else(|error| input(Err(error), files.json))
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
        let (given, readable) = texts(&args.files)?;
        let mut reports = Vec::new();
        for Given { name, text, .. } in given {
            reports.push(match text {
                Ok(text) => linting::lint(mapper, Source { name: &name, text: &text }, &options).await,
                Err(error) => linting::Report { file: name, findings: Vec::new(), error: Some(Failure::from(&error)) },
            });
        }
        Ok((reports, readable))
    };
    let (reports, readable) = match with_mapper(work).await {
        Ok(looked) => looked,
        Err(error) => return input(Err(error), args.files.json),
    };
    let read = || reports.iter().filter(|report| !report.error.as_ref().is_some_and(Failure::is_input));
    let clean = read().all(linting::Report::clean);
    if args.files.json {
        print_json(&reports);
    } else {
        read().for_each(|report| output::raw(&report::lint(report, paint())));
        if !clean {
            // Kratos: this sentence, and nothing else, on standard error.
            output::note("Linter found issues.");
        }
    }
    Ok(ended(clean, readable))
}

/// Prints files laid out, writes them, or says which are not.
pub(crate) async fn format(args: FormatJsonnet) -> anyhow::Result<ExitCode> {
    let work = async |mapper: &Mapper| {
        if args.write && args.files.files.iter().any(|file| file == "-") {
            let problem = "standard input can't be written; leave --write out";
            return Err(InputError { place: "-".to_owned(), problem: problem.to_owned() });
        }
        let (given, readable) = texts(&args.files)?;
        let (mut ok, mut all) = (true, Vec::new());
        for Given { path, name, text } in given {
            let formatted = match text {
                Ok(text) => layout::format(mapper, Source { name: &name, text: &text }).await,
                Err(error) => layout::Formatted::unreadable(name, &error),
            };
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
        Ok(ended(ok, readable))
    };
    with_mapper(work).await.or_else(|error| input(Err(error), args.files.json))
}

fn print(args: &FormatJsonnet, formatted: &layout::Formatted) {
    match &formatted.error {
        // Told when it was read.
        Some(error) if error.is_input() => {}
        Some(error) => output::note(&error.diagnostic),
        None if args.check && formatted.changed => output::line(&formatted.file),
        None if !args.check && !args.write => output::raw(&formatted.text),
        None => {}
    }
}
