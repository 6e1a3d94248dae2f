//! A changed configuration takes the place of the one that is served, without a restart and without one failed
//! sign-in; one that can't be used changes nothing.
//!
//! Everything that a configuration consists of is loaded, read and built beside what is running, and put into place
//! as a whole in the end. Requests that have begun go on with what they began with. What a process has once stays:
//! sockets, database, HTTP connections, what providers have published, and the mapper's workers unless their limits
//! have changed.

mod numbers;
mod snapshot;
pub(crate) mod texts;
mod watch;

use crate::assemble::{AssembleError, Assembled, Foundation, StandIn};
use crate::commands::{announce_provider, cut_off_links, log_findings};
use crate::{notify, secrets};
use bia_config::{Config, ConfigErrors, Finding, Loaded};
use bia_hooks::Registry;
use bia_outbound::{Outbound, SetupError};
use bia_selfservice::Deps;
use bia_server::{ReplaceError, State};
use snapshot::Followed;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use texts::{Texts, Unusable, Verdicts};
use tokio::task::AbortHandle;
use watch::Cause;

pub(crate) use watch::{Hangup, Watch};

/// Loads the configuration as the start did, given what is running.
pub(crate) type Load = Arc<dyn Fn(Option<&Config>) -> Result<Loaded, ConfigErrors> + Send + Sync>;

/// Why a changed configuration was not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{}", one_line(.0.errors()))]
    Config(#[from] ConfigErrors),
    #[error("--strict: {}", one_line(.0))]
    Strict(Vec<Finding>),
    #[error("{}", .0.join("; "))]
    Texts(Vec<String>),
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    #[error(transparent)]
    Outbound(#[from] SetupError),
    #[error("the reload was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

fn one_line<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    findings.into_iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What is needed to do again what the start did.
pub(crate) struct Reloader {
    pub(crate) foundation: Arc<Foundation>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) load: Load,
    pub(crate) hooks: Registry,
    pub(crate) stand_in: StandIn,
    /// Advice refuses a reload as it refuses a start.
    pub(crate) strict: bool,
    pub(crate) state: State,
    /// Background tasks follow it.
    pub(crate) running: tokio::sync::watch::Sender<Arc<Deps>>,
    pub(crate) texts: Texts,
    pub(crate) said: BTreeSet<String>,
}

/// Files and folders that a configuration is made of. Certificates and client secrets are not among them: whoever uses
/// those reads them again, whatever is wrong with the rest of the configuration.
pub(crate) fn followed(files: &[PathBuf], config: &Config) -> Followed {
    let named = config.texts().into_iter().filter_map(|text| text.source.path().map(PathBuf::from)).collect::<Vec<_>>();
    let generated = secrets::file(config);
    let logo = config.bia.ui.logo_url.as_deref().and_then(|logo| logo.strip_prefix("file://")).map(PathBuf::from);
    Followed {
        files: files.iter().cloned().chain(named).chain(generated).chain(logo).collect(),
        folders: config.folders().into_iter().map(|(_, folder)| folder.to_owned()).collect(),
    }
}

/// Makes the secrets that the configuration leaves out, for which nobody has to load it again. Before they are read, so
/// that an edit in between is noticed.
pub(crate) fn make_secrets(config: &Config, watch: &mut Watch) {
    if let Some(made) = secrets::make_missing(config) {
        watch.made(made);
    }
}

impl Reloader {
    /// Reloads whenever `watch` says so, for as long as it is polled.
    pub(crate) async fn run(mut self, mut watch: Watch) {
        numbers::start();
        let mut verdicts = Verdicts::default();
        let mut warming: Option<AbortHandle> = None;
        loop {
            let cause = watch.changed().await;
            if cause == Cause::Asked {
                // Whatever becomes of the configuration: logrotate has moved the file away.
                bia_telemetry::audit::reopen();
            }
            notify::reloading();
            let outcome = self.reload(&cause, &mut watch, &mut verdicts).await;
            let public_url = self.running.borrow().config.public_url().to_string();
            match outcome {
                Ok(changes) => {
                    numbers::taken(changes.needs_restart);
                    tracing::info!(
                        files = changes.files,
                        revision = changes.revision,
                        "the configuration was reloaded"
                    );
                    notify::ready(&format!("serving {public_url}"));
                    if let Some(warming) = warming.take() {
                        warming.abort();
                    }
                    warming = Some(tokio::spawn(warm(self.running.borrow().clone())).abort_handle());
                }
                Err(refusal) => {
                    numbers::refused();
                    let error = refusal.to_string();
                    tracing::error!(error, "the changed configuration can't be used; the one before it stays in use");
                    notify::ready(&format!("serving {public_url}; the changed configuration can't be used"));
                }
            }
        }
    }

    async fn reload(&mut self, cause: &Cause, watch: &mut Watch, verdicts: &mut Verdicts) -> Result<Changes, Refusal> {
        let running = self.running.borrow().clone();
        let (load, before) = (Arc::clone(&self.load), Arc::clone(&running.config));
        let loaded = tokio::task::spawn_blocking(move || load(Some(&before))).await??;
        // Before anything else is read, so that no edit is missed. A refused configuration is followed as well: the
        // file that it lacks may be on its way.
        watch.follow(followed(&self.files, &loaded.config));
        self.judge(&loaded, &running).await?;
        let texts = Texts::read(&loaded.config, &self.foundation.sources).await;
        let worse = texts.worse_than(&self.texts, &loaded.config, verdicts).await;
        if !worse.is_empty() {
            return Err(Refusal::Texts(worse.iter().map(|unusable| Unusable::sentence(unusable, &loaded)).collect()));
        }
        let prepared = self.outbound(cause, &loaded.config, &running.config).await?;
        let config = loaded.config.clone();
        make_secrets(&config, watch);
        let next = self.foundation.assemble_next(config, &self.hooks, self.stand_in, &texts, &running).await?;
        // From here on nothing fails but this, which changes nothing then.
        self.state.replace(Arc::clone(&next.deps), &next.fingerprint)?;
        if let Some(prepared) = prepared {
            self.foundation.outbound.replace(prepared);
        }
        if *cause == Cause::Asked {
            self.foundation.sources.expire().await;
        }
        self.texts = texts;
        Ok(self.announce(cause, &loaded, next, &running))
    }

    /// What `--strict` refuses at a start it refuses here; otherwise each finding is logged once.
    async fn judge(&mut self, loaded: &Loaded, running: &Deps) -> Result<(), Refusal> {
        let ids = |config: &Config| -> BTreeSet<String> {
            config.providers().iter().map(|provider| provider.id.clone()).collect()
        };
        let mut advice: Vec<Finding> = loaded.advice.clone();
        if ids(&loaded.config) != ids(&running.config) {
            advice.extend(cut_off_links(&self.foundation.store, loaded).await);
        }
        if self.strict && !advice.is_empty() {
            return Err(Refusal::Strict(advice));
        }
        let findings: Vec<&Finding> = advice.iter().chain(&loaded.warnings).chain(&loaded.needs_restart).collect();
        log_findings(findings.iter().copied().filter(|finding| !self.said.contains(&finding.to_string())));
        self.said = findings.iter().map(ToString::to_string).collect();
        Ok(())
    }

    /// New rules for calls to others; with SIGHUP also the certificate authorities as they are now.
    async fn outbound(
        &self,
        cause: &Cause,
        config: &Config,
        running: &Config,
    ) -> Result<Option<bia_outbound::Prepared>, Refusal> {
        if *cause != Cause::Asked && config.clients.http == running.clients.http {
            return Ok(None);
        }
        let policy = crate::assemble::policy(config);
        Ok(Some(tokio::task::spawn_blocking(move || Outbound::prepare(policy)).await??))
    }

    fn announce(&self, cause: &Cause, loaded: &Loaded, next: Assembled, running: &Deps) -> Changes {
        let config = Arc::clone(&next.deps.config);
        for provider in config.providers() {
            if running.config.provider(&provider.id).is_none_or(|before| before.enabled != provider.enabled) {
                announce_provider(&config, provider);
            }
        }
        self.running.send_replace(next.deps);
        let files = match cause {
            Cause::Edited(files) => files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "),
            Cause::Asked => "all, as SIGHUP asks".to_owned(),
        };
        let revision = config.revision.clone().unwrap_or(next.fingerprint);
        Changes { files, revision, needs_restart: !loaded.needs_restart.is_empty() }
    }
}

/// What is said about a reload.
struct Changes {
    files: String,
    revision: String,
    needs_restart: bool,
}

/// Nobody's sign-in should wait for the metadata and keys of a provider that is new.
async fn warm(deps: Arc<Deps>) {
    deps.providers.warm(time::OffsetDateTime::now_utc().into()).await;
}
