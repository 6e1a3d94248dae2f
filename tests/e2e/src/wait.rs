//! Waiting for what nobody announces.

use std::time::{Duration, Instant};

/// Much longer than anything takes on a busy machine.
const GIVE_UP: Duration = Duration::from_secs(90);

/// Waits until something is so.
///
/// # Panics
/// When it never is; the panic names it.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let give_up_at = Instant::now() + GIVE_UP;
    while !holds().await {
        assert!(Instant::now() < give_up_at, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
