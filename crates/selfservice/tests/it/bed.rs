//! Everything that flows work with, built around one configuration: the server without its sockets.

use crate::browser::Browser;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bia_config::Config;
use bia_fake_entra::{Control, FakeEntra, Options, TEST_CLIENT_ID, TEST_CLIENT_SECRET};
use bia_hooks::{Registry, Services};
use bia_identity::{Schemas, Sealer, Secrets, Sessions, TokenCipher};
use bia_mapper::{Mapper, Settings, WorkerProgram};
use bia_model::{CredentialsType, Identity, OidcLink, Timestamp};
use bia_outbound::{Outbound, Policy, Sources};
use bia_provider::Providers;
use bia_selfservice::Deps;
use bia_selfservice::deps::allowed_return_urls;
use bia_testkit::database::TestDatabase;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// Where the server would be.
pub(crate) const PUBLIC: &str = "http://127.0.0.1:4433";
/// The first moment of every test, in seconds since 1970.
const BEGINNING: i64 = 1_790_000_000;

/// Believes any address and vouches for it: what the flows must withstand.
pub(crate) const MAPPER: &str = "
local claims = std.extVar('claims');
local email = if 'email' in claims then std.asciiLower(claims.email) else '';
{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'name' in claims then 'name']: claims.name,
    },
    metadata_admin: {
      groups: if 'groups' in claims.raw_claims then claims.raw_claims.groups else null,
      graph: if 'graph' in claims then claims.graph else null,
    },
    verified_addresses: if email != '' then [{ via: 'email', value: email }] else [],
  },
}";

/// A server without sockets, its database, and the Entra it talks to. Its clock stands until it is moved.
pub(crate) struct Bed {
    pub(crate) deps: Arc<Deps>,
    pub(crate) entra: FakeEntra,
    now: AtomicI64,
    _database: TestDatabase,
}

/// A configuration in the making.
pub(crate) struct Builder {
    config: Value,
    options: Options,
    mapper: String,
    hooks: Registry,
}

impl Bed {
    /// One Microsoft provider, open to every organization, unless the builder is told otherwise.
    pub(crate) fn builder() -> Builder {
        let config = json!({
            "dsn": "memory",
            "serve": { "public": { "base_url": PUBLIC } },
            "secrets": { "default": ["a-secret-of-the-test-bed-0123456789"], "cipher": ["0123456789abcdef0123456789abcdef"] },
            "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": data_url(&schema()) }] },
            "selfservice": {
                "default_browser_return_url": "https://app.example/",
                "allowed_return_urls": ["https://app.example/", "https://other.example/"],
                "flows": { "registration": { "after": { "oidc": { "hooks": [{ "hook": "session" }] } } } },
                "methods": { "oidc": { "enabled": true, "config": { "providers": [] } } },
            },
        });
        Builder { config, options: Options::default(), mapper: MAPPER.to_owned(), hooks: Registry::new() }
    }

    /// The usual bed: provider `microsoft`.
    pub(crate) async fn new() -> Self {
        Self::builder().provider(json!({})).start().await
    }

    /// The usual bed, whose provider has these settings besides.
    pub(crate) async fn with_provider(changes: Value) -> Self {
        Self::builder().provider(changes).start().await
    }

    pub(crate) fn control(&self) -> Control {
        self.entra.control()
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.now.load(Ordering::Relaxed))
    }

    /// Moves the clocks of the server and of Entra.
    pub(crate) fn advance(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).unwrap();
        let now = self.now.fetch_add(seconds, Ordering::Relaxed) + seconds;
        self.control().set_clock(Some(now));
    }

    /// Somebody with an empty cookie jar.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    /// Somebody who has signed in as that person with the provider `microsoft`.
    pub(crate) async fn signed_in(&self, persona: &str) -> Browser<'_> {
        let mut browser = self.browser();
        // Not what was answered: somebody with a second factor is asked for it.
        browser.sign_in("microsoft", persona).await;
        assert!(browser.session().await.is_some(), "{persona} is not signed in");
        browser
    }

    /// Whoever has the link `<provider id>:<subject>`.
    pub(crate) async fn owner_of(&self, identifier: &str) -> Option<Identity> {
        self.deps.store.find_identity_by_identifier(CredentialsType::Oidc, identifier).await.unwrap()
    }

    pub(crate) async fn identity(&self, id: Uuid) -> Identity {
        self.deps.store.find_identity(id).await.unwrap().unwrap()
    }

    /// How many people there are.
    pub(crate) async fn count_identities(&self) -> usize {
        let page = bia_store::Page::first(1000);
        let filter = bia_store::IdentityFilter::default();
        self.deps.store.list_identities(&filter, &page).await.unwrap().items.len()
    }

    /// Puts somebody into the database as an administrator's import would.
    pub(crate) async fn import(&self, email: &str, links: &[(&str, &str)], proven: bool) -> Uuid {
        let mut identity = Identity::new(Uuid::new_v4(), "person", self.now());
        identity.traits = json!({ "email": email });
        bia_identity::identities::prepare(&self.deps.schemas, &mut identity, self.now()).await.unwrap();
        if proven {
            identity.prove(email, "import");
        }
        let link = |(provider, subject): &(&str, &str)| OidcLink {
            provider: (*provider).to_owned(),
            subject: (*subject).to_owned(),
            ..OidcLink::default()
        };
        identity.set_oidc_links(links.iter().map(link).collect(), self.now());
        let mut unit = self.deps.store.begin().await.unwrap();
        unit.insert_identity(&identity).await.unwrap();
        unit.commit().await.unwrap();
        identity.id
    }
}

impl Builder {
    /// Adds a provider: Microsoft at the stand-in, with these settings over the usual ones. `null` takes one away.
    pub(crate) fn provider(mut self, changes: Value) -> Self {
        let mut provider = json!({
            "id": "microsoft",
            "provider": "microsoft",
            "client_id": TEST_CLIENT_ID,
            "client_secret": TEST_CLIENT_SECRET,
            "microsoft_tenant": "common",
            "scope": ["profile", "email", "offline_access", "User.Read"],
            "microsoft": {},
        });
        merge(&mut provider, &changes);
        let list = &mut self.config["selfservice"]["methods"]["oidc"]["config"]["providers"];
        list.as_array_mut().unwrap().push(provider);
        self
    }

    /// Adds a `generic` provider: the stand-in's plain provider `op`.
    pub(crate) fn plain_provider(self, id: &str, op: &str, changes: Value) -> Self {
        let mut provider = json!({
            "id": id,
            "provider": "generic",
            "client_id": bia_fake_entra::PLAIN_CLIENT_ID,
            "client_secret": bia_fake_entra::PLAIN_CLIENT_SECRET,
            "issuer_url": format!("entra:/op/{op}"),
            "microsoft_tenant": null,
            "scope": ["profile", "email"],
            "microsoft": null,
        });
        merge(&mut provider, &changes);
        self.provider(provider)
    }

    /// Sets one key anywhere in the configuration; `/session/whoami` style.
    pub(crate) fn set(mut self, pointer: &str, value: Value) -> Self {
        let mut place = &mut self.config;
        for name in pointer.split('/').skip(1) {
            if place.is_null() {
                *place = json!({});
            }
            place = &mut place[name];
        }
        *place = value;
        self
    }

    /// The mapper of every provider that names none.
    pub(crate) fn mapper(mut self, text: &str) -> Self {
        text.clone_into(&mut self.mapper);
        self
    }

    /// Third-party hooks that the configuration may name.
    pub(crate) fn hooks(mut self, hooks: Registry) -> Self {
        self.hooks = hooks;
        self
    }

    pub(crate) async fn start(mut self) -> Bed {
        let entra = bia_fake_entra::start(self.options).await.unwrap();
        entra.control().set_clock(Some(BEGINNING));
        let base = entra.base_url().to_owned();
        let providers = &mut self.config["selfservice"]["methods"]["oidc"]["config"]["providers"];
        for provider in providers.as_array_mut().unwrap() {
            complete(provider, &base, &self.mapper);
        }
        let loaded = bia_config::load(bia_config::LoadInput {
            texts: vec![("kratos.json".into(), self.config.to_string())],
            extra_hooks: &self.hooks.names(),
            ..bia_config::LoadInput::default()
        });
        let config = Arc::new(loaded.unwrap_or_else(|errors| panic!("{errors}")).config);
        let database = TestDatabase::memory().await;
        let deps = Arc::new(deps(config, database.store.clone(), self.hooks).await);
        Bed { deps, entra, now: AtomicI64::new(BEGINNING), _database: database }
    }
}

/// What only a running stand-in knows.
fn complete(provider: &mut Value, base: &str, mapper: &str) {
    if provider.get("mapper_url").is_none() {
        provider["mapper_url"] = json!(data_url(mapper));
    }
    if provider["provider"] == "microsoft" {
        let microsoft = provider["microsoft"].as_object_mut().unwrap();
        if !microsoft.contains_key("cloud") {
            microsoft.insert("authority_host".to_owned(), json!(base));
            microsoft.insert("graph_host".to_owned(), json!(base));
        }
    }
    if let Some(path) = provider["issuer_url"].as_str().and_then(|url| url.strip_prefix("entra:")) {
        provider["issuer_url"] = json!(format!("{base}{path}"));
    }
}

async fn deps(config: Arc<Config>, store: bia_store::Store, hooks: Registry) -> Deps {
    let outbound = Outbound::new(Policy::default()).unwrap();
    let sources = Arc::new(Sources::new(outbound.clone()));
    let mapper = Mapper::new(Settings {
        program: WorkerProgram::current_exe(),
        workers: 2,
        // A busy machine must not look like a slow mapper.
        timeout: Duration::from_secs(30),
        ..Settings::default()
    });
    let sealer = Arc::new(Sealer::new(&Secrets {
        default: &config.secrets.default,
        cookie: &config.secrets.cookie,
        cipher: &config.secrets.cipher,
        token_cipher: TokenCipher::Noop,
    }));
    let services = Services::new(outbound.clone(), sources.clone(), mapper.clone());
    let oidc = &config.selfservice.methods.oidc.config;
    Deps {
        imports: bia_selfservice::Imports::default(),
        schemas: Schemas::load(config.clone(), sources.clone()).await.unwrap(),
        sessions: Sessions::new(store.clone(), config.clone(), sealer.clone()),
        sealer,
        providers: Providers::new(oidc, config.public_url().url(), &outbound),
        mapper,
        hooks: hooks.build(&config, &services).unwrap(),
        sources,
        outbound,
        allowed_return_urls: allowed_return_urls(&config),
        store,
        config,
    }
}

/// E-mail (required, unique) and name.
fn schema() -> String {
    json!({
        "$id": "person",
        "type": "object",
        "properties": { "traits": {
            "type": "object",
            "properties": {
                "email": { "type": "string", "format": "email", "title": "E-Mail", "ory.sh/kratos": {
                    "credentials": { "password": { "identifier": true } },
                    "verification": { "via": "email" },
                    "recovery": { "via": "email" },
                } },
                "name": { "type": "string", "title": "Name" },
            },
            "required": ["email"],
            "additionalProperties": false,
        } },
    })
    .to_string()
}

fn data_url(text: &str) -> String {
    format!("base64://{}", STANDARD.encode(text))
}

/// Objects member by member, anything else whole; `null` takes a member away.
fn merge(into: &mut Value, changes: &Value) {
    let (Some(into), Some(changes)) = (into.as_object_mut(), changes.as_object()) else { return };
    for (name, change) in changes {
        match into.get_mut(name) {
            _ if change.is_null() => {
                into.shift_remove(name);
            }
            Some(known) if known.is_object() && change.is_object() => merge(known, change),
            _ => {
                into.insert(name.clone(), change.clone());
            }
        }
    }
}
