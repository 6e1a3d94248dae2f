//! `security` and `oauth2_provider`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

/// Hardening switches of Kratos.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Security {
    /// Hiding whether somebody has an account.
    pub account_enumeration: AccountEnumeration,
    /// Refuse `$ref` in identity schemas. Default: false.
    pub disallow_ref_in_identity_schemas: bool,
}

/// `security.account_enumeration`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AccountEnumeration {
    /// Keep the button list the same for known and unknown people. Default: false.
    pub mitigate: bool,
}

/// `oauth2_provider`: hand logins over to Ory Hydra.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth2Provider {
    /// Hydra's admin API, for example `http://hydra:4445`. Default: none, no hand-over.
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
    /// Headers sent to it, for example an API key. Never printed.
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, SecretString>,
    /// Use `return_to` of the flow instead of Hydra's answer. Default: false.
    pub override_return_to: bool,
}
