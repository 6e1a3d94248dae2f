//! How many connections a port may have, and who gives way when it has them.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Connections at once on one port; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 10_000;
/// How often those that wait for their next request are asked to leave while others wait to get in.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The places of one port.
#[derive(Clone)]
pub(super) struct Slots {
    max: usize,
    free: Arc<Semaphore>,
    crowded: Arc<Notify>,
}

impl Slots {
    /// For the public port: three quarters of the files that the process may open, so that a crowd there leaves enough for
    /// databases, providers and mapper workers.
    pub(super) fn public(files: usize) -> Self {
        Self::new(usable(files) / 4 * 3)
    }

    /// For the admin port: the rest, so that a crowd outside can't keep the operator out.
    pub(super) fn admin(files: usize) -> Self {
        Self::new(usable(files) / 4)
    }

    fn new(max: usize) -> Self {
        let max = max.clamp(4, CONNECTIONS_MAX);
        Self { max, free: Arc::new(Semaphore::new(max)), crowded: Arc::default() }
    }

    /// A place, which is kept until it is dropped. When there is none, connections that wait for their next request, or
    /// say nothing, end: a crowd that asks something once in a while could otherwise keep everybody out for two minutes.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let mut taken = std::pin::pin!(Arc::clone(&self.free).acquire_owned());
        loop {
            // Tried before anybody is asked to leave.
            tokio::select! {
                biased;
                slot = &mut taken => return slot.ok(),
                () = std::future::ready(()) => {}
            }
            self.crowded.notify_waiters();
            if let Ok(slot) = tokio::time::timeout(ASK_AGAIN, &mut taken).await {
                return slot.ok();
            }
        }
    }

    /// Ends when somebody else waits for a place.
    pub(super) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// Waits until every place is free; false when that takes longer.
    pub(super) async fn are_free(&self, within: Duration) -> bool {
        let all = self.free.acquire_many(u32::try_from(self.max).unwrap_or(u32::MAX));
        tokio::time::timeout(within, all).await.is_ok()
    }
}

/// What is left for connections. SQLite, the workers' pipes and the log need some forty files.
fn usable(files: usize) -> usize {
    files - (files / 2).min(256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ports_together_leave_files_for_everything_else() {
        for (files, public, admin) in [(64, 24, 8), (1024, 576, 192), (20_000, 10_000, 4_936), (65_536, 10_000, 10_000)]
        {
            assert_eq!((Slots::public(files).max, Slots::admin(files).max), (public, admin), "{files}");
        }
        // Too few to live on; it still has to start.
        assert_eq!(Slots::public(0).max, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_the_next_request_is_asked_to_leave_only_when_nobody_gets_in() {
        let slots = Slots::new(4);
        let asked = tokio::spawn({
            let slots = slots.clone();
            async move { slots.crowded().await }
        });
        tokio::task::yield_now().await;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(slots.take().await.expect("a place"));
        }
        assert!(!asked.is_finished());
        let waits = tokio::spawn(async move { slots.take().await.is_some() });
        asked.await.expect("asked");
        held.pop();
        assert!(waits.await.expect("a place"));
    }
}
