//! The mapper workbench: what `bia mapper run|test|lint|fmt` do, without a command line around it.
//!
//! A mapper is the one piece of code that our users write. Here they can try it on sample claims, on twelve recorded
//! shapes of Entra tokens ([`personas`]) or on a captured sign-in that failed, see what the identity schema says and
//! what would change for somebody who exists, and keep all of that as a folder of cases ([`suite`]).
//!
//! A mapper is given here exactly what a sign-in gives it: raw token claims go through the same decoder
//! ([`claims`]), evaluations through the same contained workers, traits through the same schema code. What passes here
//! passes there.
//!
//! What this crate never does: it evaluates nothing in its own process, opens no connection, prints nothing, and writes
//! no file but expectations ([`suite::Options::update`]) and mappers it was told to lay out ([`format::write`]).
//!
//! Where to start reading: `run.rs` (one mapper, one set of claims), then `suite.rs` and `cases.rs` (folders of them);
//! `lint.rs` and `format.rs` are thin; `report/` turns results into text for people, JUnit and TAP.

pub mod cases;
pub mod claims;
mod error;
mod files;
pub mod format;
pub mod lint;
pub mod personas;
pub mod report;
pub mod run;
pub mod suite;
mod verdict;
pub mod watch;

pub use bia_model::difference;
pub use error::{Failure, InputError};
pub use files::{read_json, read_json_from, read_text, read_text_from};
pub use report::Paint;
pub use verdict::{Refusal, Verdict, schema};
