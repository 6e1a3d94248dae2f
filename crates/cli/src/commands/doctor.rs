//! `bia doctor`: builds the tools for the checks of `bia-doctor`, and prints what they say.

use super::load::load;
use crate::args;
use crate::assemble::{self, mapper_settings};
use crate::output;
use bia_config::{Config, Dsn, Loaded};
use bia_doctor::{Database, Options, Patient, Report, examine};
use bia_mapper::Mapper;
use bia_outbound::{Outbound, Policy, Sources};
use bia_store::{ConnectOptions, Store};
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use url::Url;

const THOROUGH_STATEMENT_MAX: Duration = Duration::from_secs(60 * 60);

/// Nothing was examined: wrong arguments, or files that can't be opened.
const COULD_NOT_LOOK: u8 = 2;

pub(crate) async fn run(args: args::Doctor) -> anyhow::Result<ExitCode> {
    let report = match load(&args.files, args.dev) {
        Err(errors) if errors.errors().iter().any(|error| UNOPENED.contains(&error.code)) => {
            output::note(errors);
            return Ok(ExitCode::from(COULD_NOT_LOOK));
        }
        Err(errors) => Report::of_errors(&errors),
        Ok(loaded) => {
            // What the checks find is in the report; the log of the libraries they use would only repeat it.
            match look(&loaded, Options { offline: args.offline, database: args.db }).await {
                Ok(report) => report,
                Err(error) => {
                    output::failure(&error);
                    return Ok(ExitCode::from(COULD_NOT_LOOK));
                }
            }
        }
    };
    if args.json {
        output::json(&report.to_json(args.strict))?;
    } else if has_colours() {
        output::raw(&report.to_colours());
    } else {
        output::raw(&report.to_text());
    }
    Ok(super::code(report.is_healthy(args.strict)))
}

/// Codes of files that were not even read.
const UNOPENED: [&str; 3] = ["unreadable_file", "file_extension", "file_too_large"];

/// A pipe and `NO_COLOR` get plain text.
fn has_colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

async fn look(loaded: &Loaded, options: Options) -> anyhow::Result<Report> {
    let config = &loaded.config;
    let policy = Policy {
        disallow_private_ip_ranges: config.clients.http.disallow_private_ip_ranges,
        private_ip_exception_urls: config.clients.http.private_ip_exception_urls.clone(),
        ..Policy::default()
    };
    let outbound = Outbound::new(policy)?;
    let mapper = Mapper::new(mapper_settings(config));
    let imports = match &config.bia.mapper.import_dir {
        Some(folder) => bia_selfservice::read_imports(folder),
        None => Ok(Vec::new()),
    };
    let patient = Patient {
        loaded,
        outbound: &outbound,
        sources: Arc::new(Sources::new(outbound.clone())),
        mapper: &mapper,
        database: database(config, options.database).await,
        imports,
        fingerprint: fingerprint(config),
        https_proxy: variable("HTTPS_PROXY").and_then(|text| Url::parse(&text).ok()),
        no_proxy: variable("NO_PROXY").unwrap_or_default(),
        now: time::OffsetDateTime::now_utc().into(),
    };
    let report = examine(&patient, options).await;
    mapper.shutdown().await;
    if let Database::Open(store) = patient.database {
        store.close().await;
    }
    Ok(report)
}

/// What `serve` would show at `/health/config` with this configuration.
fn fingerprint(config: &Config) -> Option<String> {
    let mut config = config.clone();
    if config.secrets.need_default() {
        // Only a file that is there already: a doctor makes no secrets.
        let Dsn::Sqlite { path, .. } = &config.dsn else { return None };
        crate::secrets::path_beside(path).exists().then_some(())?;
        crate::secrets::complete(&mut config, &OnceLock::new()).ok()?;
    }
    Some(config.revision.clone().unwrap_or_else(|| assemble::fingerprint(&config)))
}

/// Opens what exists: a doctor makes no database.
async fn database(config: &Config, thoroughly: bool) -> Database {
    if let Dsn::Sqlite { path, .. } = &config.dsn
        && !path.exists()
    {
        return Database::Missing(path.clone());
    }
    let mut options = ConnectOptions::default();
    if thoroughly {
        // One statement reads the whole file, however large it is.
        options.statement_timeout = THOROUGH_STATEMENT_MAX;
    }
    match Store::connect(&assemble::dsn_text(&config.dsn), &options).await {
        Ok(store) => Database::Open(store),
        Err(error) => Database::Failed(error),
    }
}

/// Both spellings are in use; curl and reqwest take the lower one first.
fn variable(name: &str) -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    set(&name.to_lowercase()).or_else(|| set(name))
}

/// Advice of `serve` at start: ids of providers that people are linked to and the configuration no longer has.
pub(crate) async fn cut_off_links(store: &Store, loaded: &Loaded) -> Vec<bia_config::Finding> {
    let found = match bia_doctor::links::cut_off(store, &loaded.config).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the links of the database could not be looked at");
            return Vec::new();
        }
    };
    found.into_iter().map(|finding| as_advice(loaded, finding)).collect()
}

/// Advice of `serve` at start: files of client secrets that no sign-in could use.
pub(crate) async fn bad_secret_files(loaded: &Loaded) -> Vec<bia_config::Finding> {
    let found = bia_doctor::secret_files(&loaded.config).await;
    found.into_iter().map(|finding| as_advice(loaded, finding)).collect()
}

fn as_advice(loaded: &Loaded, finding: bia_doctor::Finding) -> bia_config::Finding {
    bia_config::Finding {
        severity: bia_config::Severity::Advice,
        code: finding.code,
        path: bia_config::KeyPath::of(&finding.key),
        location: loaded.locate(&finding.key),
        message: format!("{}. {}", finding.what, finding.why),
        help: Some(finding.fix),
    }
}
