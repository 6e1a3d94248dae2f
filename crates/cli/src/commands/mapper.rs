//! `bia mapper run`, `test` and `personas`: the workbench with files, a terminal and exit codes around it.

use super::jsonnet::{imports, input, is_stdin, mapper_name, mapper_text, paint, print_json, refuse, with_mapper};
use crate::args::{MapperRun, MapperTest, ProviderSettings, ResultFormat};
use crate::{glob, output};
use bia_config::SubjectSource;
use bia_mapper::{Mapper, Source};
use bia_workbench::cases::{self, Suite};
use bia_workbench::claims::{self, Given};
use bia_workbench::suite::{self, Results};
use bia_workbench::{
    InputError, personas, read_json, read_json_from, read_text, read_text_from, report, run, schema, watch,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs one mapper.
pub(crate) async fn run(args: MapperRun) -> anyhow::Result<ExitCode> {
    input(with_mapper(async |mapper| run_with(mapper, &args).await).await, args.json)
}

async fn run_with(mapper: &Mapper, args: &MapperRun) -> Result<bool, InputError> {
    let claims = args.capture.as_ref().or(args.claims.as_ref()).or(args.claims_file.as_ref());
    if is_stdin(&args.mapper) && claims.is_some_and(|path| is_stdin(path)) {
        let problem = "standard input can be the mapper or the claims, not both; put one of them into a file";
        return Err(InputError { place: "-".into(), problem: problem.into() });
    }
    let (name, text) = (mapper_name(&args.mapper), mapper_text(&args.mapper)?);
    let source = Source { name: &name, text: &text };
    let imports = imports(&args.provider)?;
    let (capture, claims, identity) = given(args)?;
    if args.raw {
        return Ok(match run::raw(mapper, source, claims.as_ref(), identity.as_ref(), &imports).await {
            Ok(value) => shown(&value),
            Err(error) if args.json => !print_json(&json!({ "ok": false, "error": error })),
            Err(error) => told(&error.diagnostic),
        });
    }
    let Some(claims) = claims else {
        return Err(InputError { place: "--claims".into(), problem: "or --persona or --capture is needed".into() });
    };
    let schema = args.schema.as_deref().map(schema).transpose()?;
    let request = run::Request {
        source,
        claims: &claims,
        identity: identity.as_ref(),
        schema: schema.as_ref(),
        imports: &imports,
    };
    let mut outcome = run::run(mapper, request).await;
    if let Some(capture) = &capture {
        run::compare_with(&mut outcome, capture);
    }
    if args.json {
        print_json(&outcome);
    } else if identity.is_some() || schema.is_some() || capture.is_some() {
        output::raw(&report::run(&outcome, paint()));
    } else {
        print_alone(&outcome);
    }
    Ok(outcome.ok)
}

/// The mapper's JSON on standard output, for a pipe; the rest on standard error.
fn print_alone(outcome: &run::Report) {
    outcome.notes.iter().for_each(|note| output::note(format_args!("note: {note}")));
    if let Some(reason) = &outcome.deny {
        output::note(format_args!("The mapper refuses this sign-in; the visitor reads: {reason:?}"));
    }
    match (&outcome.error, &outcome.output) {
        (Some(error), _) => output::note(&error.diagnostic),
        (None, Some(value)) => drop(shown(value)),
        (None, None) => {}
    }
}

fn shown(value: &Value) -> bool {
    print_json(value)
}

fn told(diagnostic: &str) -> bool {
    output::note(diagnostic);
    false
}

/// What messages call claims that come from there.
const STDIN: &str = "standard input";

type Start = (Option<bia_model::capture::Capture>, Option<Given>, Option<Value>);

/// What the mapper is given: a capture, a persona or a file, and the identity before.
fn given(args: &MapperRun) -> Result<Start, InputError> {
    let options = claim_options(&args.provider);
    if let Some(path) = &args.capture {
        let (capture, given, identity) = run::of_capture(&text_at(path)?, &path.display().to_string())?;
        return Ok((Some(capture), Some(given), identity));
    }
    let identity = match &args.identity {
        Some(path) => Some(run::identity(&read_json(path)?, &path.display().to_string())?),
        None => None,
    };
    let claims = match (&args.persona, args.claims.as_ref().or(args.claims_file.as_ref())) {
        (Some(name), _) => Some(claims::of_persona(name, &options)?),
        (None, Some(path)) => Some(claims::given(json_at(path)?, &path.display().to_string(), &options)?),
        (None, None) => None,
    };
    Ok((None, claims, identity))
}

fn json_at(path: &Path) -> Result<Value, InputError> {
    if is_stdin(path) { read_json_from(std::io::stdin().lock(), STDIN) } else { read_json(path) }
}

fn text_at(path: &Path) -> Result<String, InputError> {
    if is_stdin(path) { read_text_from(std::io::stdin().lock(), STDIN) } else { read_text(path) }
}

pub(super) fn claim_options(provider: &ProviderSettings) -> claims::Options {
    let subject_source = match provider.subject_source.as_str() {
        "me" => SubjectSource::Me,
        "oid" => SubjectSource::Oid,
        "tid_oid" => SubjectSource::TidOid,
        _ => SubjectSource::Userinfo,
    };
    claims::Options { subject_source, profile: provider.profile.clone() }
}

/// Runs folders of cases, once or whenever a file changes.
pub(crate) async fn test(args: MapperTest) -> anyhow::Result<ExitCode> {
    if !args.watch {
        return input(with_mapper(async |mapper| test_once(mapper, &args).await).await, args.prints_json());
    }
    let mapper = Mapper::new(bia_mapper::Settings::default());
    let paths = watched(&args);
    tokio::select! {
        () = test_again_and_again(&mapper, &args, &paths) => {}
        () = crate::shutdown::interrupted() => {}
    }
    mapper.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn test_again_and_again(mapper: &Mapper, args: &MapperTest, paths: &[PathBuf]) {
    loop {
        if let Err(error) = test_once(mapper, args).await {
            refuse(&error, args.prints_json());
        }
        // Looked at after the run, because --update writes.
        let seen = watch::Seen::look(paths);
        output::note("waiting for a change; Ctrl-C ends");
        watch::changed(paths, &seen).await;
        output::line("");
    }
}

/// Everything that a result depends on.
fn watched(args: &MapperTest) -> Vec<PathBuf> {
    let paths = glob::expand(&args.paths).unwrap_or_default();
    let beside = paths.iter().flat_map(|path| [path.with_extension(""), with_suffix(path, ".jsonnet")]);
    let more = args.schema.iter().chain(&args.provider.import_dir).cloned();
    paths.iter().cloned().chain(beside).chain(more).collect()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

async fn test_once(mapper: &Mapper, args: &MapperTest) -> Result<bool, InputError> {
    let options = suite::Options {
        update: args.update,
        schema: args.schema.as_deref().map(schema).transpose()?,
        claims: claim_options(&args.provider),
        imports: imports(&args.provider)?,
    };
    let results = suite::test(mapper, &suites(args)?, &options).await;
    if let Some(path) = &args.junit {
        std::fs::write(path, report::junit(&results)).map_err(|error| InputError {
            place: path.display().to_string(),
            problem: format!("can't be written: {error}"),
        })?;
    }
    print(&results, if args.json { ResultFormat::Json } else { args.format });
    Ok(results.ok())
}

/// Patterns may name a mapper and its folder; each suite runs once.
fn suites(args: &MapperTest) -> Result<Vec<Suite>, InputError> {
    let paths = glob::expand(&args.paths)
        .map_err(|error| InputError { place: args.paths.join(" "), problem: error.to_string() })?;
    let mut all: Vec<Suite> = Vec::new();
    for path in paths {
        for suite in cases::suites(&path, args.personas)? {
            if !all.iter().any(|known| known.mapper == suite.mapper) {
                all.push(suite);
            }
        }
    }
    Ok(all)
}

fn print(results: &Results, format: ResultFormat) {
    match format {
        ResultFormat::Text => output::raw(&report::test(results, paint())),
        ResultFormat::Json => drop(print_json(results)),
        ResultFormat::Junit => output::raw(&report::junit(results)),
        ResultFormat::Tap => output::raw(&report::tap(results)),
    }
}

/// Lists the shipped personas.
pub(crate) fn list_personas(json: bool) -> anyhow::Result<ExitCode> {
    let all = personas::all();
    if json {
        let whole = |persona: &personas::Persona| json!({ "name": persona.name, "about": persona.about, "id_token": persona.id_token, "graph": persona.graph });
        output::json(&all.iter().map(whole).collect::<Vec<_>>())?;
    } else {
        all.iter().for_each(|persona| output::line(format_args!("{:<14} {}", persona.name, persona.about)));
    }
    Ok(ExitCode::SUCCESS)
}
