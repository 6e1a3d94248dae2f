//! Leavers: asks the provider at an interval whether people are still there (`recheck`, design §3).
//!
//! Each session keeps the sealed refresh token of its sign-in. Refreshing it is the question; the OAuth `error` alone
//! is the answer. `invalid_grant` and `interaction_required` end the sessions of that link. A refused client, throttling
//! and outages never sign anybody out: the session is simply asked about again after the next interval.

use crate::deps::Deps;
use bia_config::{Config, OidcProvider};
use bia_identity::Purpose;
use bia_model::session::Upstream;
use bia_model::{Session, Timestamp};
use bia_provider::{Provider, ProviderError};
use bia_store::{Page, SessionFilter, StoreError};
use bia_telemetry::audit;
use futures_util::stream::{self, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Sessions of one provider that are taken at once. The next ones are taken when these are done, so that an interval
/// is kept however many there are.
const BATCH: u32 = 100;
/// Questions to one provider at the same time.
const CONCURRENCY: usize = 4;
/// Sessions of one person that are looked through when only some of them belong to the link.
const SESSIONS_OF_ONE_PERSON_MAX: u32 = 1000;

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecheckReport {
    /// The provider said that the person is still there.
    pub confirmed: u64,
    /// The provider said that the person is gone, and so are these sessions.
    pub ended: u64,
    /// The provider could not say; nothing changed.
    pub undecided: u64,
}

/// How often [`recheck_due`] should be called: a quarter of the shortest interval, but at most once a second.
/// `None` when no provider is to be asked.
pub fn pace(config: &Config) -> Option<Duration> {
    let intervals =
        config.providers().iter().filter(|provider| provider.enabled).filter_map(|provider| provider.recheck);
    intervals.min().map(|shortest| (shortest / 4).clamp(Duration::from_secs(1), Duration::from_secs(300)))
}

/// One round over every provider with `recheck`. Several instances may run it at the same time: a session is taken by
/// moving its `checked_at`, so each is asked about by one of them.
///
/// # Errors
/// When the database can't say which sessions are due.
pub async fn recheck_due(deps: &Deps, now: Timestamp) -> Result<RecheckReport, StoreError> {
    let mut report = RecheckReport::default();
    for config in deps.config.providers() {
        let (Some(interval), Some(provider)) = (config.recheck, deps.providers.get(&config.id)) else {
            continue;
        };
        for id in std::iter::once(&config.id).chain(&config.aliases) {
            let throttled = AtomicBool::new(false);
            // Taking a session moves its `checked_at`, so each is taken once and this ends.
            loop {
                let due = deps.store.take_sessions_for_recheck(id, now - interval, now, BATCH).await?;
                let is_last = due.len() < BATCH as usize;
                let done = round(deps, config, &provider, due, &throttled, now).await;
                report += done;
                // A provider that answers nobody is down: going on would only wait for it.
                let is_down = done.confirmed + done.ended == 0;
                if is_last || is_down || throttled.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    }
    Ok(report)
}

async fn round(
    deps: &Deps,
    config: &OidcProvider,
    provider: &Arc<dyn Provider>,
    due: Vec<Session>,
    throttled: &AtomicBool,
    now: Timestamp,
) -> RecheckReport {
    let answers = stream::iter(due)
        .map(|session| ask(deps, config, provider, session, throttled, now))
        .buffer_unordered(CONCURRENCY);
    let report = answers.fold(RecheckReport::default(), |sum, one| async move { sum + one }).await;
    for (outcome, count) in [("confirmed", report.confirmed), ("ended", report.ended), ("undecided", report.undecided)]
    {
        metrics::counter!("bia_rechecks_total", "provider" => config.id.clone(), "outcome" => outcome).increment(count);
    }
    report
}

/// Asks about one session.
async fn ask(
    deps: &Deps,
    config: &OidcProvider,
    provider: &Arc<dyn Provider>,
    session: Session,
    throttled: &AtomicBool,
    now: Timestamp,
) -> RecheckReport {
    let undecided = RecheckReport { undecided: 1, ..RecheckReport::default() };
    let Some(upstream) = session.upstream.clone() else {
        return undecided;
    };
    let Some(token) = open(deps, &upstream) else {
        tracing::warn!(provider = %config.id, session_id = %session.id, "a kept refresh token can't be opened any more; were secrets replaced without keeping the old ones?");
        return undecided;
    };
    // The provider asked to be left alone: the rest of this round has its turn after the next interval.
    if throttled.load(Ordering::Relaxed) {
        return undecided;
    }
    let outcome = match provider.refresh(&token, now).await {
        Ok(refreshed) => keep(deps, &session, &token, refreshed.tokens.refresh, now)
            .await
            .map(|()| RecheckReport { confirmed: 1, ..RecheckReport::default() }),
        Err(error) if error.ends_sessions() => end(deps, config, &session, &upstream, &error, now)
            .await
            .map(|ended| RecheckReport { ended, ..RecheckReport::default() }),
        Err(error) => {
            tracing::warn!(provider = %config.id, %error, "a re-check got no answer; nobody is signed out by that");
            throttled.fetch_or(error.retry_after().is_some(), Ordering::Relaxed);
            return undecided;
        }
    };
    outcome.unwrap_or_else(|error| {
        tracing::error!(provider = %config.id, session_id = %session.id, %error, "the outcome of a re-check can't be kept");
        undecided
    })
}

fn open(deps: &Deps, upstream: &Upstream) -> Option<SecretString> {
    let opened = deps.sealer.open(Purpose::Token, upstream.refresh_token.as_deref()?)?;
    String::from_utf8(opened).ok().map(SecretString::from)
}

/// Keeps a rotated token; the old one may not work again.
async fn keep(
    deps: &Deps,
    session: &Session,
    old: &SecretString,
    new: Option<SecretString>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(new) = new.filter(|new| new.expose_secret() != old.expose_secret()) else {
        return Ok(());
    };
    let used = session.upstream.as_ref().and_then(|upstream| upstream.refresh_token.clone());
    let mut tx = deps.store.begin().await?;
    tx.change_session(session.id, |current| {
        // Unless a step-up brought a token of its own while the provider was asked.
        let Some(upstream) = current.upstream.as_mut().filter(|now| now.refresh_token == used) else {
            return;
        };
        upstream.refresh_token = Some(deps.sealer.seal(Purpose::Token, new.expose_secret().as_bytes()));
        upstream.checked_at = Some(now);
    })
    .await?;
    tx.commit().await
}

/// Ends every session of the link, not only the one that was asked about: the person is gone.
async fn end(
    deps: &Deps,
    config: &OidcProvider,
    session: &Session,
    upstream: &Upstream,
    error: &ProviderError,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let ended = if has_other_accounts(deps, config, session, upstream).await? {
        end_of_subject(deps, session, upstream, now).await?
    } else {
        deps.store.deactivate_sessions_of_link(session.identity_id, &upstream.provider).await?
    };
    let oauth_error = error.provider_said().map(|said| said.error.as_str()).unwrap_or_default();
    let line = audit::sessions_ended("recheck", ended).actor("provider").provider(&config.id);
    line.identity(session.identity_id).said(Some(oauth_error), None).record();
    Ok(ended)
}

/// Somebody may have linked two accounts of one provider; only one of them is gone.
async fn has_other_accounts(
    deps: &Deps,
    config: &OidcProvider,
    session: &Session,
    upstream: &Upstream,
) -> Result<bool, StoreError> {
    let identity = deps.store.find_identity(session.identity_id).await?;
    let links = identity.map(|identity| identity.oidc_links()).unwrap_or_default();
    Ok(links.iter().any(|link| config.answers_to(&link.provider) && link.subject != upstream.subject))
}

async fn end_of_subject(
    deps: &Deps,
    session: &Session,
    upstream: &Upstream,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let filter =
        SessionFilter { identity_id: Some(session.identity_id), active: Some((true, now)), ..SessionFilter::default() };
    let page = Page::Offset { offset: 0, size: SESSIONS_OF_ONE_PERSON_MAX };
    let mut ended = 0;
    for own in deps.store.list_sessions(&filter, &page, false).await?.items {
        let same = |other: &Upstream| other.provider == upstream.provider && other.subject == upstream.subject;
        if own.upstream.as_ref().is_some_and(same) {
            ended += u64::from(deps.store.deactivate_session(own.id).await?);
        }
    }
    Ok(ended)
}

impl std::ops::Add for RecheckReport {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            confirmed: self.confirmed + other.confirmed,
            ended: self.ended + other.ended,
            undecided: self.undecided + other.undecided,
        }
    }
}

impl std::ops::AddAssign for RecheckReport {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
