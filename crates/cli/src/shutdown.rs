//! When to stop.

use std::io::IsTerminal as _;
use tokio::signal::unix::{SignalKind, signal};

/// Ends with the first SIGTERM or SIGINT from this call on: one that comes right after the first answer, before anybody
/// waits for it, would otherwise end the process where it stands.
pub(crate) fn requested() -> impl Future<Output = ()> {
    let (terminated, interrupted) = (signalled(SignalKind::terminate()), signalled(SignalKind::interrupt()));
    async {
        tokio::select! {
            () = terminated => tracing::info!("SIGTERM: finishing what runs"),
            () = interrupted => tracing::info!("interrupted: finishing what runs"),
        }
        crate::notify::stopping();
    }
}

fn signalled(kind: SignalKind) -> impl Future<Output = ()> {
    let signals = signal(kind);
    async move {
        match signals {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                tracing::warn!(%error, "a signal cannot be listened for");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Ends when the terminal that this process was started from is closed. The same signal asks for a reload otherwise,
/// and a server that goes on where nobody sees it would be a surprise.
pub(crate) async fn terminal_closed() {
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
