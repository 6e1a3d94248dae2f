//! Records with everything in them, at a fixed time.

use bia_model::session::Upstream;
use bia_model::{
    Aal, AuthenticationMethod, Container, Credentials, CredentialsType, Device, Flow, FlowKind, Identity, OidcLink,
    RecoveryAddress, Session, Timestamp, VerifiableAddress,
};
use bia_store::{Continuity, Store, TokenExchange, TokenHash};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// The moment at which all samples are made: 2026-01-01T00:00:00.000001Z.
pub const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_001);

/// That many seconds after [`NOW`].
pub fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

/// That many seconds before [`NOW`].
pub fn earlier(seconds: u64) -> Timestamp {
    NOW - Duration::from_secs(seconds)
}

/// Somebody with one link to `microsoft`, a code identifier and both kinds of addresses.
pub fn person(name: &str) -> Identity {
    let email = format!("{name}@contoso.com");
    let mut identity = Identity::new(Uuid::new_v4(), "default", NOW);
    identity.traits = json!({"email": email, "name": {"first": name, "last": "Müller \u{0} \u{1F980}"}});
    identity.metadata_public = Some(json!({"order": ["z", "a"], "n": 1.5}));
    identity.metadata_admin = Some(json!({"note": "a \"quoted\" one"}));
    identity.credentials = BTreeMap::from([(
        CredentialsType::Code,
        Credentials {
            credentials_type: CredentialsType::Code,
            identifiers: vec![email.clone()],
            config: json!({"addresses": [{"channel": "email", "address": email}]}),
            version: 1,
            created_at: NOW,
            updated_at: NOW,
        },
    )]);
    identity.set_oidc_links(vec![link("microsoft", name)], NOW);
    identity.verifiable_addresses.push(VerifiableAddress {
        id: Uuid::new_v4(),
        value: email.clone(),
        verified: true,
        via: "email".to_owned(),
        status: "completed".to_owned(),
        verified_at: Some(NOW),
        created_at: NOW,
        updated_at: NOW,
    });
    identity.recovery_addresses.push(RecoveryAddress {
        id: Uuid::new_v4(),
        value: email,
        via: "email".to_owned(),
        created_at: NOW,
        updated_at: NOW,
    });
    identity
}

/// A link to a provider without tokens.
pub fn link(provider: &str, subject: &str) -> OidcLink {
    OidcLink { subject: subject.to_owned(), provider: provider.to_owned(), ..OidcLink::default() }
}

/// A session of a day, with one method, one device and the provider's side.
pub fn session(identity: &Identity) -> Session {
    Session {
        id: Uuid::new_v4(),
        identity_id: identity.id,
        active: true,
        issued_at: NOW,
        expires_at: later(86_400),
        authenticated_at: NOW,
        aal: Aal::Aal1,
        authentication_methods: vec![AuthenticationMethod {
            method: "oidc".to_owned(),
            aal: Aal::Aal1,
            completed_at: NOW,
            provider: Some("microsoft".to_owned()),
            organization: None,
            upstream_acr: Some("1".to_owned()),
            upstream_amr: vec!["pwd".to_owned(), "mfa".to_owned()],
        }],
        devices: vec![Device {
            id: Uuid::new_v4(),
            ip_address: Some("203.0.113.7:4711".to_owned()),
            user_agent: Some("Browser \"1\"".to_owned()),
            location: Some(String::new()),
        }],
        upstream: Some(Upstream {
            provider: "microsoft".to_owned(),
            subject: "subject".to_owned(),
            sid: Some("sid-1".to_owned()),
            login_hint: Some("hint".to_owned()),
            refresh_token: None,
            checked_at: None,
        }),
        identity: None,
    }
}

/// A browser flow of ten minutes. Read from JSON, so that a new field with a default needs no change here.
pub fn flow(kind: FlowKind) -> Flow {
    serde_json::from_value(json!({
        "id": Uuid::new_v4(),
        "kind": kind,
        "type": "browser",
        "issued_at": NOW,
        "expires_at": later(600),
        "created_at": NOW,
        "updated_at": NOW,
        "request_url": "http://127.0.0.1:4433/self-service/login/browser?return_to=%2F",
        "return_to": "https://app.example/",
        "ui": Container::new("http://127.0.0.1:4433/self-service/login?flow=x"),
        "state": "choose_method",
        "requested_aal": "aal1",
        "csrf_token": "csrf",
    }))
    .unwrap()
}

/// A container of ten minutes, bound to `browser`.
pub fn continuity(id: &str) -> Continuity {
    Continuity {
        id: id.to_owned(),
        binding: "browser".to_owned(),
        name: "ory_kratos_oidc_auth_code_session".to_owned(),
        identity_id: Some(Uuid::new_v4()),
        payload: "sealed".to_owned(),
        expires_at: later(600),
    }
}

/// An exchange that waits for its browser.
pub fn token_exchange(flow_id: Uuid, init_code: &str) -> TokenExchange {
    TokenExchange {
        id: Uuid::new_v4(),
        flow_id,
        init_code_hash: TokenHash::of(init_code),
        init_secret: "derived".to_owned(),
        return_to_code_hash: None,
        session_id: None,
        sealed_token: None,
        expires_at: later(600),
    }
}

/// Puts somebody in and gives them back.
pub async fn insert_person(store: &Store, name: &str) -> Identity {
    let identity = person(name);
    insert_identity(store, &identity).await;
    identity
}

/// Puts an identity in, in a unit of its own.
pub async fn insert_identity(store: &Store, identity: &Identity) {
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(identity).await.unwrap();
    unit.commit().await.unwrap();
}

/// Puts a session in; its token is its id.
pub async fn insert_session(store: &Store, session: &Session) -> TokenHash {
    let hash = TokenHash::of(&session.id.to_string());
    store.insert_session(session, &hash).await.unwrap();
    hash
}
