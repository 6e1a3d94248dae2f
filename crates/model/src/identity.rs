//! Identities: who somebody is (Kratos: `identity/identity.go`, contract §7).

use crate::credentials::{Credentials, CredentialsType, OidcConfig, OidcLink};
use crate::timestamp::Timestamp;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// Whether an identity may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityState {
    Active,
    Inactive,
}

/// An address that can be proven (`verification.via` in the identity schema).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifiableAddress {
    pub id: Uuid,
    pub value: String,
    pub verified: bool,
    /// `email` or `sms`.
    pub via: String,
    /// `pending`, `sent` or `completed`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An address that could recover the account (`recovery.via`); kept because clients read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecoveryAddress {
    pub id: Uuid,
    pub value: String,
    pub via: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An identity with everything that belongs to it, as one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub id: Uuid,
    pub schema_id: String,
    pub state: IdentityState,
    #[serde(default)]
    pub state_changed_at: Option<Timestamp>,
    pub traits: Value,
    #[serde(default)]
    pub verifiable_addresses: Vec<VerifiableAddress>,
    #[serde(default)]
    pub recovery_addresses: Vec<RecoveryAddress>,
    #[serde(default)]
    pub metadata_public: Option<Value>,
    #[serde(default)]
    pub metadata_admin: Option<Value>,
    #[serde(default)]
    pub external_id: Option<String>,
    #[serde(default)]
    pub organization_id: Option<Uuid>,
    #[serde(default)]
    pub credentials: BTreeMap<CredentialsType, Credentials>,
    /// Addresses (lower case) whose ownership was proven by more than a mapper's word: by the provider, or by the
    /// operator through the admin API. Never shown; automatic linking needs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven_addresses: Vec<String>,
    /// Who proved each of them first: `provider:<id>`, `admin` or `import`. For whoever has to judge a link later.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proven_by: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Identity {
    /// An active identity without traits, addresses or credentials.
    pub fn new(id: Uuid, schema_id: &str, now: Timestamp) -> Self {
        Self {
            id,
            schema_id: schema_id.to_owned(),
            state: IdentityState::Active,
            state_changed_at: Some(now),
            traits: json!({}),
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            metadata_public: None,
            metadata_admin: None,
            external_id: None,
            organization_id: None,
            credentials: BTreeMap::new(),
            proven_addresses: Vec::new(),
            proven_by: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
    }

    pub fn is_active(&self) -> bool {
        self.state == IdentityState::Active
    }

    /// Marks a change: `updated_at` is the version of the row, so it always grows, also when the clock stands or was
    /// set back. Two changes of one version would hide the first from whoever read in between.
    pub fn touch(&mut self, now: Timestamp) {
        self.updated_at = now.max(self.updated_at + Duration::from_micros(1));
    }

    /// Remembers that an address was proven, and by whom; who proved it first stays.
    pub fn prove(&mut self, address: &str, by: &str) {
        let address = address.to_lowercase();
        if !self.proven_addresses.contains(&address) {
            self.proven_by.insert(address.clone(), by.to_owned());
            self.proven_addresses.push(address);
        }
    }

    /// Forgets the proofs of all addresses that aren't among these.
    pub fn keep_proofs(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.proven_addresses.retain(|address| is_kept(address));
        self.proven_by.retain(|address, _| is_kept(address));
    }

    /// The links to providers, empty when there are none or the stored shape is foreign.
    pub fn oidc_links(&self) -> Vec<OidcLink> {
        self.credentials
            .get(&CredentialsType::Oidc)
            .and_then(|credentials| serde_json::from_value::<OidcConfig>(credentials.config.clone()).ok())
            .map(|config| config.providers)
            .unwrap_or_default()
    }

    /// Replaces the links and the identifiers that follow from them; none left removes the credential.
    pub fn set_oidc_links(&mut self, links: Vec<OidcLink>, now: Timestamp) {
        if links.is_empty() {
            self.credentials.remove(&CredentialsType::Oidc);
            return;
        }
        let identifiers = links.iter().map(OidcLink::identifier).collect();
        let config = serde_json::to_value(OidcConfig { providers: links }).unwrap_or_default();
        let entry = self.credentials.entry(CredentialsType::Oidc).or_insert_with(|| Credentials {
            credentials_type: CredentialsType::Oidc,
            identifiers: Vec::new(),
            config: Value::Null,
            version: 0,
            created_at: now,
            updated_at: now,
        });
        entry.identifiers = identifiers;
        entry.config = config;
        entry.updated_at = now;
    }

    /// What the person themself and the public API see. `public_url` is `serve.public.base_url`.
    pub fn to_public(&self, public_url: &str) -> Value {
        self.to_json(public_url, None, None)
    }

    /// What the admin API shows besides: credentials as the caller renders them, and `metadata_admin` when set.
    pub fn to_admin(&self, public_url: &str, credentials: Option<Value>) -> Value {
        self.to_json(public_url, credentials, self.metadata_admin.as_ref())
    }

    /// The fields in Kratos' order.
    fn to_json(&self, public_url: &str, credentials: Option<Value>, metadata_admin: Option<&Value>) -> Value {
        let mut out = Map::new();
        let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
        set("id", json!(self.id));
        if let Some(external_id) = &self.external_id {
            set("external_id", json!(external_id));
        }
        if let Some(credentials) = credentials {
            set("credentials", credentials);
        }
        set("schema_id", json!(self.schema_id));
        set("schema_url", json!(schema_url(public_url, &self.schema_id)));
        set("state", json!(self.state));
        if let Some(at) = self.state_changed_at {
            set("state_changed_at", json!(at));
        }
        set("traits", self.traits.clone());
        if !self.verifiable_addresses.is_empty() {
            set("verifiable_addresses", json!(self.verifiable_addresses));
        }
        if !self.recovery_addresses.is_empty() {
            set("recovery_addresses", json!(self.recovery_addresses));
        }
        set("metadata_public", json!(self.metadata_public));
        if let Some(metadata) = metadata_admin {
            set("metadata_admin", metadata.clone());
        }
        set("created_at", json!(self.created_at));
        set("updated_at", json!(self.updated_at));
        set("organization_id", json!(self.organization_id));
        Value::Object(out)
    }
}

/// Where an identity's schema can be read: the id in base64url without padding, as Kratos writes it.
pub fn schema_url(public_url: &str, schema_id: &str) -> String {
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(schema_id);
    format!("{}/schemas/{encoded}", public_url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_grows_with_each_change_whatever_the_clock_does() {
        let (before, now) = (Timestamp::from_secs(1), Timestamp::from_secs(5));
        let mut identity = Identity::new(Uuid::nil(), "person", now);
        for at in [now, before, now] {
            let previous = identity.updated_at;
            identity.touch(at);
            assert!(identity.updated_at > previous, "at {at:?}");
        }
        let later = Timestamp::from_secs(9);
        identity.touch(later);
        assert_eq!(identity.updated_at, later);
    }
}
