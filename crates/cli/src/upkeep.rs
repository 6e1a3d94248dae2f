//! What a server does while nobody asks: each task goes by the configuration that is served now.

use bia_doctor::expiry::{self, Countdown};
use bia_selfservice::Deps;
use bia_selfservice::recheck::{self, RecheckReport};
use bia_store::CleanupOptions;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

const CLEANUP_START_MAX: Duration = Duration::from_secs(10 * 60);
const CLEANUP_PACE: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Starts all of them; they end with the set.
pub(crate) fn start(running: &Receiver<Arc<Deps>>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(recheck_leavers(running.clone()));
    tasks.spawn(remove_expired(running.clone()));
    tasks.spawn(watch_expiry(running.clone()));
    tasks
}

/// Waits so long, or until another configuration is served. What is waited with must not hold the old one.
async fn until_next(running: &mut Receiver<Arc<Deps>>, pace: Duration) {
    // An error of the channel: the server is ending, and this task with it.
    if let Ok(Err(_)) = tokio::time::timeout(pace, running.changed()).await {
        std::future::pending().await
    }
}

/// Asks providers with `recheck` whether people are still there, and ends the sessions of those who are not.
async fn recheck_leavers(mut running: Receiver<Arc<Deps>>) {
    loop {
        let deps = running.borrow_and_update().clone();
        let pace = recheck_once(deps).await;
        until_next(&mut running, pace.unwrap_or(Duration::MAX)).await;
    }
}

async fn recheck_once(deps: Arc<Deps>) -> Option<Duration> {
    let pace = recheck::pace(&deps.config)?;
    match recheck::recheck_due(&deps, time::OffsetDateTime::now_utc().into()).await {
        Ok(RecheckReport { ended: 0, .. }) => {}
        Ok(RecheckReport { ended, .. }) => tracing::info!(ended, "sessions of people who left were ended"),
        Err(error) => tracing::warn!(%error, "the database could not say whose sessions are to be checked"),
    }
    Some(pace)
}

/// Removes expired rows every hour, which `bia cleanup sql` does on demand: anybody may begin a flow, so the database
/// would grow for as long as nobody thinks of it.
async fn remove_expired(running: Receiver<Arc<Deps>>) {
    // Instances that were started together must not clean up together.
    tokio::time::sleep(CLEANUP_START_MAX.mul_f64(rand::random())).await;
    let mut rounds = tokio::time::interval(CLEANUP_PACE);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let (store, configured) = {
            let deps = running.borrow();
            (deps.store.clone(), deps.config.database.cleanup.clone())
        };
        let options = CleanupOptions {
            keep_last: configured.older_than,
            batch_size: u32::try_from(configured.batch_size).unwrap_or(u32::MAX).max(1),
            ..CleanupOptions::new(time::OffsetDateTime::now_utc().into())
        };
        match store.cleanup(&options).await {
            Ok(report) => tracing::debug!(removed = report.total(), "expired rows were removed"),
            Err(error) => tracing::warn!(%error, "expired rows could not be removed"),
        }
    }
}

/// Counts down the days that client secrets and certificates have left.
async fn watch_expiry(mut running: Receiver<Arc<Deps>>) {
    let mut countdown = Countdown::default();
    loop {
        let config = Arc::clone(&running.borrow_and_update().config);
        countdown.look(&expiry::deadlines(&config, time::OffsetDateTime::now_utc().into()).await);
        drop(config);
        until_next(&mut running, DAY).await;
    }
}
