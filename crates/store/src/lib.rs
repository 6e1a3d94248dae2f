//! Keeps identities, sessions, flows and errors in SQLite or PostgreSQL.
//!
//! One concrete [`Store`] with one set of methods serves both databases; the conformance suite in
//! `bia-testkit` runs on both. Rows are documents with the few columns that are searched beside them.
//!
//! Reading is done on the [`Store`]. Whatever belongs together is written in one unit of work, a
//! [`Transaction`]: all of it is there after [`Transaction::commit`], nothing of it before. A single
//! statement can also be run on the [`Store`] itself and is kept at once.
//!
//! What this crate never does: decide (whether a session is active, whether a link may be made), render for
//! a client, seal or open secrets, read a clock for a row. It opens no database that belongs to somebody
//! else. Session tokens and codes come in as [`TokenHash`] only.
//!
//! Where to start: [`Store::connect`], then `sessions.rs` (`find_session_by_token_hash` is what every
//! request of a signed-in person costs), `identity_writes.rs` (uniqueness), `pool.rs` (who waits for whom)
//! and `migrations/`.
//!
//! ```no_run
//! # async fn example() -> bia_store::Result<()> {
//! use bia_store::{ConnectOptions, Store};
//! let store = Store::connect("sqlite://bia.sqlite?_fk=true", &ConnectOptions::default()).await?;
//! store.migrate().await?;
//! assert!(store.is_ready().await?);
//! # Ok(())
//! # }
//! ```

#[macro_use]
mod both;

mod checkpoint;
mod cleanup;
mod connect;
mod connection;
mod continuity;
mod dsn;
mod error;
mod flows;
mod identities;
mod identity_list;
mod identity_writes;
mod integrity;
mod migrate;
mod owner;
mod paging;
mod pool;
mod query;
mod self_service_errors;
mod session_list;
mod session_rows;
mod session_writes;
mod sessions;
mod sqlite;
mod statistics;
mod subject_migrations;
mod token_exchanges;
mod token_hash;
mod transaction;

pub use cleanup::{CleanupOptions, CleanupReport};
pub use connect::{ConnectOptions, Store};
pub use connection::Dialect;
pub use continuity::Continuity;
pub use dsn::{Dsn, DsnLimits, SqliteMode};
pub use error::{ConflictKind, ForeignOwner, Result, StoreError, TakenValue};
pub use identities::AddressKind;
pub use identity_list::IdentityFilter;
pub use integrity::{Fault, FaultKind};
pub use migrate::MigrationStatus;
pub use paging::{Listed, Page, SessionCursor};
pub use pool::PoolUsage;
pub use self_service_errors::SelfServiceError;
pub use session_list::SessionFilter;
pub use session_rows::RawSession;
pub use session_writes::SessionSelection;
pub use statistics::Statistics;
pub use subject_migrations::SubjectMigration;
pub use token_exchanges::TokenExchange;
pub use token_hash::TokenHash;
pub use transaction::Transaction;
