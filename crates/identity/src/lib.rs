//! How identities and sessions may change: validate traits, create, link, unlink, issue, extend, revoke.
//!
//! This crate decides and stores; it knows no flow, no provider and no HTTP. What an identity may become is in
//! [`identities`], who is signed in is in [`sessions`], what is sealed is in [`seal`].
//!
//! Where to start: [`identities::prepare`] (one person, from traits to row), [`sessions::Sessions`].

pub mod admin;
pub mod identities;
pub mod schemas;
pub mod seal;
pub mod sessions;
pub mod tokenizer;

pub use schemas::{Schemas, SchemasError};
pub use seal::{Purpose, Sealer, Secrets, TokenCipher};
pub use sessions::{Authenticated, Client, OpenedCookie, SessionCredentials, Sessions};
