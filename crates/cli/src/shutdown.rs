//! When to stop.

use std::io::IsTerminal as _;

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

/// Ends when the terminal that this process was started from is closed. The same signal asks for a reload otherwise,
/// and a server that goes on where nobody sees it would be a surprise.
pub(crate) async fn terminal_closed() {
    use tokio::signal::unix::{SignalKind, signal};
    let is_terminal = || std::io::stderr().is_terminal();
    if let (true, Ok(mut hangups)) = (is_terminal(), signal(SignalKind::hangup())) {
        while hangups.recv().await.is_some() {
            if !is_terminal() {
                return;
            }
        }
    }
    std::future::pending().await
}

/// Ends with the first Ctrl-C, quietly: for commands that a person watches.
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
