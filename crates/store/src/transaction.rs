//! A unit of work.

use crate::error::{Result, StoreError};
use crate::pool::Lease;
use crate::query::{Query, Row};

/// Writes that belong together. Dropping it before [`Transaction::commit`] undoes all of them. After any
/// error in it the unit can only be dropped: a later commit answers [`StoreError::Aborted`].
#[must_use = "a unit of work that isn't committed is undone"]
pub struct Transaction {
    lease: Option<Lease>,
    failed: bool,
    /// Ends with the unit.
    _span: tracing::Span,
}

impl Transaction {
    pub(crate) fn new(lease: Lease) -> Self {
        let span = tracing::info_span!(target: bia_telemetry::trace::TARGET, "store transaction");
        Self { lease: Some(lease), failed: false, _span: span }
    }

    /// Keeps everything, or nothing when it fails. [`StoreError::Unavailable`] can also mean that the
    /// connection was lost after the database had committed; look before doing the work again.
    pub async fn commit(mut self) -> Result<()> {
        let Some(mut lease) = self.lease.take() else {
            return Err(StoreError::Aborted);
        };
        if self.failed {
            undo(lease).await;
            return Err(StoreError::Aborted);
        }
        let outcome = lease.commit().await;
        if outcome.is_err() && lease.is_sound() {
            undo(lease).await;
        }
        outcome
    }

    /// Undoes everything and waits until that is done; dropping does the same in the background.
    pub async fn rollback(mut self) {
        if let Some(lease) = self.lease.take() {
            undo(lease).await;
        }
    }

    /// Marks the unit as failed for reasons that the database doesn't know.
    pub(crate) const fn fail(&mut self) {
        self.failed = true;
    }

    fn lease(&mut self) -> Result<&mut Lease> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        self.lease.as_mut().ok_or(StoreError::Aborted)
    }

    pub(crate) async fn fetch_all(&mut self, query: Query<'_>) -> Result<Vec<Row>> {
        let outcome = self.lease()?.fetch_all(&query).await;
        self.failed |= outcome.is_err();
        outcome
    }

    pub(crate) async fn fetch_optional(&mut self, query: Query<'_>) -> Result<Option<Row>> {
        let outcome = self.lease()?.fetch_optional(&query).await;
        self.failed |= outcome.is_err();
        outcome
    }

    pub(crate) async fn execute(&mut self, query: Query<'_>) -> Result<u64> {
        let outcome = self.lease()?.execute(&query).await;
        self.failed |= outcome.is_err();
        outcome
    }

    pub(crate) async fn fetch_written(&mut self, query: Query<'_>) -> Result<Vec<Row>> {
        self.fetch_all(query).await
    }
}

/// Ends the unit; a connection that was in the middle of something is closed instead, which ends it, too.
async fn undo(mut lease: Lease) {
    if lease.is_sound() {
        let _ = lease.rollback().await;
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else {
            return;
        };
        if !lease.is_sound() {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(undo(lease));
            }
            Err(_) => lease.discard(),
        }
    }
}
