//! A flow, a person and a request on which hooks can run, and hooks that tell what happened to them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bia_config::{Flows, WebHookClient};
use bia_hooks::{
    Background, Bodies, BodyError, Effects, Hook, HookContext, HookError, Hooks, Method, Moment, Pace, Registry,
    RegistryError, Request, Services,
};
use bia_model::{Aal, Flow, FlowKind, Identity, Session, Timestamp, VerifiableAddress};
use bia_outbound::{Outbound, Policy};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
pub(crate) const ID: Uuid = Uuid::from_u128(0xA11CE);
pub(crate) const SESSION_ID: Uuid = Uuid::from_u128(0x5E55);

/// Everything that one run of hooks needs.
pub(crate) struct Stage {
    pub(crate) flow: Flow,
    pub(crate) request: Request,
    pub(crate) identity: Identity,
    pub(crate) session: Session,
    pub(crate) effects: Effects,
}

impl Stage {
    pub(crate) fn new(kind: FlowKind) -> Self {
        let flow = json!({
            "id": Uuid::from_u128(1), "kind": kind, "type": "browser",
            "issued_at": NOW, "expires_at": NOW, "created_at": NOW, "updated_at": NOW,
            "request_url": "https://id.example/self-service/flow", "active": "oidc",
            "ui": { "action": "https://id.example", "method": "POST", "nodes": [] },
            "state": "choose_method", "requested_aal": "aal1"
        });
        let mut identity = Identity::new(ID, "default", NOW);
        identity.traits = json!({ "email": "alice@contoso.example" });
        identity.metadata_admin = Some(json!({ "oid": "hidden" }));
        Self {
            flow: serde_json::from_value(flow).expect("the flow is whole"),
            request: Request {
                method: "GET".to_owned(),
                url: "https://id.example/callback?code=c&state=s".to_owned(),
                headers: [
                    ("Accept", "text/html"),
                    ("User-Agent", "test"),
                    ("Authorization", "Bearer t"),
                    ("Cookie", "a=1"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
                cookies: vec![("ory_kratos_session".to_owned(), "1".to_owned()), ("csrf".to_owned(), "2".to_owned())],
            },
            session: Session {
                id: SESSION_ID,
                identity_id: ID,
                active: true,
                issued_at: NOW,
                expires_at: NOW + Duration::from_secs(60),
                authenticated_at: NOW,
                aal: Aal::Aal1,
                authentication_methods: Vec::new(),
                devices: Vec::new(),
                upstream: None,
                identity: Some(identity.clone()),
            },
            identity,
            effects: Effects::default(),
        }
    }

    pub(crate) fn with_address(mut self, verified: bool) -> Self {
        self.identity.verifiable_addresses.push(VerifiableAddress {
            id: Uuid::from_u128(2),
            value: "alice@contoso.example".to_owned(),
            verified,
            via: "email".to_owned(),
            status: "pending".to_owned(),
            verified_at: None,
            created_at: NOW,
            updated_at: NOW,
        });
        self
    }

    /// Runs what is configured for this moment of a social sign-in.
    pub(crate) async fn run(&mut self, hooks: &Hooks, moment: Moment) -> Result<(), HookError> {
        let method = Method::Oidc;
        let before = matches!(moment, Moment::Before(_));
        let registering = moment == Moment::RegistrationBeforeInsert;
        let mut context = HookContext {
            flow: &self.flow,
            request: &self.request,
            identity: (!before).then_some(&mut self.identity),
            session: (!before && !registering).then_some(&self.session),
            public_url: "https://id.example/",
            now: NOW,
            effects: &mut self.effects,
        };
        let context = &mut context;
        match moment {
            Moment::Before(kind) => hooks.before(kind, context).await,
            Moment::LoginAfter => hooks.login_after(method, context).await,
            Moment::RegistrationBeforeInsert => hooks.registration_before_insert(method, context).await,
            Moment::RegistrationAfterInsert => hooks.registration_after_insert(method, context).await,
            Moment::SettingsBeforeSave => hooks.settings_before_save(method, context).await,
            Moment::SettingsAfterSave => hooks.settings_after_save(method, context).await,
        }
    }
}

/// The `Flows` of a configuration file.
pub(crate) fn flows(value: Value) -> Flows {
    serde_json::from_value(value).expect("the flows are valid")
}

/// Hooks of a registry with a [`Probe`] called `probe`, and what the probes noted.
pub(crate) fn probed(value: Value) -> (Hooks, Notes) {
    let notes = Notes::default();
    let hooks = build(probe_registry(&notes), value, &services(Echo)).expect("the hooks build");
    (hooks, notes)
}

pub(crate) fn probe_registry(notes: &Notes) -> Registry {
    let notes = notes.clone();
    Registry::new().with("probe", move |config| {
        let label = config["label"].as_str().ok_or("`label` is missing")?.to_owned();
        Ok(Arc::new(Probe { label, config: config.clone(), notes: notes.clone() }))
    })
}

pub(crate) fn build(registry: Registry, value: Value, services: &Services) -> Result<Hooks, RegistryError> {
    registry.build_from(&flows(value), &WebHookClient::default().header_allowlist, services)
}

/// `after.oidc.hooks` of one flow.
pub(crate) fn after(flow: &str, hooks: Value) -> Value {
    json!({ flow: { "after": { "oidc": { "hooks": hooks } } } })
}

/// A `web_hook` entry; `more` overlays its config.
pub(crate) fn web_hook(url: &str, more: Value) -> Value {
    let mut config = json!({ "url": url, "method": "POST", "body": "base64://" });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    json!({ "hook": "web_hook", "config": config })
}

/// Services whose retries don't wait.
pub(crate) fn services(bodies: impl Bodies + 'static) -> Services {
    services_with(bodies, Policy::default())
}

pub(crate) fn services_with(bodies: impl Bodies + 'static, policy: Policy) -> Services {
    Services {
        outbound: Outbound::new(policy).expect("the system has certificates"),
        bodies: Arc::new(bodies),
        pace: Pace { wait: Duration::from_millis(1), ..Pace::default() },
        background: Background::default(),
    }
}

/// A template that sends `ctx` as it is.
pub(crate) struct Echo;

#[async_trait]
impl Bodies for Echo {
    async fn evaluate(&self, _: &str, context: &str) -> Result<String, BodyError> {
        Ok(context.to_owned())
    }
}

/// A template that always evaluates to this.
pub(crate) struct Fixed(pub(crate) Result<&'static str, ()>);

#[async_trait]
impl Bodies for Fixed {
    async fn evaluate(&self, _: &str, _: &str) -> Result<String, BodyError> {
        self.0.map(str::to_owned).map_err(|()| BodyError::Cancelled)
    }
}

/// What probes noted, in order.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn add(&self, note: impl Into<String>) {
        self.0.lock().expect("no probe panicked here").push(note.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no probe panicked here"))
    }
}

/// A third-party hook that notes its label; `refuse`, `panic` and `hang` in its config make it misbehave.
struct Probe {
    label: String,
    config: Value,
    notes: Notes,
}

#[async_trait]
impl Hook for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn runs_at(&self, moment: Moment) -> bool {
        match self.config["at"].as_str() {
            Some(name) => format!("{moment:?}") == name,
            None => true,
        }
    }

    async fn run(&self, _: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        let session = if context.effects.issue_session { " after session" } else { "" };
        self.notes.add(format!("{}{session}", self.label));
        if self.config["refuse"] == true {
            return Err(bia_model::ApiError::bad_request("not today").into());
        }
        if self.config["panic"] == true {
            panic!("hunter2");
        }
        if self.config["hang"] == true {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}
