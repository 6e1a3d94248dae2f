//! When to stop.

/// Ends with the first SIGTERM or SIGINT.
pub(crate) async fn requested() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                tracing::warn!(%error, "a signal cannot be listened for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => tracing::info!("SIGTERM: finishing what runs"),
        () = wait(SignalKind::interrupt()) => tracing::info!("interrupted: finishing what runs"),
    }
    crate::notify::stopping();
}

/// Ends with the first Ctrl-C, quietly: for commands that a person watches.
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
