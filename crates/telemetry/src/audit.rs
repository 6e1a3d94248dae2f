//! Audit events: who signed in, who was refused and why, who changed what.
//!
//! Each is one JSON object on a line. Without `personal_data` there is no address, name, e-mail, claim or user agent in
//! it; an identity is named by its id. The fields are described in `docs/observability.md`, whose table a test compares
//! with [`Event::ALL`] and [`FIELDS`].

mod event;
mod sink;
mod writer;

pub use event::{Entry, Event, FIELDS, event, sessions_ended};
pub use sink::{AuditError, Output, Settings, flush, reopen, start};
pub use writer::DROP_REASONS;
