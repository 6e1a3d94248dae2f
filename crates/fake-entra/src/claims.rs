//! What a token says about a person: Entra's two versions, and plain OpenID Connect.

use ring::digest;
use serde_json::{Map, Value, json};

use crate::jwt;
use crate::people::{GroupKind, Person};

/// The endpoint decides the version of an ID token; the application's manifest does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVersion {
    V1,
    V2,
}

/// Everything about a token that is not about the person.
#[derive(Clone, Debug)]
pub struct TokenFor<'a> {
    pub version: TokenVersion,
    pub issuer: &'a str,
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    pub scopes: &'a [String],
    pub nonce: Option<&'a str>,
    /// Seconds since 1970.
    pub now: i64,
    pub lifetime: i64,
    pub session_id: &'a str,
    /// The application asked for `groups` and `roles`.
    pub group_claims: bool,
    /// Beyond it the token only points at the groups. Entra: 200.
    pub group_limit: usize,
    /// Authentication contexts that the sign-in satisfied.
    pub acrs: &'a [String],
    /// Only where the application asked for it.
    pub auth_time: Option<i64>,
}

/// The ID token claims of Entra for this person, in alphabetical-enough order, unsigned.
pub fn claims(person: &Person, token: &TokenFor<'_>) -> Map<String, Value> {
    let v1 = token.version == TokenVersion::V1;
    let has = |scope: &str| v1 || token.scopes.iter().any(|held| held == scope);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    put("aud", json!(token.client_id));
    put("iss", json!(token.issuer));
    put("iat", json!(token.now));
    put("nbf", json!(token.now));
    put("exp", json!(token.now + token.lifetime));
    if let Some(acct) = person.acct {
        put("acct", json!(acct));
    }
    if let Some(acr) = &person.acr {
        put("acr", json!(acr));
    }
    if !token.acrs.is_empty() {
        put("acrs", json!(token.acrs));
    }
    put("aio", json!(jwt::random_text(45)));
    if !person.amr.is_empty() || v1 {
        put("amr", if person.amr.is_empty() { json!(["pwd"]) } else { json!(person.amr) });
    }
    if let Some(auth_time) = token.auth_time {
        put("auth_time", json!(auth_time));
    }
    if let (true, Some(email)) = (has("email"), &person.email) {
        put("email", json!(email));
    }
    if let Some(idp) = &person.idp {
        put("idp", json!(idp));
    }
    if has("profile") {
        put("login_hint", json!(person.login_hint()));
        put("name", json!(person.name));
        put("oid", json!(person.oid));
        if !v1 {
            put("preferred_username", json!(person.preferred_username.as_ref().unwrap_or(&person.upn)));
        }
    }
    if let Some(nonce) = token.nonce {
        put("nonce", json!(nonce));
    }
    if !person.is_personal() {
        put("rh", json!(format!("1.A{}.", jwt::random_text(20))));
        put("sid", json!(token.session_id));
    }
    put("sub", json!(pairwise_subject(token.client_id, &person.oid)));
    put("tid", json!(token.tenant_id));
    put("uti", json!(jwt::random_text(16)));
    put("ver", json!(if v1 { "1.0" } else { "2.0" }));
    if let Some(proven) = person.xms_edov {
        put("xms_edov", json!(proven));
    }
    if v1 {
        put("family_name", json!(person.family_name));
        put("given_name", json!(person.given_name));
        put("unique_name", json!(person.preferred_username.as_ref().unwrap_or(&person.upn)));
        if person.acct != Some(1) {
            put("upn", json!(person.upn));
        }
    }
    if token.group_claims {
        authorisation_claims(person, token, &mut claims);
    }
    claims.extend(person.more_claims.clone());
    claims
}

/// `groups` or the pointer in its place, `roles` and `wids`.
fn authorisation_claims(person: &Person, token: &TokenFor<'_>, claims: &mut Map<String, Value>) {
    let groups: Vec<&str> = person
        .groups
        .iter()
        .filter(|group| group.kind == GroupKind::Group)
        .map(|group| group.on_premises_name.as_deref().unwrap_or(&group.id))
        .collect();
    if groups.len() > token.group_limit {
        // Entra still names the retired Azure AD Graph here, which a relying party must not call.
        let endpoint = format!("https://graph.windows.net/{}/users/{}/getMemberObjects", token.tenant_id, person.oid);
        claims.insert("_claim_names".into(), json!({ "groups": "src1" }));
        claims.insert("_claim_sources".into(), json!({ "src1": { "endpoint": endpoint } }));
    } else if !groups.is_empty() {
        claims.insert("groups".into(), json!(groups));
    }
    if !person.roles.is_empty() {
        claims.insert("roles".into(), json!(person.roles));
    }
    if !person.wids.is_empty() {
        claims.insert("wids".into(), json!(person.wids));
    }
}

/// `sub` as Entra forms it: per person and application, the same at every sign-in, telling nothing about either.
pub fn pairwise_subject(client_id: &str, oid: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in ["pairwise", client_id, oid] {
        context.update(part.as_bytes());
        context.update(b"|");
    }
    jwt::encode(context.finish().as_ref())
}

/// OpenID Connect's standard claims by scope, as the plain providers give them in tokens and at userinfo.
pub fn standard_claims(person: &Person, scopes: &[String]) -> Map<String, Value> {
    let has = |scope: &str| scopes.iter().any(|held| held == scope);
    let mut claims = Map::new();
    if has("profile") {
        claims.insert("name".into(), json!(person.name));
        claims.insert("given_name".into(), json!(person.given_name));
        claims.insert("family_name".into(), json!(person.family_name));
        claims.insert("preferred_username".into(), json!(person.upn));
    }
    if let (true, Some(email)) = (has("email"), &person.email) {
        claims.insert("email".into(), json!(email));
        claims.insert("email_verified".into(), json!(person.xms_edov == Some(true)));
    }
    if let Some(acr) = &person.acr {
        claims.insert("acr".into(), json!(acr));
    }
    if !person.amr.is_empty() {
        claims.insert("amr".into(), json!(person.amr));
    }
    claims
}
