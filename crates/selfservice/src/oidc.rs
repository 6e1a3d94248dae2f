//! The way to a provider and back, for login, registration and settings alike.
//!
//! [`start`] seals a state and sends the browser away; [`callback`] is the one dispatcher that takes it in again
//! and picks what follows: [`login`], [`registration`] or [`settings`]. Every branch of a provider's answer is
//! visible in `callback.rs`.

pub mod callback;
pub(crate) mod capture;
pub(crate) mod claims_to_identity;
pub(crate) mod continuity;
pub(crate) mod convert;
pub(crate) mod login;
pub(crate) mod migration;
pub(crate) mod pending_link;
pub(crate) mod policy;
pub(crate) mod proof;
pub(crate) mod registration;
pub(crate) mod settings;
pub(crate) mod start;
pub(crate) mod state;

pub use callback::callback;
pub use migration::{RolledBack, preview_subject_rollback, roll_back_subject_migration};
pub use state::flow_of_state;

use bia_config::OidcProvider;
use bia_provider::SignedIn;
use serde_json::Value;

/// A verified sign-in on its way into a flow.
pub(crate) struct Arrival<'a> {
    pub(crate) provider: &'a OidcProvider,
    pub(crate) signed_in: SignedIn,
    /// Traits that were posted together with the provider button.
    pub(crate) traits: Value,
    /// The client submitted an ID token itself; nobody waits at the token exchange then.
    pub(crate) by_id_token: bool,
}

impl Arrival<'_> {
    pub(crate) fn subject(&self) -> &str {
        &self.signed_in.claims.sub
    }

    /// The identifiers under which a link may be stored: the provider's own id first, then its aliases.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = String> + '_ {
        let ids = std::iter::once(&self.provider.id).chain(&self.provider.aliases);
        ids.map(|id| bia_model::credentials::oidc_identifier(id, self.subject()))
    }
}
