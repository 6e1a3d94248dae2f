//! Looks at a configuration as an experienced operator would, and says what to change before somebody's sign-in
//! finds out: `bia doctor`. The same knowledge of what Entra has to be told makes `bia setup microsoft`.
//!
//! [`examine`] runs every check and returns a [`Report`]. Each [`Finding`] says what is the matter, where it was
//! written, why it matters and what to do. Checks read files, ask providers for their public metadata and look at the
//! database; they sign nobody in, send no secret anywhere, and change nothing, save for one login flow at the public
//! address of a running server, which expires by itself.
//!
//! [`Registration`] is what an app registration in Entra needs for exactly this configuration; [`setup`] renders it as
//! a manifest patch, as a script for `az` and as Terraform.
//!
//! [`catalogue::CHECKS`] lists every check by its code; a finding that it does not list fails the tests.
//!
//! What this crate never does: print a secret, a token or a claim's value; decide anything about a sign-in; open a
//! database that it was not handed.
//!
//! Start reading at [`examine`], then one file of `checks/` for each area.

pub mod catalogue;
mod checks;
mod examination;
pub mod expiry;
mod finding;
pub mod links;
mod registration;
mod report;
pub mod setup;

pub use checks::credentials::secret_files;
pub use checks::database::Database;
pub use examination::{Options, Patient, examine};
pub use finding::{Area, Finding, Level};
pub use registration::{OptionalClaim, Permission, Registration, sign_in_audience};
pub use report::Report;
