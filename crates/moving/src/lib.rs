//! Moving house: people out of a Kratos into this database, and back. Behind `bia import kratos` and `bia export`.
//!
//! [`import()`] reads the admin API of a running Kratos (or of another Bia) page by page and writes each person into the
//! store with everything that applications refer to: id, traits, links to providers, verified addresses, metadata,
//! state, external id, organisation, times. It can be stopped and started again: where it is stands in a [`Cursor`], and
//! whoever is there already is compared instead of written twice.
//!
//! [`export`] makes the bodies that `POST` and `PATCH /admin/identities` take, writes them into a file or sends them to a
//! running Kratos.
//!
//! What this crate never does: change anything in the place it copies from; carry a password, a session or a token of a
//! provider; put a trait, an address or a subject into a report or an error. What stays behind is counted and said.
//!
//! Start reading at `import.rs`, then `person.rs` for what is carried and `report.rs` for what is said.

mod admin_api;
mod cursor;
mod error;
pub mod export;
mod import;
mod person;
mod report;
mod send;
mod subjects;

pub use admin_api::{AdminApi, Header, Pace, encoded, next_page};
pub use cursor::Cursor;
pub use error::MovingError;
pub use import::{Import, import};
pub use report::{Failure, ImportReport, ProviderLinks, SchemaState, SendReport};
pub use send::{NewId, Send, Told, send};
