//! Speaks OpenID Connect to identity providers: builds the authorization URL, and turns a callback's code or a
//! submitted ID token into verified [`Claims`](bia_model::Claims) and [`Facts`].
//!
//! One small trait, [`Provider`], and one table, [`Providers`]. Microsoft is served best; `generic` and the other
//! named providers share its path: authorize, token request, ID-token check, claims. Metadata and keys are cached,
//! so that a sign-in costs one call (token) once warm, and an outage of discovery stops nobody.
//!
//! What this crate never does: know a store, a flow, a cookie or a mapper; decide who a person is in our database;
//! branch on an AADSTS number; let a secret, a token or a claim's value into an error or a log line.
//!
//! Where to start: [`Provider`], then `microsoft.rs` (tenants and policies), `id_token.rs` (what is believed),
//! `keys.rs` and `discovery.rs` (caches), `client_auth.rs` (secrets, certificate, federated token).
//!
//! ```
//! use bia_provider::{ProviderError, Step};
//! let error = ProviderError::denied("access_denied", Some("AADSTS65004: User declined to consent."));
//! assert_eq!(error.step(), Step::Denied);
//! assert_eq!(error.to_api().code, 400); // back into the form
//! ```

mod aadsts;
mod apple;
mod assertion;
mod cache;
mod certificate;
mod claims;
mod client_auth;
mod connection;
mod consent;
mod discovery;
mod error;
mod gate;
mod generic;
mod github;
mod gitlab;
mod google;
mod graph;
mod id_token;
mod keys;
mod microsoft;
mod native;
mod oauth;
mod providers;
mod redirect;
mod request;
mod tenant;
mod token;
mod types;

pub use aadsts::{Explanation, explain, explanations};
pub use certificate::{CertificateInfo, inspect_certificate};
pub use claims::mapper_claims;
pub use consent::{admin_consent_return, admin_consent_url, consent_scopes};
pub use error::{ProviderError, Step, Upstream};
pub use providers::{Providers, callback_base};
pub use redirect::{redirect_uri, redirect_uris};
pub use request::{
    Authorization, AuthorizeRequest, ExchangeRequest, Facts, IdTokenRequest, Refreshed, SignOutRequest, SignedIn,
    Tokens,
};

use async_trait::async_trait;
use bia_config::OidcProvider;
use bia_model::Timestamp;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

/// The client id of the stand-in behind `bia dev`. Its keys are public, so tokens for it prove nothing elsewhere.
pub const STAND_IN_CLIENT_ID: &str = "b1a00000-0000-4000-8000-000000000002";
/// The tenant of the stand-in behind `bia dev`.
pub const STAND_IN_TENANT_ID: Uuid = Uuid::from_u128(0xb1a0_0000_0000_4000_8000_0000_0000_0001);

/// One configured connection to an identity provider.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its entry in the configuration.
    fn config(&self) -> &OidcProvider;

    /// The configured `id`; part of the identifier `<id>:<subject>`.
    fn id(&self) -> &str {
        &self.config().id
    }

    /// Where to send the browser.
    async fn authorize(&self, request: AuthorizeRequest<'_>) -> Result<Authorization, ProviderError>;

    /// Redeems a code and believes what its ID token (or userinfo) says after checking it.
    async fn exchange(&self, request: ExchangeRequest<'_>) -> Result<SignedIn, ProviderError>;

    /// Checks an ID token that a native app submits (contract §3.8).
    async fn verify_id_token(&self, request: IdTokenRequest<'_>) -> Result<SignedIn, ProviderError>;

    /// Asks for fresh tokens with a stored refresh token, to learn whether the person is still there.
    /// [`ProviderError::ends_sessions`] tells what a failure means.
    async fn refresh(&self, refresh_token: &SecretString, now: Timestamp) -> Result<Refreshed, ProviderError>;

    /// Where to send the browser to sign out at the provider, if it offers that.
    async fn sign_out_url(&self, request: SignOutRequest<'_>, now: Timestamp) -> Option<Url>;

    /// The origin whose pages may frame our front-channel logout (`https://login.microsoftonline.com`).
    fn sign_in_origin(&self) -> Option<String>;

    /// What the provider said in the callback's query instead of sending a code, explained for this connection.
    fn denied(&self, error: &str, description: Option<&str>) -> ProviderError {
        ProviderError::denied(error, description)
    }

    /// The address of its metadata, for `doctor`; none for those without discovery.
    fn metadata_url(&self) -> Option<String> {
        None
    }

    /// Fetches what the first sign-in would otherwise wait for; `doctor` reports its error.
    async fn warm(&self, now: Timestamp) -> Result<(), ProviderError>;
}

pub(crate) fn sign_out_parameters(url: &mut Url, request: SignOutRequest<'_>) {
    let pairs = [("logout_hint", request.logout_hint), ("post_logout_redirect_uri", request.post_logout_redirect_uri)];
    for (name, value) in pairs {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
}
