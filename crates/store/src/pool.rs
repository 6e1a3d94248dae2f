//! Connections on loan, first come first served.
//!
//! The pool hands out the most recently used connection, so that a quiet server keeps few of them warm, and
//! waits in a fair queue when all are out. SQLite's one writer is a pool of one: whoever wants to write
//! stands in line here instead of meeting "busy". A connection that was dropped in the middle of something
//! (a cancelled request, a timeout) or that broke is thrown away, never handed on.

use crate::connection::{Connection, Opener};
use crate::error::{DriverError, Failure, Result, StoreError};
use crate::query::{Query, Row};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many connections, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections_max: usize,
    pub(crate) idle_max: usize,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) idle_time: Option<Duration>,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
}

/// The pool itself. `name` labels its metrics: `read`, `write` or `all`.
pub(crate) struct Pool {
    name: &'static str,
    opener: Opener,
    limits: Limits,
    permits: Arc<Semaphore>,
    idle: Mutex<VecDeque<Idle>>,
}

/// A look at a pool, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUsage {
    /// `read`, `write` or `all`.
    pub name: &'static str,
    /// Connections on loan.
    pub in_use: usize,
    /// Connections that are open and wait.
    pub idle: usize,
    /// Connections that may be open.
    pub max: usize,
}

struct Idle {
    connection: Connection,
    opened_at: Instant,
    returned_at: Instant,
    proven_at: Instant,
}

impl Pool {
    pub(crate) fn new(name: &'static str, opener: Opener, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            name,
            opener,
            limits,
            permits: Arc::new(Semaphore::new(limits.connections_max)),
            idle: Mutex::new(VecDeque::new()),
        })
    }

    /// A connection, after waiting for one no longer than the acquire timeout.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Lease> {
        let begun = Instant::now();
        let permit = timeout(self.limits.acquire_timeout, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| {
                metrics::counter!("bia_store_busy_total", "pool" => self.name).increment(1);
                StoreError::unavailable("no connection became free in time")
            })?
            .map_err(|_| StoreError::unavailable("it was closed"))?;
        metrics::histogram!("bia_store_wait_seconds", "pool" => self.name).record(begun.elapsed().as_secs_f64());
        let (connection, opened_at, proven_at) = match self.take_idle() {
            Some(idle) => (idle.connection, idle.opened_at, idle.proven_at),
            None => {
                let connection = self.open().await?;
                let now = Instant::now();
                (connection, now, now)
            }
        };
        Ok(Lease {
            connection: Some(connection),
            pool: Arc::clone(self),
            opened_at,
            proven_at,
            unsafe_to_reuse: false,
            timed_out: false,
            _permit: permit,
        })
    }

    async fn open(&self) -> Result<Connection> {
        let error = match timeout(self.limits.acquire_timeout, self.opener.open()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => Failure::from(error).error,
            Err(_) => StoreError::unavailable("connecting took too long"),
        };
        // While the database is away no statement is reached that could fail.
        metrics::counter!("bia_store_errors_total", "operation" => "connect").increment(1);
        Err(error)
    }

    fn take_idle(&self) -> Option<Idle> {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(found) = idle.pop_back() {
            if !self.is_worn(&found, now) {
                return Some(found);
            }
        }
        None
    }

    fn is_worn(&self, idle: &Idle, now: Instant) -> bool {
        let older = |since: Instant, limit: Option<Duration>| {
            limit.is_some_and(|limit| now.saturating_duration_since(since) > limit)
        };
        older(idle.opened_at, self.limits.lifetime) || older(idle.returned_at, self.limits.idle_time)
    }

    fn give_back(&self, connection: Connection, opened_at: Instant, proven_at: Instant) {
        if self.permits.is_closed() {
            return;
        }
        let returned_at = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push_back(Idle { connection, opened_at, returned_at, proven_at });
        // The front has been idle for the longest.
        while idle.len() > self.limits.idle_max || idle.front().is_some_and(|front| self.is_worn(front, returned_at)) {
            idle.pop_front();
        }
    }

    pub(crate) fn usage(&self) -> PoolUsage {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        let max = self.limits.connections_max;
        PoolUsage { name: self.name, in_use: max.saturating_sub(self.permits.available_permits()), idle, max }
    }

    /// Forgets the idle connections: after one broke, the others are likely to be dead, too.
    pub(crate) fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Refuses new loans and says goodbye on what is idle. Loans that are out end when they are returned.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for found in idle {
            found.connection.close().await;
        }
    }
}

/// A connection on loan; it goes back when this is dropped.
pub(crate) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    opened_at: Instant,
    proven_at: Instant,
    unsafe_to_reuse: bool,
    timed_out: bool,
    _permit: OwnedSemaphorePermit,
}

macro_rules! run {
    ($self:ident, $operation:expr, |$connection:ident| $work:expr) => {{
        let limit = $self.pool.limits.statement_timeout;
        let Some($connection) = $self.connection.as_mut() else {
            return Err(StoreError::unavailable("the connection is gone"));
        };
        // Until the answer is there, dropping this future leaves the connection in an unknown state.
        $self.unsafe_to_reuse = true;
        let outcome = timed($operation, limit, $work).await;
        $self.settle($operation, outcome)
    }};
}

impl Lease {
    pub(crate) async fn fetch_all(&mut self, query: &Query<'_>) -> Result<Vec<Row>> {
        run!(self, query.operation, |connection| connection.fetch_all(query))
    }

    pub(crate) async fn fetch_optional(&mut self, query: &Query<'_>) -> Result<Option<Row>> {
        run!(self, query.operation, |connection| connection.fetch_optional(query))
    }

    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64> {
        let changed = run!(self, query.operation, |connection| connection.execute(query))?;
        self.prove();
        Ok(changed)
    }

    /// For writes that return rows.
    pub(crate) async fn fetch_written(&mut self, query: &Query<'_>) -> Result<Vec<Row>> {
        let rows = self.fetch_all(query).await?;
        self.prove();
        Ok(rows)
    }

    pub(crate) async fn begin(&mut self) -> Result<()> {
        run!(self, "begin", |connection| connection.begin())
    }

    pub(crate) async fn commit(&mut self) -> Result<()> {
        run!(self, "commit", |connection| connection.commit())
    }

    pub(crate) async fn rollback(&mut self) -> Result<()> {
        run!(self, "rollback", |connection| connection.rollback())
    }

    /// True when nothing is known to be wrong with the connection.
    pub(crate) const fn is_sound(&self) -> bool {
        !self.unsafe_to_reuse
    }

    /// How long ago the connection was opened, or known to write. Reading proves nothing.
    pub(crate) fn unproven_for(&self) -> Duration {
        self.proven_at.elapsed()
    }

    /// Notes that the connection leads to a server that writes.
    pub(crate) fn prove(&mut self) {
        self.proven_at = Instant::now();
    }

    /// True when the connection broke at once, as one does that had died while it was idle: a fresh one tells for sure. After
    /// a statement that took too long, asking again would only double the wait.
    pub(crate) const fn was_dead(&self) -> bool {
        self.unsafe_to_reuse && !self.timed_out
    }

    /// Keeps the connection from being handed on; it is closed when the loan ends.
    pub(crate) const fn discard(&mut self) {
        self.unsafe_to_reuse = true;
    }

    fn settle<T>(
        &mut self,
        operation: &'static str,
        outcome: Result<Result<T, DriverError>, tokio::time::error::Elapsed>,
    ) -> Result<T> {
        let failure = match outcome {
            Ok(Ok(value)) => {
                self.unsafe_to_reuse = false;
                return Ok(value);
            }
            Ok(Err(error)) => Failure::from(error),
            Err(_) => {
                self.timed_out = true;
                Failure { error: StoreError::unavailable("a statement took too long"), broken: true }
            }
        };
        metrics::counter!("bia_store_errors_total", "operation" => operation).increment(1);
        self.unsafe_to_reuse = failure.broken;
        if failure.broken {
            tracing::warn!(operation, pool = self.pool.name, error = %failure.error, "a database connection broke");
            self.pool.forget_idle();
        }
        Err(failure.error)
    }
}

async fn timed<T>(
    operation: &'static str,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, tokio::time::error::Elapsed> {
    let begun = Instant::now();
    let outcome = timeout(limit, work).await;
    metrics::histogram!("bia_store_operation_duration_seconds", "operation" => operation)
        .record(begun.elapsed().as_secs_f64());
    outcome
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.is_sound()
        {
            self.pool.give_back(connection, self.opened_at, self.proven_at);
        }
    }
}
