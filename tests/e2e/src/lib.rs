//! What end-to-end tests stand on: the real program as a process, a stand-in for Entra, and browsers.
//!
//! [`Site`] is a folder with a configuration, a schema and a mapper, two free ports of loopback, and a stand-in that
//! runs in the test's own process. [`Site::start`] runs the program on it; [`Bia`] is that process, killed or stopped by
//! its own id. [`Browser`] keeps cookies and follows one redirect at a time, so that a test sees every step.
//!
//! The program is `bia-under-test`, made from the source of `bia` by the same `cargo test` that runs the tests; the
//! variable `BIA` names another one, for example a release build. `BIA_TEST_POSTGRES` holds the DSN of a PostgreSQL
//! server, where [`Database`] makes one for each test that wants it; without it these tests say that they are skipped.
//!
//! What it never does: reach beyond loopback, read the environment for the program it starts, end a process that it did
//! not start, use a port that it did not find free.
//!
//! Start reading at `site.rs`, then `browser.rs` and `journey.rs` (one sign-in).

mod answer;
mod bia;
mod browser;
mod journey;
mod people;
mod process;
mod site;
mod told;
mod wait;

pub use answer::Answer;
pub use bia::{Bia, Ended};
pub use bia_testkit::ports::free_port;
pub use browser::Browser;
pub use journey::{ids, nodes};
pub use people::{email, populate};
pub use process::{Child, children, open_files, signal, threads};
pub use site::{Site, UI, merge};
pub use wait::until;

/// The application registered at the stand-in, and its secret.
pub use bia_fake_entra::{TEST_CLIENT_ID, TEST_CLIENT_SECRET};
/// PostgreSQL, for those who want it.
pub use bia_testkit::own_database::Database;
