//! Removing what has expired, in batches so small that nobody waits long for the writer.

use crate::Store;
use crate::connect::COLLISIONS_MAX;
use crate::error::Result;
use crate::query::Query;
use bia_model::Timestamp;
use std::time::{Duration, Instant};

/// Error pages are read right after they were made; a day is plenty.
const ERROR_LIFESPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// A batch that took longer than this is followed by a smaller one. Far below the pause that may be noticed,
/// because the disk can be slow for once.
const BATCH_TIME: Duration = Duration::from_millis(8);

/// How to clean up.
#[derive(Clone, Copy, Debug)]
pub struct CleanupOptions {
    pub now: Timestamp,
    /// Keeps what expired within this time (`--keep-last`).
    pub keep_last: Duration,
    /// Rows per statement at most.
    pub batch_size: u32,
    /// Rest between two batches.
    pub pause: Duration,
}

impl CleanupOptions {
    /// Everything that has expired, a hundred rows at a time, with pauses in which those who sign in get the writer: in
    /// another process they only ask for it every few milliseconds.
    pub const fn new(now: Timestamp) -> Self {
        Self { now, keep_last: Duration::ZERO, batch_size: 100, pause: Duration::from_millis(20) }
    }
}

/// How many rows were removed from each table, and how long the longest batch took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    pub sessions: u64,
    pub continuity: u64,
    pub flows: u64,
    pub token_exchanges: u64,
    pub self_service_errors: u64,
    pub longest_batch: Duration,
}

impl CleanupReport {
    /// All removed rows.
    pub const fn total(&self) -> u64 {
        self.sessions + self.continuity + self.flows + self.token_exchanges + self.self_service_errors
    }
}

macro_rules! delete_expired {
    ($table:literal, $column:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE id IN (SELECT id FROM ",
            $table,
            " WHERE ",
            $column,
            " < $1 ORDER BY ",
            $column,
            " LIMIT $2)"
        )
    };
}

/// More rows of one table tell nothing new, and counting them would take time.
macro_rules! count_expired {
    ($table:literal, $column:literal, $before:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM (SELECT 1 FROM ",
            $table,
            " WHERE ",
            $column,
            " < ",
            $before,
            " LIMIT 100000) AS expired)"
        )
    };
}

impl Store {
    /// How many rows a cleanup up to this moment would find, counting at most 100,000 of each table.
    pub async fn count_expired(&self, before: Timestamp) -> Result<u64> {
        let sql = concat!(
            "SELECT ",
            count_expired!("sessions", "expires_at", "$1"),
            " + ",
            count_expired!("continuity", "expires_at", "$1"),
            " + ",
            count_expired!("flows", "expires_at", "$1"),
            " + ",
            count_expired!("token_exchanges", "expires_at", "$1"),
            " + ",
            count_expired!("self_service_errors", "created_at", "$2")
        );
        let query = Query::new("count_expired", sql).bind(before).bind(before - ERROR_LIFESPAN);
        match self.fetch_optional(query).await? {
            Some(row) => row.int(0).map(|count| u64::try_from(count).unwrap_or_default()),
            None => Ok(0),
        }
    }

    /// Removes expired rows until none is left. Cancelling it between batches loses nothing; two instances
    /// may do it at the same time.
    pub async fn cleanup(&self, options: &CleanupOptions) -> Result<CleanupReport> {
        let before = options.now - options.keep_last;
        let mut report = CleanupReport::default();
        let longest = &mut report.longest_batch;
        report.sessions = self.clean(delete_expired!("sessions", "expires_at"), before, options, longest).await?;
        report.continuity = self.clean(delete_expired!("continuity", "expires_at"), before, options, longest).await?;
        report.flows = self.clean(delete_expired!("flows", "expires_at"), before, options, longest).await?;
        report.token_exchanges =
            self.clean(delete_expired!("token_exchanges", "expires_at"), before, options, longest).await?;
        report.self_service_errors = self
            .clean(delete_expired!("self_service_errors", "created_at"), before - ERROR_LIFESPAN, options, longest)
            .await?;
        Ok(report)
    }

    async fn clean(
        &self,
        sql: &'static str,
        before: Timestamp,
        options: &CleanupOptions,
        longest: &mut Duration,
    ) -> Result<u64> {
        let largest = options.batch_size.clamp(1, 10_000);
        let mut size = largest.min(100);
        let (mut removed, mut collisions) = (0, 0);
        loop {
            let mut unit = self.begin().await?;
            // What others wait for begins when this one waits no more.
            let begun = Instant::now();
            let count = match unit.execute(Query::new("cleanup", sql).bind(before).bind(size)).await {
                // PostgreSQL, of two that took the same rows in another order; this one was undone.
                Err(error) if error.is_collision() && collisions < COLLISIONS_MAX => {
                    collisions += 1;
                    unit.rollback().await;
                    continue;
                }
                outcome => outcome?,
            };
            unit.commit().await?;
            collisions = 0;
            let took = begun.elapsed();
            removed += count;
            *longest = (*longest).max(took);
            if count < u64::from(size) {
                return Ok(removed);
            }
            size = next_size(size, largest, took);
            tokio::time::sleep(options.pause).await;
        }
    }
}

/// Halves the batch when it took too long, doubles it when there is room.
fn next_size(size: u32, largest: u32, took: Duration) -> u32 {
    if took > BATCH_TIME {
        (size / 2).max(10).min(largest)
    } else if took < BATCH_TIME / 4 {
        size.saturating_mul(2).min(largest)
    } else {
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_shrink_when_slow_and_grow_when_fast_within_the_limit() {
        assert_eq!(next_size(100, 500, Duration::from_millis(20)), 50);
        assert_eq!(next_size(12, 500, Duration::from_secs(1)), 10);
        assert_eq!(next_size(3, 3, Duration::from_secs(1)), 3);
        assert_eq!(next_size(100, 500, Duration::from_millis(1)), 200);
        assert_eq!(next_size(400, 500, Duration::from_millis(1)), 500);
        assert_eq!(next_size(100, 500, Duration::from_millis(5)), 100);
    }
}
