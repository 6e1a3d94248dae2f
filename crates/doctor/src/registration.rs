//! What an app registration in Entra needs for exactly this configuration. Connections that share credentials
//! (`credentials_from`) share one registration.

use crate::examination::PROVIDERS;
use bia_config::{Cloud, Config, OidcProvider, ProviderKind, Tenant};
use serde_json::{Value, json};
use url::Url;

/// Microsoft Graph as an API of other programs' registrations.
pub(crate) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// Delegated permissions of Graph by name, with the ids that a manifest has to hold.
const PERMISSIONS: [(&str, &str); 7] = [
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
    ("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
    ("offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
    ("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    ("GroupMember.Read.All", "bc024368-1153-4739-b217-4326f2e966d0"),
    ("Directory.Read.All", "06da0dbc-49e2-44d2-8312-53f166ab848a"),
];

/// A claim that Entra puts into ID tokens only when the registration asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionalClaim {
    pub name: &'static str,
    /// What it is used for.
    pub why: &'static str,
}

/// A delegated permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pub name: String,
    /// Its id at Graph; none for those this program does not know, which are added by hand.
    pub id: Option<&'static str>,
}

/// One registration.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Ids of the connections that use it, the one that holds the credentials first.
    pub providers: Vec<String>,
    pub client_id: String,
    pub cloud: Cloud,
    /// Graph's address, where registrations are kept.
    pub graph: String,
    pub redirect_uris: Vec<String>,
    /// Where the browser of an administrator returns; registered beside the callbacks.
    pub admin_consent_uris: Vec<String>,
    pub logout_url: Option<String>,
    pub sign_in_audience: &'static str,
    pub optional_claims: Vec<OptionalClaim>,
    pub group_membership: Option<&'static str>,
    pub permissions: Vec<Permission>,
    /// With which an administrator grants the permissions; none for personal accounts.
    pub admin_consent_link: Option<Url>,
}

impl Registration {
    /// The registrations of a configuration, in its order. `only` picks that of one provider.
    ///
    /// # Errors
    /// A sentence when there is no such provider, or none at Microsoft.
    pub fn of(config: &Config, only: Option<&str>, tenant: Option<&str>) -> Result<Vec<Self>, String> {
        if let Some(id) = only {
            let provider = config.provider_by_id_or_alias(id);
            let provider = provider.ok_or_else(|| format!("{PROVIDERS} has no provider `{id}`"))?;
            if provider.provider != ProviderKind::Microsoft {
                return Err(format!("the provider `{id}` is not `provider: microsoft`"));
            }
        }
        let mut groups: Vec<Vec<&OidcProvider>> = Vec::new();
        for provider in config.providers().iter().filter(|p| p.provider == ProviderKind::Microsoft) {
            let source = &config.credentials_of(provider).id;
            match groups.iter_mut().find(|group| group.iter().any(|p| config.credentials_of(p).id == *source)) {
                Some(group) => group.push(provider),
                None => groups.push(vec![provider]),
            }
        }
        let wanted = |group: &Vec<&OidcProvider>| only.is_none_or(|id| group.iter().any(|p| p.answers_to(id)));
        let found: Vec<Self> =
            groups.into_iter().filter(wanted).map(|group| Self::shared(config, &group, tenant)).collect();
        if found.is_empty() {
            return Err(format!("{PROVIDERS} has no `provider: microsoft`"));
        }
        Ok(found)
    }

    fn shared(config: &Config, group: &[&OidcProvider], tenant: Option<&str>) -> Self {
        let base = config.redirect_base().url();
        let first = config.credentials_of(group[0]);
        let all = |list: &dyn Fn(&OidcProvider) -> Vec<String>| unique(group.iter().flat_map(|p| list(p)));
        // Entra takes an https address alone here, and only one for a registration.
        let logout = group.iter().find(|p| p.logout.front_channel && config.public_url().is_https());
        Self {
            providers: group.iter().map(|p| p.id.clone()).collect(),
            client_id: first.client_id.clone(),
            cloud: first.microsoft.cloud,
            graph: first.microsoft.graph_host().to_owned(),
            redirect_uris: all(&|p| bia_provider::redirect_uris(p, base)),
            admin_consent_uris: all(&|p| match p.tenant() {
                Some(Tenant::Consumers) => Vec::new(),
                _ => vec![bia_provider::admin_consent_return(p, base)],
            }),
            logout_url: logout
                .map(|p| config.public_url().join_path(&format!("/self-service/methods/oidc/logout/{}", p.id))),
            sign_in_audience: group
                .iter()
                .map(|p| sign_in_audience(p))
                .max_by_key(|a| breadth(a))
                .unwrap_or("AzureADMyOrg"),
            optional_claims: optional_claims(group),
            group_membership: group_membership(group),
            permissions: permissions(group),
            admin_consent_link: bia_provider::admin_consent_url(group[0], &first.client_id, base, tenant),
        }
    }

    /// The patch for Graph's application object (the manifest of the portal has the same form).
    ///
    /// `acceptMappedClaims` is left alone on purpose: Microsoft warns against it where several tenants sign in, since
    /// others could then make up claims; none of this needs it.
    pub fn manifest(&self) -> Value {
        let uris: Vec<&String> = self.redirect_uris.iter().chain(&self.admin_consent_uris).collect();
        let claim = |claim: &OptionalClaim| json!({ "name": claim.name, "source": null, "essential": false, "additionalProperties": [] });
        let known = self.permissions.iter().filter_map(|permission| permission.id);
        let access: Vec<Value> = known.map(|id| json!({ "id": id, "type": "Scope" })).collect();
        let mut manifest = json!({
            "signInAudience": self.sign_in_audience,
            "web": {
                "redirectUris": uris,
                // Sign-in works with both off, and a token in a URL is a token in a browser's history.
                "implicitGrantSettings": { "enableIdTokenIssuance": false, "enableAccessTokenIssuance": false },
            },
            "api": { "requestedAccessTokenVersion": 2 },
            "optionalClaims": { "idToken": self.optional_claims.iter().map(claim).collect::<Vec<_>>() },
            "requiredResourceAccess": [{ "resourceAppId": GRAPH_APP_ID, "resourceAccess": access }],
        });
        if let Some(url) = &self.logout_url {
            manifest["web"]["logoutUrl"] = json!(url);
        }
        if let Some(groups) = self.group_membership {
            manifest["groupMembershipClaims"] = json!(groups);
        }
        manifest
    }
}

fn unique(list: impl Iterator<Item = String>) -> Vec<String> {
    list.fold(Vec::new(), |mut found, one| {
        if !found.contains(&one) {
            found.push(one);
        }
        found
    })
}

/// The account types that fit `microsoft_tenant`.
pub fn sign_in_audience(provider: &OidcProvider) -> &'static str {
    let several = !provider.microsoft.allowed_tenants.is_empty();
    match provider.tenant() {
        Some(Tenant::Common) => "AzureADandPersonalMicrosoftAccount",
        Some(Tenant::Organizations) => "AzureADMultipleOrgs",
        Some(Tenant::Consumers) => "PersonalMicrosoftAccount",
        _ if several => "AzureADMultipleOrgs",
        _ => "AzureADMyOrg",
    }
}

fn breadth(audience: &str) -> u8 {
    match audience {
        "AzureADandPersonalMicrosoftAccount" => 3,
        "AzureADMultipleOrgs" => 2,
        "PersonalMicrosoftAccount" => 1,
        _ => 0,
    }
}

fn optional_claims(group: &[&OidcProvider]) -> Vec<OptionalClaim> {
    let any = |test: &dyn Fn(&OidcProvider) -> bool| group.iter().any(|p| test(p));
    let claim = |wanted: bool, name, why| wanted.then_some(OptionalClaim { name, why });
    let names = any(&|p| p.scope.iter().any(|scope| scope == "profile"));
    [
        claim(true, "email", "the address; members have none in their tokens without it"),
        // Always, whatever `email_verified_from` is: the shipped mappers go by it, too, and the patch takes away what it
        // does not list.
        claim(true, "xms_edov", "proves the address (shipped mappers, microsoft.email_verified_from)"),
        claim(true, "acct", "tells members from guests (microsoft.guests, trusted_domains)"),
        claim(true, "login_hint", "signs out the right account"),
        claim(any(&|p| p.logout.front_channel), "sid", "ends the right session at a front-channel logout"),
        claim(any(&|p| p.microsoft.step_up_context.is_some()), "acrs", "shows the authentication context of a step-up"),
        claim(names, "given_name", "first name, which v2 tokens leave out"),
        claim(names, "family_name", "last name, which v2 tokens leave out"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Groups assigned to the app keep tokens small, but hold direct members alone.
fn group_membership(group: &[&OidcProvider]) -> Option<&'static str> {
    let mut configured = group.iter().filter_map(|p| p.microsoft.groups.as_ref()).peekable();
    configured.peek()?;
    Some(if configured.any(|groups| groups.nested) { "SecurityGroup" } else { "ApplicationGroup" })
}

fn permissions(group: &[&OidcProvider]) -> Vec<Permission> {
    let names = group
        .iter()
        .flat_map(|p| bia_provider::consent_scopes(p))
        .map(|scope| scope.rsplit('/').next().unwrap_or(scope).to_owned());
    let permission = |name: String| {
        let id = PERMISSIONS.iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
        Permission { name, id }
    };
    unique(names).into_iter().map(permission).collect()
}
