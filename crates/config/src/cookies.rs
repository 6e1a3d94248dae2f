//! `cookies`: attributes of the CSRF and continuity cookies, and the fallback for the session cookie.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// Attributes of every cookie unless `session.cookie` says otherwise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cookies {
    /// `Domain` attribute, for example `contoso.com` to share cookies between its hosts. Default: none, the host alone.
    pub domain: String,
    /// `Path` attribute. Default: `/`.
    pub path: String,
    /// `Secure` attribute, as a text: `"true"` or `"false"` with quotes. Default: on, except under `--dev`.
    #[serde(deserialize_with = "secure_text")]
    #[schemars(schema_with = "secure_schema")]
    pub secure: Option<bool>,
    /// `SameSite` attribute. Default: `Lax`.
    pub same_site: SameSite,
}

impl Default for Cookies {
    fn default() -> Self {
        Self { domain: String::new(), path: "/".to_owned(), secure: None, same_site: SameSite::Lax }
    }
}

/// The `SameSite` attribute of a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum SameSite {
    /// Never sent from another site, which breaks returning from a provider.
    Strict,
    /// Sent when a browser navigates here from another site.
    #[default]
    Lax,
    /// Sent everywhere; needs `Secure`.
    None,
}

/// Kratos: `secure` is a text in the schema and is then read as Go reads booleans.
pub(crate) fn secure_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    // Whatever is no Go boolean counts as false in Kratos; advice tells the operator.
    Ok(text.map(|text| go_bool(&text).unwrap_or(false)))
}

pub(crate) fn secure_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

/// The words that Go reads as a boolean.
pub(crate) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
