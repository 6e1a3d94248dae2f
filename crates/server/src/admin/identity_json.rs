//! How the admin API shows identities and their credentials (contract §1.8).

use bia_identity::Sealer;
use bia_model::{ApiError, CredentialsType, Identity, OidcConfig};
use serde_json::{Map, Value, json};

/// Kinds that Kratos knows; naming another one is an error, naming one of these is fine though nobody has it.
const KNOWN: [&str; 12] = [
    "password",
    "oidc",
    "totp",
    "lookup_secret",
    "webauthn",
    "code",
    "passkey",
    "profile",
    "saml",
    "link_recovery",
    "code_recovery",
    "deviceauthn",
];

/// What of an identity is shown.
pub(crate) struct Shown<'a> {
    pub(crate) public_url: &'a str,
    pub(crate) sealer: &'a Sealer,
    /// Whether credentials appear at all.
    pub(crate) with_credentials: bool,
    /// `include_credential`: types whose `config` appears, tokens decrypted.
    pub(crate) declassified: &'a [String],
    /// Kratos: what was read from the database has been migrated on the way, and null metadata are named.
    pub(crate) stored: bool,
    pub(crate) names_null_metadata: bool,
}

/// Reads `include_credential`.
///
/// # Errors
/// 400 for a type that doesn't exist.
pub(crate) fn declassified<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<String>, ApiError> {
    let check = |value: &str| match KNOWN.contains(&value) {
        true => Ok(value.to_owned()),
        false => Err(ApiError::bad_request(format!("Invalid value `{value}` for parameter `include_credential`."))),
    };
    values.map(check).collect()
}

impl Shown<'_> {
    pub(crate) fn render(&self, identity: &Identity) -> Value {
        let credentials = (self.with_credentials && !identity.credentials.is_empty()).then(|| {
            let kinds = identity.credentials.keys();
            let entries: Map<String, Value> =
                kinds.map(|kind| (kind.as_str().to_owned(), self.credential(identity, *kind))).collect();
            Value::Object(entries)
        });
        let mut out = identity.to_admin(self.public_url, credentials);
        if let (true, Some(map)) = (self.names_null_metadata && identity.metadata_admin.is_none(), out.as_object_mut())
        {
            map.insert("metadata_admin".into(), Value::Null);
        }
        out
    }

    fn credential(&self, identity: &Identity, kind: CredentialsType) -> Value {
        let credentials = &identity.credentials[&kind];
        let mut identifiers = credentials.identifiers.clone();
        let mut version = credentials.version;
        if self.stored {
            identifiers.sort();
        }
        // Kratos: rows other than `oidc` are brought to version 1 when they are read, not when they are made.
        if kind != CredentialsType::Oidc {
            version = if self.stored { version.max(1) } else { 0 };
        }
        let mut out = Map::new();
        out.insert("type".into(), json!(kind));
        out.insert("identifiers".into(), json!(identifiers));
        if self.declassified.iter().any(|name| name == kind.as_str()) {
            let config = if kind == CredentialsType::Oidc { self.links(identity) } else { credentials.config.clone() };
            out.insert("config".into(), config);
        }
        out.insert("version".into(), json!(version));
        out.insert("created_at".into(), json!(credentials.created_at));
        out.insert("updated_at".into(), json!(credentials.updated_at));
        Value::Object(out)
    }

    fn links(&self, identity: &Identity) -> Value {
        let mut providers = identity.oidc_links();
        for link in &mut providers {
            for token in [&mut link.initial_id_token, &mut link.initial_access_token, &mut link.initial_refresh_token] {
                *token = self.sealer.decrypt_token(token);
            }
        }
        json!(OidcConfig { providers })
    }
}

#[cfg(test)]
mod tests {
    use super::declassified;

    #[test]
    fn only_types_that_exist_can_be_included() {
        assert_eq!(declassified(["oidc", "password"].into_iter()).unwrap(), ["oidc", "password"]);
        let error = declassified(["telepathy"].into_iter()).unwrap_err();
        assert_eq!(error.reason.as_deref(), Some("Invalid value `telepathy` for parameter `include_credential`."));
    }
}
