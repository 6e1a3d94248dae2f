//! Takes the manifest of an app registration as Entra does: what it does not know or does not allow is refused, and
//! what counts here becomes a [`Client`].

use serde_json::{Map, Value};
use url::Url;

use crate::clients::{Audience, Client};

/// Why Entra would not save it: the member, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {why}")]
pub struct ManifestError {
    pub member: String,
    pub why: &'static str,
}

fn refuse<T>(member: impl Into<String>, why: &'static str) -> Result<T, ManifestError> {
    Err(ManifestError { member: member.into(), why })
}

const MEMBERS: [&str; 7] = [
    "signInAudience",
    "web",
    "api",
    "optionalClaims",
    "groupMembershipClaims",
    "requiredResourceAccess",
    "displayName",
];
/// Optional claims that a v2 ID token can carry.
const CLAIMS: [&str; 20] = [
    "acct",
    "acrs",
    "auth_time",
    "ctry",
    "email",
    "family_name",
    "fwd",
    "given_name",
    "groups",
    "idtyp",
    "ipaddr",
    "login_hint",
    "sid",
    "tenant_ctry",
    "tenant_region_scope",
    "upn",
    "verified_primary_email",
    "verified_secondary_email",
    "vnet",
    "xms_edov",
];
const GROUP_CLAIMS: [&str; 5] = ["None", "SecurityGroup", "DirectoryRole", "ApplicationGroup", "All"];

impl Client {
    /// Lays a manifest patch over this registration.
    ///
    /// # Errors
    /// The first member that Entra would refuse.
    pub fn apply_manifest(&mut self, manifest: &Value) -> Result<(), ManifestError> {
        let Some(members) = manifest.as_object() else {
            return refuse("manifest", "is no object");
        };
        if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return refuse(name, "is no member of an application");
        }
        let audience = audience(members)?;
        let mut changed = self.clone();
        if let Some(audience) = audience {
            changed.audience = audience;
        }
        changed.apply_web(&members.get("web").cloned().unwrap_or_default())?;
        check_api(members, audience)?;
        check_claims(members)?;
        if let Some(groups) = members.get("groupMembershipClaims") {
            match groups.as_str() {
                Some(known) if GROUP_CLAIMS.contains(&known) => changed.group_claims = known != "None",
                _ => return refuse("groupMembershipClaims", "is none of Entra's values"),
            }
        }
        check_permissions(members)?;
        *self = changed;
        Ok(())
    }

    fn apply_web(&mut self, web: &Value) -> Result<(), ManifestError> {
        if let Some(uris) = web["redirectUris"].as_array() {
            if uris.len() > 256 || (uris.len() > 100 && self.audience == Audience::Everybody) {
                return refuse("web.redirectUris", "there are too many");
            }
            let mut kept: Vec<String> = Vec::new();
            for uri in uris.iter().map(|uri| uri.as_str().unwrap_or_default()) {
                check_redirect_uri(uri)?;
                if kept.iter().any(|known| known == uri) {
                    return refuse("web.redirectUris", "one is listed twice");
                }
                kept.push(uri.to_owned());
            }
            self.redirect_uris = Some(kept);
        }
        if let Some(url) = web["logoutUrl"].as_str() {
            let parsed = Url::parse(url).ok();
            if url.len() > 255 || parsed.is_none_or(|url| url.scheme() != "https") {
                return refuse("web.logoutUrl", "has to be https with at most 255 characters");
            }
            self.front_channel_logout_uri = Some(url.to_owned());
        }
        Ok(())
    }
}

fn audience(members: &Map<String, Value>) -> Result<Option<Audience>, ManifestError> {
    Ok(match members.get("signInAudience").map(|value| value.as_str()) {
        None => None,
        Some(Some("AzureADMyOrg")) => Some(Audience::Contoso),
        Some(Some("AzureADMultipleOrgs")) => Some(Audience::Organizations),
        Some(Some("AzureADandPersonalMicrosoftAccount")) => Some(Audience::Everybody),
        Some(Some("PersonalMicrosoftAccount")) => Some(Audience::Consumers),
        Some(_) => return refuse("signInAudience", "is none of Entra's values"),
    })
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
}

fn check_redirect_uri(uri: &str) -> Result<(), ManifestError> {
    let Some(url) = Url::parse(uri).ok().filter(|_| uri.len() <= 256) else {
        return refuse("web.redirectUris", "one is no address of at most 256 characters");
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local(&url)) {
        return refuse("web.redirectUris", "one is neither https nor on localhost");
    }
    if uri.contains(['!', '$', '\'', '(', ')', ',', ';', '*']) || url.query().is_some() || url.fragment().is_some() {
        return refuse("web.redirectUris", "one holds a character, query or fragment that is not allowed");
    }
    Ok(())
}

fn check_api(members: &Map<String, Value>, audience: Option<Audience>) -> Result<(), ManifestError> {
    let api = members.get("api").cloned().unwrap_or_default();
    let several = matches!(audience, Some(Audience::Organizations | Audience::Everybody));
    if several && api["acceptMappedClaims"] == true {
        return refuse("api.acceptMappedClaims", "lets other tenants make up claims of a multi-tenant app");
    }
    let personal = matches!(audience, Some(Audience::Everybody | Audience::Consumers));
    if personal && api["requestedAccessTokenVersion"] != 2 {
        return refuse("api.requestedAccessTokenVersion", "has to be 2 with personal accounts");
    }
    Ok(())
}

fn check_claims(members: &Map<String, Value>) -> Result<(), ManifestError> {
    let claims = members.get("optionalClaims").map(|claims| claims["idToken"].clone());
    let Some(claims) = claims.as_ref().and_then(Value::as_array) else {
        return Ok(());
    };
    let names: Vec<&str> = claims.iter().map(|claim| claim["name"].as_str().unwrap_or_default()).collect();
    if let Some(name) = names.iter().find(|name| !CLAIMS.contains(name)) {
        return refuse(format!("optionalClaims.idToken {name}"), "is no optional claim");
    }
    if names.contains(&"xms_edov") && !names.contains(&"email") {
        return refuse("optionalClaims.idToken xms_edov", "needs `email` beside it");
    }
    Ok(())
}

fn check_permissions(members: &Map<String, Value>) -> Result<(), ManifestError> {
    let resources = members.get("requiredResourceAccess").and_then(Value::as_array);
    for access in resources.into_iter().flatten() {
        let permissions = access["resourceAccess"].as_array().into_iter().flatten();
        for permission in permissions {
            let id = permission["id"].as_str().is_some_and(|id| uuid::Uuid::parse_str(id).is_ok());
            if !id || !matches!(permission["type"].as_str(), Some("Scope" | "Role")) {
                return refuse("requiredResourceAccess", "a permission needs an id and a type");
            }
        }
    }
    Ok(())
}
