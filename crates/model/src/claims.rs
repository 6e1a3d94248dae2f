//! What a provider said about a person, as the mapper sees it (contract §4.1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Verified claims. Fields with a zero value are left out when serialised, as Kratos does, so a mapper
/// can't read `email_verified: false`; `raw_claims` holds everything as received.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub iss: String,
    /// The subject after `subject_source` was applied.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub oid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub given_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub family_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub middle_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preferred_username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub profile: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub picture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub website: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub email_verified: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gender: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub birthdate: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zoneinfo: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub locale: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phone_number: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub phone_number_verified: bool,
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_at: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hd: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub team: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nonce_supported: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acr: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Chosen Microsoft Graph profile fields (`microsoft.profile`), an extension of ours.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub graph: Map<String, Value>,
    /// Every claim of the source as received, the standard ones included.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub raw_claims: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl Claims {
    /// The text of a raw claim, if it is text.
    pub fn raw_str(&self, name: &str) -> Option<&str> {
        self.raw_claims.get(name).and_then(Value::as_str)
    }
}
