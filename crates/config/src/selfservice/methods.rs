//! `selfservice.methods`: ways to sign in.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::oidc::OidcMethod;
use crate::unsupported::{self, Ignored};

/// `selfservice.methods`. Only `oidc` and `profile` run here; the others are read and reported.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Methods {
    /// Sign-in with OpenID Connect providers.
    pub oidc: OidcMethod,
    /// The form that changes traits in settings.
    pub profile: ProfileMethod,
    /// Kratos' organisations of its paid edition; a provider's `organization_id` works without it.
    #[schemars(schema_with = "unsupported::b2b")]
    pub b2b: Option<Ignored>,
    /// Kratos' magic links; not served.
    #[schemars(schema_with = "unsupported::link")]
    pub link: Option<Ignored>,
    /// Kratos' one-time codes; not served.
    #[schemars(schema_with = "unsupported::code")]
    pub code: Option<Ignored>,
    /// Kratos' passwords; not served.
    #[schemars(schema_with = "unsupported::password")]
    pub password: Option<Ignored>,
    /// Kratos' time-based one-time passwords; not served.
    #[schemars(schema_with = "unsupported::totp")]
    pub totp: Option<Ignored>,
    /// Kratos' recovery codes; not served.
    #[schemars(schema_with = "unsupported::lookup_secret")]
    pub lookup_secret: Option<Ignored>,
    /// Kratos' WebAuthn; not served.
    #[schemars(schema_with = "unsupported::webauthn")]
    pub webauthn: Option<Ignored>,
    /// Kratos' passkeys; not served.
    #[schemars(schema_with = "unsupported::passkey")]
    pub passkey: Option<Ignored>,
}

/// `selfservice.methods.profile`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileMethod {
    /// Show the trait form in settings. Default: true.
    pub enabled: bool,
}

impl Default for ProfileMethod {
    fn default() -> Self {
        Self { enabled: true }
    }
}
