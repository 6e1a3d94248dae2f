//! The real thing: a store, schemas and sessions; and one life in it.

use super::model::{LAST_HOURS, LIFESPAN, Model};
use super::{Account, Step};
use bia_config::Config;
use bia_identity::admin::Admin;
use bia_identity::{Schemas, Sealer, Secrets, Sessions, TokenCipher};
use bia_model::{OidcLink, Timestamp};
use bia_outbound::{Outbound, Policy, Sources};
use bia_store::{IdentityFilter, Page, Store};
use bia_testkit::sample::NOW;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) schemas: Schemas,
    pub(crate) sessions: Sessions,
}

/// One life: the model, the moment, and the world it is compared with.
pub(crate) struct Life<'a> {
    pub(crate) world: &'a World,
    pub(crate) model: Model,
    pub(crate) now: Timestamp,
    /// For the text of a failure.
    pub(crate) last: String,
}

impl World {
    pub(crate) async fn new(store: Store) -> Self {
        let config = Arc::new(config());
        let outbound = Outbound::new(Policy::default()).unwrap();
        let schemas = Schemas::load(config.clone(), Arc::new(Sources::new(outbound))).await.unwrap();
        let default = &config.secrets.default;
        let secrets = Secrets { default, cookie: &[], cipher: &[], token_cipher: TokenCipher::Noop };
        let sessions = Sessions::new(store.clone(), config.clone(), Arc::new(Sealer::new(&secrets)));
        Self { store, schemas, sessions }
    }

    /// Begins with nobody.
    pub(crate) async fn begin(&self) -> Life<'_> {
        let page = Page::first(1000);
        for identity in self.store.list_identities(&IdentityFilter::All, &page).await.unwrap().items {
            let mut unit = self.store.begin().await.unwrap();
            unit.delete_identity(identity.id).await.unwrap();
            unit.commit().await.unwrap();
        }
        Life { world: self, model: Model::default(), now: NOW, last: String::new() }
    }
}

impl Life<'_> {
    pub(crate) fn admin(&self) -> Admin<'_> {
        Admin { store: &self.world.store, schemas: &self.world.schemas, now: self.now }
    }

    pub(crate) async fn take(&mut self, step: &Step) {
        self.last = format!("after {step:?}");
        // Nothing happens twice in the same microsecond.
        self.now = self.now + std::time::Duration::from_micros(1);
        self.act(step).await;
    }

    /// Somebody who was there at some time; the gone ones included.
    pub(crate) fn chosen_person(&self, index: usize) -> Option<Uuid> {
        let people = &self.model.people;
        people.get(index.checked_rem(people.len())?).map(|person| person.id)
    }

    /// The place of a session in the model's list.
    pub(crate) fn chosen_session(&self, index: usize) -> Option<usize> {
        index.checked_rem(self.model.sessions.len())
    }
}

pub(crate) fn address(email: u8) -> String {
    format!("person-{email}@contoso.example")
}

pub(crate) fn subject(account: Account) -> String {
    format!("subject-{}", account.subject)
}

pub(crate) fn identifier(account: Account) -> String {
    format!("{}:{}", account.provider, subject(account))
}

pub(crate) fn link(account: Account) -> OidcLink {
    OidcLink { provider: account.provider.to_owned(), subject: subject(account), ..OidcLink::default() }
}

fn config() -> Config {
    let schema = json!({
        "type": "object",
        "properties": { "traits": { "type": "object", "properties": {
            "email": { "type": "string", "format": "email", "ory.sh/kratos": {
                "credentials": { "password": { "identifier": true } },
                "verification": { "via": "email" },
                "recovery": { "via": "email" },
            } },
        }, "required": ["email"] } },
    });
    let config = json!({
        "dsn": "memory",
        "serve": { "public": { "base_url": "http://127.0.0.1:4433" } },
        "secrets": { "default": ["a-secret-of-the-rules-0123456789"] },
        "session": {
            "lifespan": format!("{}s", LIFESPAN.as_secs()),
            "earliest_possible_extend": format!("{}s", LAST_HOURS.as_secs()),
        },
        "identity": {
            "default_schema_id": "person",
            "schemas": [{ "id": "person", "url": format!("base64://{}", base64_of(&schema.to_string())) }],
        },
        "selfservice": { "default_browser_return_url": "https://app.example/" },
    });
    let loaded = bia_config::load_text("kratos.json", &config.to_string());
    loaded.unwrap_or_else(|errors| panic!("{errors}")).config
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
