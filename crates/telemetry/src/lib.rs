//! What every part of the house says about itself to operators: the one request it works for, the names of all
//! metrics, audit events, and where spans of a trace come from and go to.
//!
//! - [`request`]: the correlation id of the request that the current task answers. Log lines, audit events and calls to
//!   providers carry it without anybody passing it on.
//! - [`catalogue`]: every metric with its labels and meaning. The server describes them from here, the table in
//!   `docs/observability.md` is compared with it, and so is every name in the sources.
//! - [`audit`]: who signed in, who was refused and why, who changed what. One JSON line each, without personal data
//!   unless the operator asks for it. Writing never keeps a sign-in waiting.
//! - [`trace`]: where the spans of `bia::trace` are joined with somebody else's trace.
//!
//! It lies below every other crate of ours and uses none of them. What it never does: hold a token, a secret or a
//! claim; block; open a network connection.
//!
//! Where to start reading: `audit/event.rs`, the list of what is recorded.
//!
//! ```
//! use bia_telemetry::audit::{self, Event};
//! audit::event(Event::Logout).identity("e3b0c442-98fc-4c14-9afb-f4c8996fb924").record();
//! ```

pub mod audit;
pub mod catalogue;
pub mod request;
pub mod trace;
