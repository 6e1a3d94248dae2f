//! What tests of several crates share. A dev-dependency, never part of the program.
//!
//! - [`conformance`]: what a store must do, as many small named tests over a `&Store`.
//!   [`store_conformance!`] instantiates all of them for one way of opening a database.
//! - [`database`]: fresh databases: a SQLite file, SQLite in memory, a schema of its own in PostgreSQL.
//! - [`own_database`]: a whole database of PostgreSQL, for programs that run as a process.
//! - [`ports`]: ports that stay free until a program under test listens there.
//! - [`listing`]: which tests there are, for pages that name them.
//! - [`sample`]: identities, sessions and flows to put in.
//!
//! What it never does: sleep to wait for something, reach beyond the loopback interface, leave anything
//! behind. PostgreSQL takes part when `BIA_TEST_POSTGRES` holds the DSN of an empty database; without it those
//! tests say so and pass.
//!
//! ```no_run
//! # async fn example() {
//! let database = bia_testkit::database::TestDatabase::sqlite_file().await;
//! let person = bia_testkit::sample::person("alice");
//! let mut unit = database.store.begin().await.unwrap();
//! unit.insert_identity(&person).await.unwrap();
//! unit.commit().await.unwrap();
//! # }
//! ```

pub mod conformance;
pub mod database;
pub mod listing;
pub mod own_database;
pub mod ports;
pub mod sample;

/// A test that can't run here says so and passes.
pub fn skipped(why: &str) {
    use std::io::Write as _;
    // Past the macros, whose output the test runner keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {}: {why}", std::thread::current().name().unwrap_or("a test"));
}
