//! One person as the admin API shows them, and what of it becomes an identity here.

use bia_model::{Identity, IdentityState, OidcLink, RecoveryAddress, Timestamp, VerifiableAddress};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What the admin API says about one person. Versions of Kratos differ in what they leave out.
#[derive(Deserialize)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    schema_id: String,
    state: Option<IdentityState>,
    state_changed_at: Option<Timestamp>,
    traits: Option<Value>,
    verifiable_addresses: Option<Vec<Verifiable>>,
    recovery_addresses: Option<Vec<Recovery>>,
    metadata_public: Option<Value>,
    metadata_admin: Option<Value>,
    external_id: Option<String>,
    organization_id: Option<Uuid>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    /// Left out altogether when the list does not show credentials.
    pub(crate) credentials: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Verifiable {
    id: Option<Uuid>,
    value: String,
    via: String,
    #[serde(default)]
    verified: bool,
    status: Option<String>,
    verified_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Recovery {
    id: Option<Uuid>,
    value: String,
    via: String,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

/// A link as `include_credential=oidc` shows it. Tokens are read only to be counted.
#[derive(Deserialize)]
struct Link {
    subject: String,
    provider: String,
    organization: Option<String>,
    #[serde(default)]
    use_auto_link: bool,
    #[serde(default)]
    initial_access_token: String,
    #[serde(default)]
    initial_refresh_token: String,
    #[serde(default)]
    initial_id_token: String,
}

/// What a person has that is not carried.
#[derive(Default)]
pub(crate) struct LeftBehind {
    /// Kinds of credentials other than `oidc`.
    pub(crate) kinds: Vec<String>,
    /// Links that came with tokens of the provider.
    pub(crate) tokens: u64,
}

impl Person {
    /// Whether their links are known.
    pub(crate) fn shows_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The identity, with id and times as they are there.
    pub(crate) fn into_identity(self, now: Timestamp) -> (Identity, LeftBehind) {
        let created_at = self.created_at.unwrap_or(now);
        let updated_at = self.updated_at.unwrap_or(created_at);
        let mut identity = Identity::new(self.id, &self.schema_id, created_at);
        identity.state = self.state.unwrap_or(IdentityState::Active);
        identity.state_changed_at = self.state_changed_at.or(Some(created_at));
        identity.traits = self.traits.filter(|traits| !traits.is_null()).unwrap_or_else(|| json!({}));
        identity.metadata_public = self.metadata_public.filter(|value| !value.is_null());
        identity.metadata_admin = self.metadata_admin.filter(|value| !value.is_null());
        identity.external_id = self.external_id.filter(|id| !id.is_empty());
        identity.organization_id = self.organization_id.filter(|id| !id.is_nil());
        let verifiable = self.verifiable_addresses.unwrap_or_default().into_iter();
        identity.verifiable_addresses = verifiable.map(|address| address.carried(created_at)).collect();
        let recovery = self.recovery_addresses.unwrap_or_default().into_iter();
        identity.recovery_addresses = recovery.map(|address| address.carried(created_at)).collect();
        identity.updated_at = updated_at;
        let left = carry_links(&mut identity, self.credentials.unwrap_or_default());
        (identity, left)
    }
}

fn carry_links(identity: &mut Identity, credentials: Map<String, Value>) -> LeftBehind {
    let mut left = LeftBehind::default();
    for (kind, credential) in credentials {
        if kind != "oidc" {
            left.kinds.push(kind);
            continue;
        }
        let links = links(&credential, &mut left);
        let at = |key: &str| serde_json::from_value::<Timestamp>(credential[key].clone()).ok();
        identity.set_oidc_links(links, at("updated_at").unwrap_or(identity.updated_at));
        if let (Some(made), Some(created_at)) = (identity.credentials.get_mut(&oidc()), at("created_at")) {
            made.created_at = created_at;
        }
    }
    left
}

fn oidc() -> bia_model::CredentialsType {
    bia_model::CredentialsType::Oidc
}

fn links(credential: &Value, left: &mut LeftBehind) -> Vec<OidcLink> {
    let shown = serde_json::from_value::<Vec<Link>>(credential["config"]["providers"].clone());
    if let Ok(shown) = shown {
        return shown
            .into_iter()
            .map(|link| {
                let tokens = [&link.initial_access_token, &link.initial_refresh_token, &link.initial_id_token];
                left.tokens += u64::from(tokens.iter().any(|token| !token.is_empty()));
                let organization = link.organization.filter(|id| !id.is_empty());
                let (subject, provider) = (link.subject, link.provider);
                OidcLink { subject, provider, organization, use_auto_link: link.use_auto_link, ..OidcLink::default() }
            })
            .collect();
    }
    // Without its configuration a credential still says whom it stands for.
    let identifiers = credential["identifiers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pairs = identifiers.iter().filter_map(Value::as_str).filter_map(|text| text.split_once(':'));
    pairs
        .map(|(provider, subject)| OidcLink {
            subject: subject.to_owned(),
            provider: provider.to_owned(),
            ..OidcLink::default()
        })
        .collect()
}

impl Verifiable {
    fn carried(self, otherwise: Timestamp) -> VerifiableAddress {
        let created_at = self.created_at.unwrap_or(otherwise);
        let status = self.status.filter(|status| !status.is_empty());
        VerifiableAddress {
            id: self.id.unwrap_or_else(Uuid::new_v4),
            value: self.value,
            verified: self.verified,
            via: self.via,
            status: status.unwrap_or_else(|| if self.verified { "completed" } else { "pending" }.to_owned()),
            verified_at: self.verified_at.filter(|_| self.verified),
            created_at,
            updated_at: self.updated_at.unwrap_or(created_at),
        }
    }
}

impl Recovery {
    fn carried(self, otherwise: Timestamp) -> RecoveryAddress {
        let created_at = self.created_at.unwrap_or(otherwise);
        RecoveryAddress {
            id: self.id.unwrap_or_else(Uuid::new_v4),
            value: self.value,
            via: self.via,
            created_at,
            updated_at: self.updated_at.unwrap_or(created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(value: Value) -> (Identity, LeftBehind) {
        serde_json::from_value::<Person>(value).expect("person").into_identity(Timestamp::from_secs(7))
    }

    #[test]
    fn a_person_with_nothing_but_id_and_schema_is_carried() {
        let (identity, left) = carried(json!({
            "id": Uuid::from_u128(1), "schema_id": "default", "traits": null, "metadata_public": null,
            "verifiable_addresses": null, "organization_id": null, "credentials": null,
        }));
        assert_eq!((identity.traits, identity.metadata_public), (json!({}), None));
        assert_eq!((identity.created_at, identity.updated_at), (Timestamp::from_secs(7), Timestamp::from_secs(7)));
        assert!(left.kinds.is_empty() && identity.credentials.is_empty());
    }

    #[test]
    fn a_link_is_known_from_its_identifier_when_its_configuration_is_hidden() {
        let (identity, _) = carried(json!({
            "id": Uuid::from_u128(1), "schema_id": "default",
            "credentials": { "oidc": { "type": "oidc", "identifiers": ["microsoft:a:b", "nonsense"] } },
        }));
        let links: Vec<_> = identity.oidc_links().into_iter().map(|link| (link.provider, link.subject)).collect();
        assert_eq!(links, [("microsoft".to_owned(), "a:b".to_owned())]);
    }

    #[test]
    fn tokens_of_the_provider_stay_behind_and_are_counted() {
        let (identity, left) = carried(json!({
            "id": Uuid::from_u128(1), "schema_id": "default",
            "credentials": {
                "password": { "type": "password", "identifiers": ["a"] },
                "oidc": { "config": { "providers": [
                    { "provider": "a", "subject": "1", "initial_refresh_token": "secret", "organization": "" },
                    { "provider": "b", "subject": "2", "initial_access_token": "" },
                ] } },
            },
        }));
        assert_eq!((left.tokens, left.kinds), (1, vec!["password".to_owned()]));
        assert!(!format!("{identity:?}").contains("secret"));
        assert_eq!(identity.oidc_links().len(), 2);
    }
}
