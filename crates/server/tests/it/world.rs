//! A running server and what it is made of.

use crate::client::{Answer, request_text, send};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bia_config::Config;
use bia_hooks::Hooks;
use bia_identity::{Schemas, Sealer, Secrets, Sessions, TokenCipher};
use bia_mapper::{Mapper, Settings};
use bia_model::{Aal, AuthenticationMethod, Identity, Session, Timestamp};
use bia_outbound::{Outbound, Policy, Sources};
use bia_provider::Providers;
use bia_selfservice::Deps;
use bia_server::{Address, Server, State};
use bia_store::{ConnectOptions, Store, TokenHash};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A server on two ports of loopback.
pub(crate) struct World {
    pub(crate) deps: Arc<Deps>,
    pub(crate) state: State,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
}

fn schema() -> String {
    STANDARD.encode(
        json!({
            "$id": "https://example/person.schema.json",
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": { "traits": {
                "type": "object",
                "properties": { "email": {
                    "type": "string", "format": "email",
                    "ory.sh/kratos": { "credentials": { "password": { "identifier": true } }, "verification": { "via": "email" } }
                } },
                "required": ["email"],
            } }
        })
        .to_string(),
    )
}

/// The P-256 key of RFC 7515, appendix A.3.
const KEY_SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]}"#;

pub(crate) fn config(extra: &Value) -> Config {
    let mut config = json!({
        "dsn": "memory",
        "dev": true,
        "serve": {
            "public": { "base_url": "http://id.example/", "host": "127.0.0.1" },
            "admin": { "base_url": "http://admin.example/", "host": "127.0.0.1" },
        },
        "selfservice": { "default_browser_return_url": "http://app.example/", "flows": { "error": { "ui_url": "http://ui.example/error" } } },
        "identity": { "schemas": [{ "id": "default", "url": format!("base64://{}", schema()) }] },
        "secrets": { "default": ["a-secret-for-tests-only"] },
        "session": { "whoami": { "tokenizer": { "templates": {
            "plain": { "jwks_url": format!("base64://{}", STANDARD.encode(KEY_SET)), "ttl": "5m" },
        } } } },
    });
    merge(&mut config, extra);
    let loaded = bia_config::load_text("kratos.json", &config.to_string()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut config = loaded.config;
    (config.serve.public.port, config.serve.admin.port) = (0, 0);
    config
}

fn merge(into: &mut Value, extra: &Value) {
    match (into, extra) {
        (Value::Object(into), Value::Object(extra)) => {
            for (key, value) in extra {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, extra) => *into = extra.clone(),
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// With keys that replace or join the usual ones.
    pub(crate) async fn with(extra: Value) -> Self {
        let config = Arc::new(config(&extra));
        let deps = Arc::new(deps(&config).await);
        let bound = Server::bind(&config).await.unwrap();
        let port = |address: &Address| match address {
            Address::Tcp(address) => *address,
            Address::Unix(path) => panic!("a unix socket: {}", path.display()),
        };
        let (public, admin) = (port(bound.public_address()), port(bound.admin_address()));
        let (stop, stopped) = oneshot::channel();
        let state = State::new(deps.clone(), "fingerprint");
        let served = tokio::spawn(bound.serve(state.clone(), async { stopped.await.unwrap_or_default() }));
        Self { deps, state, public, admin, stop: Some(stop), served }
    }

    pub(crate) async fn public(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        send(self.public, &request_text(method, target, headers, None)).await
    }

    pub(crate) async fn admin(&self, method: &str, target: &str, body: Option<Value>) -> Answer {
        send(self.admin, &request_text(method, target, &[], body.as_ref())).await
    }

    /// A new person by way of the admin API.
    pub(crate) async fn person(&self, email: &str) -> Uuid {
        let answer = self.admin("POST", "/admin/identities", Some(json!({ "traits": { "email": email } }))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// Somebody signs in: a stored session and its token.
    pub(crate) async fn sign_in(&self, identity_id: Uuid) -> (Session, String) {
        let now = Timestamp::from(time::OffsetDateTime::now_utc());
        let identity: Identity = self.deps.store.find_identity(identity_id).await.unwrap().unwrap();
        let method = AuthenticationMethod {
            method: "oidc".to_owned(),
            aal: Aal::Aal1,
            completed_at: now,
            provider: Some("microsoft".to_owned()),
            organization: None,
            upstream_acr: None,
            upstream_amr: Vec::new(),
        };
        let client = bia_identity::Client::default();
        let (session, token) = self.deps.sessions.issue(&identity, vec![method], &client, None, now);
        self.deps.store.insert_session(&session, &TokenHash::of(&token)).await.unwrap();
        (session, token)
    }

    /// The session cookie of a token, as a request sends it.
    pub(crate) fn cookie(&self, session: &Session, token: &str) -> String {
        format!("ory_kratos_session={}", self.deps.sessions.seal_cookie(token, session.expires_at))
    }
}

pub(crate) async fn deps(config: &Arc<Config>) -> Deps {
    let store = Store::connect("memory", &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let outbound = Outbound::new(Policy::default()).unwrap();
    let sources = Arc::new(Sources::new(outbound.clone()));
    let secrets =
        Secrets { default: &config.secrets.default, cookie: &[], cipher: &[], token_cipher: TokenCipher::Noop };
    let sealer = Arc::new(Sealer::new(&secrets));
    Deps {
        schemas: Schemas::load(config.clone(), sources.clone()).await.unwrap(),
        sessions: Sessions::new(store.clone(), config.clone(), sealer.clone()),
        providers: Providers::new(&config.selfservice.methods.oidc.config, config.public_url().url(), &outbound),
        mapper: Mapper::new(Settings::default()),
        hooks: Hooks::none(),
        imports: bia_selfservice::Imports::default(),
        allowed_return_urls: bia_selfservice::deps::allowed_return_urls(config),
        config: config.clone(),
        store,
        sealer,
        sources,
        outbound,
    }
}
