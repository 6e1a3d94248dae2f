//! `bia doctor`: builds the tools for the checks of `bia-doctor`, and prints what they say.

use super::load::{load, log_findings};
use crate::args;
use crate::assemble::{self, mapper_settings};
use crate::output;
use bia_config::{Config, Dsn, Loaded};
use bia_doctor::{Database, Level, Options, Patient, Report, examine};
use bia_mapper::Mapper;
use bia_outbound::{Outbound, Policy, Sources};
use bia_store::{ConnectOptions, Store};
use std::process::ExitCode;
use std::sync::Arc;
use url::Url;

pub(crate) async fn run(args: args::Doctor) -> anyhow::Result<ExitCode> {
    let report = match load(&args.files, args.dev) {
        Err(errors) => Report::of_errors(&errors),
        Ok(loaded) => look(&loaded, Options { offline: args.offline, database: args.db }).await?,
    };
    if args.json {
        output::json(&serde_json::json!({
            "healthy": report.is_healthy(args.strict),
            "problems": report.count(Level::Problem),
            "warnings": report.count(Level::Warning),
            "findings": report.findings,
        }))?;
    } else {
        output::raw(&report.to_text());
    }
    Ok(super::code(report.is_healthy(args.strict)))
}

async fn look(loaded: &Loaded, options: Options) -> anyhow::Result<Report> {
    let config = &loaded.config;
    if let Err(refused) = assemble::refuse_stand_in(config) {
        output::note(format_args!("{refused}"));
    }
    let policy = Policy {
        disallow_private_ip_ranges: config.clients.http.disallow_private_ip_ranges,
        private_ip_exception_urls: config.clients.http.private_ip_exception_urls.clone(),
        ..Policy::default()
    };
    let outbound = Outbound::new(policy)?;
    let mapper = Mapper::new(mapper_settings(config));
    let patient = Patient {
        loaded,
        outbound: &outbound,
        sources: Arc::new(Sources::new(outbound.clone())),
        mapper: &mapper,
        database: database(config).await,
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

/// Opens what exists: a doctor makes no database.
async fn database(config: &Config) -> Database {
    if let Dsn::Sqlite { path, .. } = &config.dsn
        && !path.exists()
    {
        return Database::Missing(path.clone());
    }
    match Store::connect(&assemble::dsn_text(&config.dsn), &ConnectOptions::default()).await {
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
pub(super) async fn cut_off_links(store: &Store, loaded: &Loaded) -> Vec<bia_config::Finding> {
    let found = match bia_doctor::links::cut_off(store, &loaded.config).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the links of the database could not be looked at");
            return Vec::new();
        }
    };
    let advice = found.into_iter().map(|finding| bia_config::Finding {
        severity: bia_config::Severity::Advice,
        code: finding.code,
        path: bia_config::KeyPath::of(&finding.key),
        location: loaded.locate(&finding.key),
        message: format!("{}. {}", finding.what, finding.why),
        help: Some(finding.fix),
    });
    let advice: Vec<_> = advice.collect();
    log_findings(&advice);
    advice
}
