//! `identity`: the schemas that traits are checked against.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::source::Source;

/// Identity schemas and which one new identities get.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// Schema of new identities unless a flow asks for another. Default: `default`.
    #[serde(default = "default_schema_id")]
    pub default_schema_id: String,
    /// At least one schema. Every one is read and checked at start. Required.
    #[schemars(length(min = 1))]
    pub schemas: Vec<IdentitySchema>,
}

/// One identity schema.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct IdentitySchema {
    /// Name that identities are stored with; never change it. Required.
    pub id: String,
    /// `file://`, `base64://` or `https://` of a JSON Schema. Required.
    pub url: Source,
    /// Whether a registration may ask for this schema. Default: false.
    #[serde(default)]
    pub selfservice_selectable: bool,
}

fn default_schema_id() -> String {
    "default".to_owned()
}

impl IdentityConfig {
    /// The first schema of that id.
    pub fn schema(&self, id: &str) -> Option<&IdentitySchema> {
        self.schemas.iter().find(|schema| schema.id == id)
    }
}
