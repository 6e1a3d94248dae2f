//! `bia serve`: load, look, open, serve, finish.

use super::check_mappers::check_mappers;
use super::doctor::{bad_secret_files, cut_off_links};
use super::load::{hooks, load, load_beside, log_findings};
use crate::args;
use crate::assemble::{Foundation, StandIn, refuse_stand_in};
use crate::reload::texts::Texts;
use crate::reload::{Hangup, Reloader, Watch, followed, make_secrets};
use crate::{core_files, log, memory, notify, output, shutdown, upkeep};
use anyhow::Context as _;
use bia_config::{Config, Loaded, OidcProvider};
use bia_server::{Bound, Server, State};
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn run(args: args::Serve) -> anyhow::Result<ExitCode> {
    let loaded = match load(&args.files, args.dev) {
        Ok(loaded) => loaded,
        Err(errors) => {
            // Kratos: a blank line, then the errors.
            output::note(format_args!("\n{errors}\nNothing was started."));
            return Ok(ExitCode::FAILURE);
        }
    };
    let _telemetry = log::serve(&loaded.config)?;
    core_files::forbid();
    refuse_stand_in(&loaded.config)?;
    log_findings(loaded.findings());
    if args.strict && loaded.has_advice() {
        anyhow::bail!("--strict: the advice above has to be followed first; nothing was started");
    }
    super::block_on(serve(args, loaded))
}

async fn serve(args: args::Serve, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let config = loaded.config.clone();
    let mut watch = Watch::new(followed(&args.files.config, &config), Hangup::Reloads);
    let foundation = Arc::new(Foundation::open(&config, !args.no_migrate).await?);
    let cut_off = cut_off_links(&foundation.store, &loaded).await;
    log_findings(&cut_off);
    if args.strict {
        let mut advice = check_mappers(&loaded, &foundation.sources).await;
        advice.extend(bad_secret_files(&loaded).await);
        log_findings(&advice);
        advice.extend(cut_off.iter().cloned());
        anyhow::ensure!(advice.is_empty(), "--strict: the advice above has to be followed first; nothing was started");
    }
    make_secrets(&config, &mut watch);
    let texts = Texts::read(&config, &foundation.sources).await;
    let assembled = foundation.assemble(config, &hooks(), StandIn::Refused, &texts).await?;
    let bound = Server::bind(&assembled.deps.config).await?;
    announce(&assembled.deps.config, &bound);
    if !foundation.store.is_ready().await.context("the database was opened but doesn't answer")? {
        tracing::warn!("the database is not migrated; /health/ready answers 503 until `bia migrate sql` was run");
    }
    let state = State::new(Arc::clone(&assembled.deps), &assembled.fingerprint);
    let (running, served) = tokio::sync::watch::channel(assembled.deps);
    let mut tasks = upkeep::start(&served);
    let reloader = Reloader {
        foundation: Arc::clone(&foundation),
        files: args.files.config.clone(),
        hooks: hooks(),
        stand_in: StandIn::Refused,
        strict: args.strict,
        state: state.clone(),
        running,
        texts,
        said: loaded.findings().chain(&cut_off).map(ToString::to_string).collect(),
        load: Arc::new(move |running| load_beside(&args.files, args.dev, running)),
    };
    tasks.spawn(reloader.run(watch));
    tasks.spawn(look_ahead(loaded, served.borrow().clone(), args.strict));
    let requested = shutdown::requested();
    notify::ready(&format!("serving {} on {}", served.borrow().config.public_url(), bound.public_address()));
    let stop = async {
        tokio::select! {
            () = requested => {}
            () = shutdown::terminal_closed() => {}
        }
    };
    bound.serve(state, stop).await;
    tasks.shutdown().await;
    let mapper = served.borrow().mapper.clone();
    foundation.close(&mapper).await;
    tracing::info!("stopped; every answer that had begun was finished");
    Ok(ExitCode::SUCCESS)
}

/// What nobody should wait for: the first person's metadata and keys, whether secrets can be read and mappers parse, and
/// tidying up after the start.
async fn look_ahead(loaded: Loaded, deps: Arc<bia_selfservice::Deps>, files_were_checked: bool) {
    if !files_were_checked {
        // Whoever mounts a secret later need not start again: it is read at each sign-in.
        log_findings(&bad_secret_files(&loaded).await);
        log_findings(&check_mappers(&loaded, &deps.sources).await);
    }
    deps.providers.warm(time::OffsetDateTime::now_utc().into()).await;
    memory::let_code_go();
}

/// Says where it listens, what to register at each provider, and what is dangerous about it.
fn announce(config: &Config, bound: &Bound) {
    tracing::info!(public = %bound.public_address(), admin = %bound.admin_address(), base_url = %config.public_url(), "serving");
    for provider in config.providers() {
        announce_provider(config, provider);
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

/// What the other side has to be told of a provider that is switched on.
pub(crate) fn announce_provider(config: &Config, provider: &OidcProvider) {
    if provider.enabled {
        let callback = bia_provider::redirect_uri(provider, config.redirect_base().url());
        tracing::info!(provider = %provider.id, %callback, "the redirect URI to register at the provider");
    }
}
