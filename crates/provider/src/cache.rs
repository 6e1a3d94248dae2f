//! A value that is fetched once, shared by everybody who waits, and renewed behind their backs.
//!
//! A failed fetch is told to those who waited for it and to nobody later; a failed renewal keeps the old value.

use crate::error::ProviderError;
use bia_model::Timestamp;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// After a failed renewal, how long until the next use tries again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

pub(crate) struct Slot<T> {
    current: RwLock<Option<Entry<T>>>,
    /// Held while fetching; remembers the failure for those who queued meanwhile.
    flight: tokio::sync::Mutex<Option<(Instant, ProviderError)>>,
    renewing: AtomicBool,
    /// Microseconds; no renewal before.
    not_before: AtomicI64,
}

struct Entry<T> {
    value: Arc<T>,
    /// By the caller's clock: decides when to renew.
    fetched: Timestamp,
    /// By the monotonic clock: decides whether a waiter's wish was already fulfilled.
    arrived: Instant,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            current: RwLock::new(None),
            flight: tokio::sync::Mutex::new(None),
            renewing: AtomicBool::new(false),
            not_before: AtomicI64::new(i64::MIN),
        }
    }
}

impl<T: Send + Sync + 'static> Slot<T> {
    /// The value; fetched first if there is none, renewed in the background when older than `max_age`.
    pub(crate) async fn get<F, Fut>(
        self: &Arc<Self>,
        now: Timestamp,
        max_age: Duration,
        fetch: F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: FnOnce(Option<Arc<T>>) -> Fut,
        Fut: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        let Some((value, fetched)) = self.peek() else {
            return self.fetch_since(Instant::now(), now, fetch).await;
        };
        let due = now.since(fetched) > max_age && now.micros() >= self.not_before.load(Ordering::Relaxed);
        if due && !self.renewing.swap(true, Ordering::AcqRel) {
            let (slot, work) = (self.clone(), fetch(Some(value.clone())));
            tokio::spawn(async move {
                match work.await {
                    Ok(new) => slot.put(new, now),
                    Err(error) => {
                        tracing::warn!(%error, "a renewal failed; the cached copy serves on");
                        slot.not_before.store((now + PAUSE_AFTER_FAILURE).micros(), Ordering::Relaxed);
                    }
                }
                slot.renewing.store(false, Ordering::Release);
            });
        }
        Ok(value)
    }

    /// Fetches now, unless somebody else's fetch ended after `asked`.
    pub(crate) async fn fetch_since<F, Fut>(
        &self,
        asked: Instant,
        now: Timestamp,
        fetch: F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: FnOnce(Option<Arc<T>>) -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let mut failure = self.flight.lock().await;
        let old = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            match &*current {
                Some(entry) if entry.arrived >= asked => return Ok(entry.value.clone()),
                other => other.as_ref().map(|e| e.value.clone()),
            }
        };
        if let Some((at, error)) = &*failure
            && *at >= asked
        {
            return Err(error.clone());
        }
        match fetch(old).await {
            Ok(value) => {
                self.put(value, now);
                *failure = None;
            }
            Err(error) => {
                *failure = Some((Instant::now(), error.clone()));
                return Err(error);
            }
        }
        self.peek()
            .map(|(value, _)| value)
            .ok_or_else(|| ProviderError::upstream(crate::Step::Discovery, "Nothing was fetched.", "an empty cache"))
    }

    pub(crate) fn peek(&self) -> Option<(Arc<T>, Timestamp)> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|e| (e.value.clone(), e.fetched))
    }

    fn put(&self, value: T, now: Timestamp) {
        let entry = Entry { value: Arc::new(value), fetched: now, arrived: Instant::now() };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(entry);
    }
}
