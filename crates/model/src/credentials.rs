//! Credentials: what a person signs in with (Kratos: `identity/credentials.go`).

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kinds of credentials. Only `oidc` signs anybody in here; the others exist because an identity schema
/// makes a trait an identifier of theirs, which gives it uniqueness (contract §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialsType {
    Code,
    Oidc,
    Password,
    Webauthn,
}

impl CredentialsType {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Oidc => "oidc",
            Self::Password => "password",
            Self::Webauthn => "webauthn",
        }
    }
}

/// One credential of an identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    #[serde(rename = "type")]
    pub credentials_type: CredentialsType,
    /// What makes it unique; for `oidc` each is `<provider id>:<subject>`, compared with case.
    pub identifiers: Vec<String>,
    /// For `oidc` an [`OidcConfig`]; otherwise an object.
    pub config: Value,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The links of an identity to providers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OidcConfig {
    pub providers: Vec<OidcLink>,
}

/// A link to one person at one provider. The tokens are sealed; empty when none was issued.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OidcLink {
    pub subject: String,
    pub provider: String,
    #[serde(default)]
    pub initial_id_token: String,
    #[serde(default)]
    pub initial_access_token: String,
    #[serde(default)]
    pub initial_refresh_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_auto_link: bool,
}

impl OidcLink {
    /// The identifier that makes this link unique: `<provider id>:<subject>`.
    pub fn identifier(&self) -> String {
        oidc_identifier(&self.provider, &self.subject)
    }
}

/// `<provider id>:<subject>`, as stored and as the admin API shows it.
pub fn oidc_identifier(provider_id: &str, subject: &str) -> String {
    format!("{provider_id}:{subject}")
}
