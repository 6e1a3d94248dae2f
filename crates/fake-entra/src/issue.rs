//! From a grant to tokens, with whatever is to be wrong about them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::claims::{TokenFor, TokenVersion, claims, standard_claims};
use crate::clients::Client;
use crate::faults::{self, IdTokenFault, Place};
use crate::jwt::{self, Signer};
use crate::keys::Key;
use crate::party::{Party, PartyKind};
use crate::people::Person;
use crate::state::{Shared, State};
use crate::{brands, plain};

/// What a person allowed an application.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) party: Party,
    pub(crate) client: String,
    pub(crate) person: Arc<Person>,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    /// Authentication contexts asked for and given.
    pub(crate) acrs: Vec<String>,
    pub(crate) auth_time: Option<i64>,
    pub(crate) sid: String,
    /// The token endpoint gives a refresh token as well.
    pub(crate) refreshable: bool,
}

/// An authorization code and what it is bound to.
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) at: i64,
    pub(crate) used: bool,
}

/// PKCE.
#[derive(Clone)]
pub(crate) struct Challenge {
    pub(crate) value: String,
    pub(crate) is_s256: bool,
}

impl Grant {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}

/// The token endpoint's answer.
pub(crate) fn tokens(shared: &Shared, grant: &Grant) -> Value {
    let strike = faults::take(&mut shared.lock().faults, |place| match place {
        Place::IdToken(fault) => Some(fault.clone()),
        Place::Endpoint(..) => None,
    });
    let access_token = access_token(shared, grant);
    let mut answer = json!({
        "token_type": "Bearer", "scope": grant.scopes.join(" "), "expires_in": 3599, "access_token": access_token,
    });
    if grant.party.is_entra() {
        answer["ext_expires_in"] = json!(3599);
    }
    if grant.party.kind == PartyKind::Entra(TokenVersion::V1) {
        // v1 writes its numbers as texts and names the resource.
        let now = shared.now();
        answer["expires_in"] = json!("3599");
        answer["ext_expires_in"] = json!("3599");
        answer["not_before"] = json!(now.to_string());
        answer["expires_on"] = json!((now + 3599).to_string());
        answer["resource"] = json!("https://graph.windows.net");
    }
    if grant.refreshable {
        let refresh_token = format!("1.A{}", jwt::random_text(200));
        shared.lock().refresh_tokens.insert(refresh_token.clone(), grant.clone());
        answer["refresh_token"] = refresh_token.into();
    }
    let fault = strike.map(|strike| strike.fault);
    let wanted = grant.has_scope("openid") || grant.party.kind == PartyKind::Entra(TokenVersion::V1);
    if wanted && !matches!(fault, Some(IdTokenFault::NoIdToken)) {
        answer["id_token"] = id_token(shared, grant, &access_token, fault.as_ref()).into();
    }
    answer
}

/// Opaque to the application, as Graph's are, though it looks like a JWT.
pub(crate) fn access_token(shared: &Shared, grant: &Grant) -> String {
    let token = match grant.party.kind {
        PartyKind::Entra(_) => {
            format!("eyJ0eXAiOiJKV1QiLCJub25jZSI6Ii0ifQ.{}.{}", jwt::random_text(400), jwt::random_text(64))
        }
        PartyKind::Github => format!("gho_{}", jwt::random_text(27)),
        _ => jwt::random_text(48),
    };
    let mut state = shared.lock();
    state.access_tokens.insert(token.clone(), grant.clone());
    state.sessions.insert(grant.sid.clone(), grant.clone());
    token
}

/// Claims, faults, signature. The lock is held for the first half only.
pub(crate) fn id_token(shared: &Shared, grant: &Grant, access_token: &str, fault: Option<&IdTokenFault>) -> String {
    let (mut claims, client, mut key, now, reuse) = {
        let mut state = shared.lock();
        if matches!(fault, Some(IdTokenFault::RotatedKey)) {
            state.keys.rotate();
        }
        let client = state.clients.get(&grant.client).cloned().unwrap_or_default();
        let key = if client.custom_signing_key && grant.party.is_entra() {
            Key::application()
        } else {
            state.keys.current().clone()
        };
        let now = state.now();
        let reuse = reuse_name(shared, &state, grant, fault, &key);
        if let Some((token, until)) = reuse.as_deref().and_then(|name| state.reusable.get(name))
            && *until > now
        {
            return token.clone();
        }
        (honest_claims(shared, &state, grant, &client, access_token), client, key, now, reuse)
    };
    let mut header = Map::new();
    header.insert("typ".into(), "JWT".into());
    header.insert("kid".into(), key.kid.clone().into());
    if let Some(fault) = fault {
        spoil(fault, &mut claims, &mut header, &mut key, now);
    }
    let signer = match fault {
        Some(IdTokenFault::AlgNone) => Signer::None,
        Some(IdTokenFault::Hs256 { value }) => {
            Signer::Hs256(value.as_deref().or(client.secrets.first().map(String::as_str)).unwrap_or_default())
        }
        _ => Signer::Rs256(&key),
    };
    let token = jwt::sign(header, &claims, &signer);
    match fault {
        Some(IdTokenFault::BadSignature) => jwt::break_signature(&token),
        Some(IdTokenFault::NotJwt) => "this-is-not-a-jwt".to_owned(),
        _ => {
            if let Some(name) = reuse {
                shared.lock().reusable.insert(name, (token.clone(), now + 60));
            }
            token
        }
    }
}

/// Under which name this token may be given again; `None`: it has to be its own.
fn reuse_name(
    shared: &Shared,
    state: &State,
    grant: &Grant,
    fault: Option<&IdTokenFault>,
    key: &Key,
) -> Option<String> {
    let settings = &state.settings;
    let ordinary = fault.is_none() && grant.nonce.is_none() && settings.claims.is_empty() && settings.drop.is_empty();
    let root = grant.party.root();
    (shared.options.reuse_tokens && ordinary)
        .then(|| format!("{root}|{}|{}|{}|{}", grant.client, grant.person.key, grant.scopes.join(" "), key.kid))
}

fn honest_claims(
    shared: &Shared,
    state: &State,
    grant: &Grant,
    client: &Client,
    access_token: &str,
) -> Map<String, Value> {
    let settings = &state.settings;
    let tenant_id = shared.tenant_id(grant.person.tenant);
    let issuer = grant.party.issuer(tenant_id);
    let mut claims = match grant.party.kind {
        PartyKind::Entra(version) => claims(
            &grant.person,
            &TokenFor {
                version,
                issuer: &issuer,
                tenant_id,
                client_id: &grant.client,
                scopes: &grant.scopes,
                nonce: grant.nonce.as_deref(),
                now: state.now(),
                lifetime: settings.lifetime,
                session_id: &grant.sid,
                group_claims: client.group_claims,
                group_limit: settings.group_limit,
                acrs: &grant.acrs,
                auth_time: grant.auth_time,
            },
        ),
        _ => {
            let mut claims = protocol_claims(grant, &issuer, state.now(), settings.lifetime);
            match grant.party.kind {
                PartyKind::Plain(_) => {
                    claims.insert("sub".into(), plain::subject(grant).into());
                    claims.extend(standard_claims(&grant.person, &grant.scopes));
                }
                _ => claims.extend(brands::id_token_claims(grant, access_token)),
            }
            claims
        }
    };
    claims.extend(settings.claims.clone());
    for name in &settings.drop {
        claims.shift_remove(name);
    }
    claims
}

/// What every OpenID Connect provider puts into an ID token.
fn protocol_claims(grant: &Grant, issuer: &str, now: i64, lifetime: i64) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("iss".into(), issuer.into());
    claims.insert("aud".into(), grant.client.clone().into());
    claims.insert("azp".into(), grant.client.clone().into());
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + lifetime).into());
    claims.insert("auth_time".into(), (now - 5).into());
    claims.insert("sid".into(), grant.sid.clone().into());
    if let Some(nonce) = &grant.nonce {
        claims.insert("nonce".into(), nonce.clone().into());
    }
    claims
}

/// Applies a fault to claims, header and key; signature and shape follow after.
fn spoil(
    fault: &IdTokenFault,
    claims: &mut Map<String, Value>,
    header: &mut Map<String, Value>,
    key: &mut Key,
    now: i64,
) {
    const TWO_HOURS: i64 = 7200;
    const STRANGE_GUID: &str = "99999999-9999-4999-8999-999999999999";
    let text =
        |value: &Option<String>, default: &str| Value::String(value.clone().unwrap_or_else(|| default.to_owned()));
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    match fault {
        IdTokenFault::WrongNonce => put("nonce", json!("not-the-nonce-that-was-sent")),
        IdTokenFault::WrongAud { value } => put("aud", text(value, STRANGE_GUID)),
        IdTokenFault::WrongIss { value } => {
            put("iss", text(value, "https://login.microsoftonline.com/00000000-0000-4000-8000-00000000dead/v2.0"));
        }
        IdTokenFault::WrongTid { value } => put("tid", text(value, STRANGE_GUID)),
        IdTokenFault::Expired { seconds } => {
            let expired_at = now - seconds.unwrap_or(TWO_HOURS);
            put("exp", json!(expired_at));
            put("iat", json!(expired_at - 3600));
            put("nbf", json!(expired_at - 3600));
        }
        IdTokenFault::NotYetValid { seconds } => put("nbf", json!(now + seconds.unwrap_or(TWO_HOURS))),
        IdTokenFault::FutureIat { seconds } => put("iat", json!(now + seconds.unwrap_or(TWO_HOURS))),
        IdTokenFault::AudArray => {
            let audience = claims.get("aud").cloned().unwrap_or_default();
            claims.insert("aud".to_owned(), json!([audience, "another-audience"]));
        }
        IdTokenFault::Claims { claims: others, drop } => {
            claims.extend(others.clone());
            for name in drop {
                claims.shift_remove(name);
            }
        }
        IdTokenFault::NoNonce => {
            claims.shift_remove("nonce");
        }
        IdTokenFault::NoKid | IdTokenFault::AlgNone => {
            header.shift_remove("kid");
        }
        IdTokenFault::UnknownKey => {
            *key = Key::stranger();
            header.insert("kid".into(), key.kid.clone().into());
        }
        IdTokenFault::StrangerSameKid => *key = Key::stranger(),
        IdTokenFault::BadSignature
        | IdTokenFault::Hs256 { .. }
        | IdTokenFault::RotatedKey
        | IdTokenFault::NoIdToken
        | IdTokenFault::NotJwt => {}
    }
}
