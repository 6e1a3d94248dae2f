//! What goes into a provider and what comes out. Nothing here prints a token, a code or a verifier.

use bia_model::{Claims, Timestamp};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use url::Url;

/// The start of a sign-in.
#[derive(Clone)]
pub struct AuthorizeRequest<'a> {
    /// Opaque, unguessable, bound to the flow by the caller.
    pub state: &'a str,
    /// The person shall prove herself again: `prompt=login`.
    pub refresh: bool,
    /// What the client sent. Names outside Kratos' four and `allowed_hints` are dropped here.
    pub upstream_parameters: &'a BTreeMap<String, String>,
    /// An authentication context (`c1`) that the sign-in must satisfy; asked for through `claims`.
    pub step_up: Option<&'a str>,
    /// The `claims` of a challenge that Graph or another API answered with.
    pub claims_challenge: Option<&'a str>,
    /// Known to this server, never taken from the client.
    pub login_hint: Option<&'a str>,
    /// Known to this server (home-realm discovery), never taken from the client.
    pub domain_hint: Option<&'a str>,
    /// The host the visitor used; it counts only when `callback_hosts` lists it.
    pub host: Option<&'a str>,
    pub now: Timestamp,
}

impl<'a> AuthorizeRequest<'a> {
    /// The plain case: no hints, no step-up.
    pub fn new(state: &'a str, upstream_parameters: &'a BTreeMap<String, String>, now: Timestamp) -> Self {
        Self {
            state,
            refresh: false,
            upstream_parameters,
            step_up: None,
            claims_challenge: None,
            login_hint: None,
            domain_hint: None,
            host: None,
            now,
        }
    }
}

/// Where to send the browser, and what has to be kept (sealed) until it comes back.
#[derive(Clone)]
pub struct Authorization {
    pub url: Url,
    /// Must be repeated in the token request.
    pub redirect_uri: String,
    pub pkce_verifier: Option<String>,
    pub nonce: Option<String>,
}

/// A callback's code, with what [`Authorization`] gave.
#[derive(Clone)]
pub struct ExchangeRequest<'a> {
    pub code: &'a str,
    pub redirect_uri: &'a str,
    pub pkce_verifier: Option<&'a str>,
    pub nonce: Option<&'a str>,
    /// Who says to have answered (RFC 9207). Another issuer than the one asked is a mix-up: the code is kept from it.
    pub iss: Option<&'a str>,
    /// Apple posts the name beside the code, at the first sign-in only. Unsigned, so it fills empty names only.
    pub user: Option<&'a str>,
    /// The authentication context this sign-in was asked to satisfy; refused when the token does not name it.
    pub step_up: Option<&'a str>,
    pub now: Timestamp,
}

/// An ID token that an app obtained itself and submits (contract §3.8).
#[derive(Clone)]
pub struct IdTokenRequest<'a> {
    pub id_token: &'a str,
    pub nonce: Option<&'a str>,
    pub now: Timestamp,
}

/// Where to send a browser to sign out at the provider, too.
#[derive(Clone, Copy, Default)]
pub struct SignOutRequest<'a> {
    /// From [`Facts::login_hint`]; avoids the account picker.
    pub logout_hint: Option<&'a str>,
    pub post_logout_redirect_uri: Option<&'a str>,
}

/// Tokens as received; they do not print.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    pub id: Option<SecretString>,
    pub access: Option<SecretString>,
    pub refresh: Option<SecretString>,
}

/// A verified sign-in.
#[derive(Clone)]
pub struct SignedIn {
    /// For the mapper; `sub` is already the subject to store.
    pub claims: Claims,
    pub tokens: Tokens,
    pub facts: Facts,
}

/// What was proven about this sign-in, for decisions that no mapper may make.
#[derive(Clone, Default, PartialEq)]
pub struct Facts {
    /// The provider proves the address in `claims.email` (design §3): `email_verified_from` for Microsoft, a true
    /// `email_verified` for others.
    pub email_proven: bool,
    /// `tid`, lower case; checked against the configured tenant.
    pub tenant_id: Option<String>,
    /// `oid`, lower case as Entra writes it.
    pub object_id: Option<String>,
    /// The ID token's own `sub`, before `subject_source`.
    pub token_sub: String,
    /// A guest of the tenant; `None` when the token does not tell.
    pub guest: Option<bool>,
    /// A personal Microsoft account.
    pub personal: bool,
    /// The provider's session, for front-channel logout.
    pub sid: Option<String>,
    /// Opaque; serves as `logout_hint`.
    pub login_hint: Option<String>,
    pub acr: Option<String>,
    pub amr: Vec<String>,
    /// Authentication contexts that the sign-in satisfied.
    pub acrs: Vec<String>,
    /// `aal2_acr_values`, `aal2_amr_values` or `step_up_context` make this session aal2.
    pub second_factor: bool,
    /// Groups could not be read and `groups.on_error: flag` lets the person in without them.
    pub groups_missing: bool,
}

/// The answer to a re-check.
#[derive(Clone)]
pub struct Refreshed {
    /// The refresh token to keep from now on; providers that rotate send a new one.
    pub tokens: Tokens,
}

impl fmt::Debug for AuthorizeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeRequest").field("refresh", &self.refresh).finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

impl fmt::Debug for ExchangeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeRequest").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

impl fmt::Debug for IdTokenRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenRequest").finish_non_exhaustive()
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("email_proven", &self.facts.email_proven).finish_non_exhaustive()
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("email_proven", &self.email_proven).finish_non_exhaustive()
    }
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed").finish_non_exhaustive()
    }
}
