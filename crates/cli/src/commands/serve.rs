//! `bia serve`: load, look, open, serve, finish.

use super::check_mappers::check_mappers;
use super::doctor::cut_off_links;
use super::load::{hooks, load, log_findings};
use crate::args;
use crate::assemble::{Foundation, StandIn, mapper_settings, refuse_stand_in};
use crate::{log, notify, output, shutdown};
use anyhow::Context as _;
use bia_config::{Config, Loaded};
use bia_mapper::Mapper;
use bia_selfservice::recheck::{self, RecheckReport};
use bia_server::{Bound, Server, State};
use bia_store::CleanupOptions;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const CLEANUP_START_MAX: Duration = Duration::from_secs(10 * 60);
const CLEANUP_PACE: Duration = Duration::from_secs(60 * 60);
const CLEANUP_PAUSE: Duration = Duration::from_millis(20);

pub(crate) fn run(args: args::Serve) -> anyhow::Result<ExitCode> {
    let loaded = match load(&args.files, args.dev) {
        Ok(loaded) => loaded,
        Err(errors) => {
            // Kratos: a blank line, then the errors.
            output::note(format_args!("\n{errors}\nNothing was started."));
            return Ok(ExitCode::FAILURE);
        }
    };
    log::start(&loaded.config.log);
    refuse_stand_in(&loaded.config)?;
    log_findings(loaded.findings());
    if args.strict && loaded.has_advice() {
        anyhow::bail!("--strict: the advice above has to be followed first; nothing was started");
    }
    super::block_on(serve(args, loaded))
}

async fn serve(args: args::Serve, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let config = loaded.config.clone();
    let foundation = Foundation::open(&config, !args.no_migrate).await?;
    let cut_off = cut_off_links(&foundation.store, &loaded).await;
    if args.strict {
        let mut advice = check_mappers(&loaded, &foundation.sources, &foundation.mapper).await;
        log_findings(&advice);
        advice.extend(cut_off);
        anyhow::ensure!(advice.is_empty(), "--strict: the advice above has to be followed first; nothing was started");
    }
    let assembled = foundation.assemble(config, &hooks(), StandIn::Refused).await?;
    let bound = Server::bind(&assembled.deps.config).await?;
    announce(&assembled.deps.config, &bound);
    if !foundation.store.is_ready().await.context("the database was opened but doesn't answer")? {
        tracing::warn!("the database is not migrated; /health/ready answers 503 until `bia migrate sql` was run");
    }
    let state = State::new(Arc::clone(&assembled.deps), &assembled.fingerprint);
    let look_ahead = tokio::spawn(look_ahead(loaded, Arc::clone(&assembled.deps), args.strict));
    let rechecks = tokio::spawn(recheck_leavers(Arc::clone(&assembled.deps)));
    let cleanup = tokio::spawn(remove_expired(Arc::clone(&assembled.deps)));
    let expiry = tokio::spawn(watch_expiry(Arc::clone(&assembled.deps)));
    notify::ready(&format!("serving {} on {}", assembled.deps.config.public_url(), bound.public_address()));
    bound.serve(state, shutdown::requested()).await;
    rechecks.abort();
    cleanup.abort();
    look_ahead.abort();
    expiry.abort();
    drop(assembled);
    foundation.close().await;
    tracing::info!("stopped; every answer that had begun was finished");
    Ok(ExitCode::SUCCESS)
}

/// What nobody should wait for: the first person's metadata and keys, and whether mappers parse.
async fn look_ahead(loaded: Loaded, deps: Arc<bia_selfservice::Deps>, mappers_were_checked: bool) {
    if !mappers_were_checked {
        // Workers of their own, so that none is kept before somebody signs in.
        let mapper = Mapper::new(mapper_settings(&deps.config));
        log_findings(&check_mappers(&loaded, &deps.sources, &mapper).await);
        mapper.shutdown().await;
    }
    deps.providers.warm(time::OffsetDateTime::now_utc().into()).await;
}

/// Asks providers with `recheck` whether people are still there, and ends the sessions of those who are not.
async fn recheck_leavers(deps: Arc<bia_selfservice::Deps>) {
    let Some(pace) = recheck::pace(&deps.config) else { return };
    let mut rounds = tokio::time::interval(pace);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        match recheck::recheck_due(&deps, time::OffsetDateTime::now_utc().into()).await {
            Ok(RecheckReport { ended: 0, .. }) => {}
            Ok(RecheckReport { ended, .. }) => tracing::info!(ended, "sessions of people who left were ended"),
            Err(error) => tracing::warn!(%error, "the database could not say whose sessions are to be checked"),
        }
    }
}

/// Removes expired rows every hour, which `bia cleanup sql` does on demand: anybody may begin a flow, so the database
/// would grow for as long as nobody thinks of it.
async fn remove_expired(deps: Arc<bia_selfservice::Deps>) {
    let configured = &deps.config.database.cleanup;
    // Instances that were started together must not clean up together.
    tokio::time::sleep(CLEANUP_START_MAX.mul_f64(rand::random())).await;
    let mut rounds = tokio::time::interval(CLEANUP_PACE);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let options = CleanupOptions {
            keep_last: configured.older_than,
            batch_size: u32::try_from(configured.batch_size).unwrap_or(u32::MAX).max(1),
            // People who sign in go first.
            pause: CLEANUP_PAUSE,
            ..CleanupOptions::new(time::OffsetDateTime::now_utc().into())
        };
        match deps.store.cleanup(&options).await {
            Ok(report) => tracing::debug!(removed = report.total(), "expired rows were removed"),
            Err(error) => tracing::warn!(%error, "expired rows could not be removed"),
        }
    }
}

/// Counts down the days that client secrets and certificates have left.
async fn watch_expiry(deps: Arc<bia_selfservice::Deps>) {
    bia_doctor::expiry::watch(&deps.config, || time::OffsetDateTime::now_utc().into()).await;
}

/// Says where it listens, what to register at each provider, and what is dangerous about it.
fn announce(config: &Config, bound: &Bound) {
    tracing::info!(public = %bound.public_address(), admin = %bound.admin_address(), base_url = %config.public_url(), "serving");
    for provider in config.providers().iter().filter(|provider| provider.enabled) {
        let callback = bia_provider::redirect_uri(provider, config.redirect_base().url());
        tracing::info!(provider = %provider.id, %callback, "the redirect URI to register at the provider");
    }
    if bound.admin_address().is_exposed() {
        tracing::warn!(
            address = %bound.admin_address(),
            "the admin port has no authentication and is reachable from beyond this machine; set serve.admin.host to 127.0.0.1, or keep others out by a firewall"
        );
    }
    if config.dev {
        tracing::warn!(
            "development mode: cookies are not Secure and addresses are plain http; never use it in production"
        );
    }
}
