//! Whose people may sign in with Microsoft: the five forms of `microsoft_tenant`, `allowed_tenants`, personal
//! accounts and guests. A domain is resolved once and from then on its GUID counts.

use crate::connection::Connection;
use crate::discovery::{Metadata, upstream_unavailable};
use crate::error::{ProviderError, Step};
use bia_config::{Access, Tenant};
use bia_model::{ApiError, Timestamp};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The tenant of all personal accounts.
pub(crate) const CONSUMERS: Uuid = Uuid::from_u128(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad);

/// Remembers which GUID a domain had when it was first asked: a domain that changes hands later opens no door.
#[derive(Default)]
pub(crate) struct Tenants {
    resolved: Mutex<HashMap<String, Uuid>>,
}

/// What a token says about the account it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) tenant: Uuid,
    /// `None` when the token has neither `acct` nor `idp`.
    pub(crate) guest: Option<bool>,
}

impl Account {
    pub(crate) fn is_personal(self) -> bool {
        self.tenant == CONSUMERS
    }

    pub(crate) fn new(tenant: Uuid, claims: &Map<String, Value>) -> Self {
        let acct = claims.get("acct").and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()));
        let guest = match (acct, claims.get("idp").and_then(Value::as_str)) {
            (Some(kind), _) => Some(kind == 1),
            // Entra adds `idp` when somebody else than the tenant vouched for the person.
            (None, Some(idp)) => Some(claims.get("iss").and_then(Value::as_str) != Some(idp)),
            (None, None) => None,
        };
        Self { tenant, guest }
    }
}

/// Reads `tid` of a token that is not verified yet; the checks are in the order that Kratos has them.
pub(crate) fn tenant_id(claims: &Map<String, Value>) -> Result<Uuid, ProviderError> {
    let text = match claims.get("tid") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => {
            let api = ApiError::plain("The identity provider's answer could not be read: the tenant id is not text.");
            return Err(ProviderError::new(Step::IdToken, api, "the claim `tid` is not text"));
        }
    };
    let tenant = Uuid::parse_str(text).map_err(|_| {
        let reason = "TenantID claim is not a valid UUID: the identity provider did not say which organization the account belongs to.";
        ProviderError::refused(Step::IdToken, reason, "the claim `tid` is absent or not a GUID; a v1 or foreign token?")
    })?;
    if tenant.to_string() != text {
        // Kratos fails to find metadata under such a spelling; Entra never writes one.
        return Err(upstream_unavailable("the claim `tid` is a GUID in a spelling that Entra does not use".to_owned()));
    }
    Ok(tenant)
}

impl Connection {
    pub(crate) fn authority(&self) -> &str {
        self.config.microsoft.authority_host()
    }

    /// The configured tenant as it goes into addresses.
    pub(crate) fn tenant_segment(&self) -> Result<&str, ProviderError> {
        let tenant = self.config.microsoft_tenant.as_deref().unwrap_or_default().trim();
        if tenant.is_empty() {
            let reason = format!("No Tenant specified for the `microsoft` oidc provider {}", self.config.id);
            let api = ApiError::invalid_configuration(reason);
            return Err(ProviderError::new(Step::Configuration, api, "microsoft_tenant is empty")
                .with_config_key("microsoft_tenant"));
        }
        Ok(tenant)
    }

    /// Metadata of any tenant segment at this cloud.
    pub(crate) async fn tenant_metadata(&self, segment: &str, now: Timestamp) -> Result<Arc<Metadata>, ProviderError> {
        self.caches.metadata(&self.metadata_url(segment), 0, now, upstream_unavailable).await
    }

    pub(crate) fn metadata_url(&self, segment: &str) -> String {
        let mut url = format!("{}/{segment}/v2.0/.well-known/openid-configuration", self.authority());
        if self.config.microsoft.custom_signing_key {
            // An app with a signing key of its own publishes it only to those who name the app.
            url.push_str("?appid=");
            url.push_str(&self.auth.client_id);
        }
        url
    }
}

impl Tenants {
    /// Refuses an account that this connection is not for. `metadata` is that of the configured tenant.
    pub(crate) async fn check(
        &self,
        connection: &Connection,
        metadata: &Metadata,
        account: Account,
        now: Timestamp,
    ) -> Result<(), ProviderError> {
        let tenant = account.tenant;
        let fits = match Tenant::parse(connection.tenant_segment()?) {
            Tenant::Common => true,
            Tenant::Organizations => tenant != CONSUMERS,
            Tenant::Consumers => tenant == CONSUMERS,
            Tenant::Id(id) => Uuid::parse_str(id).is_ok_and(|id| id == tenant),
            Tenant::Domain(domain) => self.resolve(domain, metadata)? == tenant,
        };
        if !fits {
            return Err(refused(
                OTHER_ORGANIZATION,
                format!("the token is for tenant {tenant}, which microsoft_tenant does not admit"),
                "microsoft_tenant",
            ));
        }
        let microsoft = &connection.config.microsoft;
        if !microsoft.allowed_tenants.is_empty() && !self.is_allowed(connection, tenant, now).await? {
            return Err(refused(
                OTHER_ORGANIZATION,
                format!("the token is for tenant {tenant}, which is not listed"),
                "microsoft.allowed_tenants",
            ));
        }
        if microsoft.personal_accounts == Access::Deny && account.is_personal() {
            return Err(refused(PERSONAL, "a personal account", "microsoft.personal_accounts"));
        }
        if microsoft.guests == Access::Deny && !account.is_personal() {
            return match account.guest {
                Some(false) => Ok(()),
                Some(true) => Err(refused(GUEST, "a guest of the tenant", "microsoft.guests")),
                None => Err(refused(
                    GUEST,
                    "the token does not tell members from guests; add the optional claim `acct` to the app registration",
                    "microsoft.guests",
                )),
            };
        }
        Ok(())
    }

    async fn is_allowed(&self, connection: &Connection, tenant: Uuid, now: Timestamp) -> Result<bool, ProviderError> {
        let list = &connection.config.microsoft.allowed_tenants;
        if list.iter().filter_map(|entry| Uuid::parse_str(entry).ok()).any(|id| id == tenant) {
            return Ok(true);
        }
        let mut unresolved = None;
        for domain in list.iter().filter(|entry| Uuid::parse_str(entry).is_err()) {
            let found = match connection.tenant_metadata(domain, now).await {
                Ok(metadata) => self.resolve(domain, &metadata),
                Err(error) => Err(error),
            };
            match found {
                Ok(id) if id == tenant => return Ok(true),
                Ok(_) => {}
                Err(error) => unresolved = Some(error),
            }
        }
        // Not knowing is not a no: the visitor may be of exactly that tenant.
        unresolved.map_or(Ok(false), Err)
    }

    /// The GUID in a domain's issuer; the first answer is kept.
    fn resolve(&self, domain: &str, metadata: &Metadata) -> Result<Uuid, ProviderError> {
        let mut resolved = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        let key = domain.to_ascii_lowercase();
        if let Some(id) = resolved.get(&key) {
            return Ok(*id);
        }
        let id = metadata
            .issuer
            .trim_end_matches('/')
            .rsplit('/')
            .nth(1)
            .and_then(|segment| Uuid::parse_str(segment).ok())
            .ok_or_else(|| upstream_unavailable(format!("the metadata of {domain} names no tenant")))?;
        resolved.insert(key, id);
        Ok(id)
    }
}

const OTHER_ORGANIZATION: &str =
    "This account belongs to an organization that can't be used here. Please choose another account.";
const PERSONAL: &str = "Personal Microsoft accounts can't be used here. Please choose a work or school account.";
const GUEST: &str = "Guest accounts can't be used here. Please choose an account of the organization itself.";

fn refused(reason: &str, detail: impl Into<String>, key: &str) -> ProviderError {
    ProviderError::refused(Step::Policy, reason, detail).with_config_key(key)
}
