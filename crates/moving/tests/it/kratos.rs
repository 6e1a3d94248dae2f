//! A Kratos that answers as recorded, and the house that people move into.

use bia_config::Config;
use bia_identity::Schemas;
use bia_model::{Identity, Timestamp};
use bia_moving::{AdminApi, Cursor, Import, ImportReport, MovingError, Pace, import};
use bia_outbound::{Outbound, Policy, Sources};
use bia_store::{ConnectOptions, IdentityFilter, Page, Store};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) fn people() -> Vec<Value> {
    serde_json::from_str(include_str!("recorded/people.json")).expect("JSON")
}

fn schemas() -> Value {
    serde_json::from_str(include_str!("recorded/schemas.json")).expect("JSON")
}

/// The list of people, paged by id as Kratos does, and what was asked for.
#[derive(Clone, Default)]
pub(crate) struct People {
    pub(crate) list: Arc<Mutex<Vec<Value>>>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    /// Answers of this kind come before any other.
    pub(crate) faults: Arc<Mutex<Vec<ResponseTemplate>>>,
    /// Which list is refused with 500.
    pub(crate) keeps_credentials: Arc<Mutex<bool>>,
    /// Of whom the tokens can't be opened; then lists show no credentials at all, as older versions' don't.
    pub(crate) locked: Arc<Mutex<Option<String>>>,
}

impl Respond for People {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query =
            |name: &str| request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        self.asked.lock().expect("asked").push(format!(
            "{}?{}",
            request.url.path(),
            request.url.query().unwrap_or_default()
        ));
        let mut list = self.list.lock().expect("list").clone();
        if query("page").is_some() {
            return ResponseTemplate::new(200)
                .insert_header("x-total-count", list.len().to_string())
                .set_body_json(&list[..1]);
        }
        if let Some(fault) = self.faults.lock().expect("faults").pop() {
            return fault;
        }
        let mut shown = query("include_credential").is_some();
        let locked = self.locked.lock().expect("locked").clone();
        let single = request.url.path().strip_prefix("/admin/identities/");
        if shown && single.is_some() && single == locked.as_deref() {
            return ResponseTemplate::new(500).set_body_json(json!({ "error": { "message": "can't decrypt" } }));
        }
        shown &= locked.is_none() || single.is_some();
        if shown && *self.keeps_credentials.lock().expect("flag") {
            return ResponseTemplate::new(500).set_body_json(json!({ "error": { "message": "can't decrypt" } }));
        }
        if let Some(id) = request.url.path().strip_prefix("/admin/identities/") {
            let mut person = list.iter().find(|person| person["id"] == id).cloned().expect("person");
            hide(&mut person, shown);
            return ResponseTemplate::new(200).set_body_json(person);
        }
        list.sort_by_key(|person| person["id"].as_str().map(str::to_owned));
        if let Some(token) = query("page_token") {
            if token == "outlived" {
                return ResponseTemplate::new(400)
                    .set_body_json(json!({ "error": { "message": "The request was malformed" } }));
            }
            list.retain(|person| person["id"].as_str() > Some(token.as_str()));
        }
        let size: usize = query("page_size").and_then(|size| size.parse().ok()).unwrap_or(250);
        let more = list.len() > size;
        list.truncate(size);
        let mut answer = ResponseTemplate::new(200);
        if let Some(last) = list.last().filter(|_| more) {
            let id = last["id"].as_str().expect("id");
            let first =
                "</admin/identities?page_size=2&page_token=00000000-0000-0000-0000-000000000000>; rel=\"first\"";
            let link = format!(
                "{first},</admin/identities?include_credential=oidc&page_size={size}&page_token={id}>; rel=\"next\""
            );
            answer = answer.insert_header("link", link.as_str());
        }
        if !shown {
            for person in &mut list {
                person.as_object_mut().expect("object").remove("credentials");
            }
        }
        answer.set_body_json(list)
    }
}

fn hide(person: &mut Value, shown: bool) {
    if !shown && let Some(oidc) = person.pointer_mut("/credentials/oidc").and_then(Value::as_object_mut) {
        oidc.remove("config");
    }
}

/// One house, and the Kratos that people leave.
pub(crate) struct Bed {
    pub(crate) kratos: MockServer,
    pub(crate) people: People,
    pub(crate) config: Arc<Config>,
    pub(crate) schemas: Schemas,
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
    pub(crate) outbound: Outbound,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::with("userinfo").await
    }

    pub(crate) async fn with(subject_source: &str) -> Self {
        let kratos = MockServer::start().await;
        let people = People::default();
        *people.list.lock().expect("list") = self::people();
        Mock::given(method("GET"))
            .and(path("/schemas"))
            .respond_with(ResponseTemplate::new(200).set_body_json(schemas()))
            .with_priority(1)
            .mount(&kratos)
            .await;
        Mock::given(method("GET")).respond_with(people.clone()).with_priority(5).mount(&kratos).await;
        let folder = tempfile::tempdir().expect("folder");
        let schema = folder.path().join("schema.json");
        std::fs::write(&schema, schemas()[0]["schema"].to_string()).expect("schema");
        let text = format!(
            "dsn: memory
identity: {{ schemas: [{{ id: default, url: 'file://{}' }}] }}
selfservice:
  default_browser_return_url: http://a.example/
  methods:
    oidc:
      enabled: true
      config:
        providers:
          - {{ id: microsoft, provider: microsoft, client_id: c, client_secret: s, microsoft_tenant: common, subject_source: {subject_source}, mapper_url: 'base64://e30=' }}
",
            schema.display()
        );
        let loaded = bia_config::load_text("kratos.yml", &text).unwrap_or_else(|errors| panic!("{errors}"));
        let config = Arc::new(loaded.config);
        let outbound = Outbound::new(Policy::default()).expect("client");
        let sources = Arc::new(Sources::new(outbound.clone()));
        let schemas = Schemas::load(config.clone(), sources).await.expect("schemas");
        let store = Store::connect("memory", &ConnectOptions::default()).await.expect("store");
        store.migrate().await.expect("migrated");
        Self { kratos, people, config, schemas, store, folder, outbound }
    }

    pub(crate) fn api(&self) -> AdminApi {
        let pace = Pace { attempts: 3, first_pause: Duration::from_millis(1), ..Pace::default() };
        AdminApi::new(self.outbound.clone(), &self.kratos.uri(), Vec::new(), pace).expect("address")
    }

    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { path: self.folder.path().join("cursor"), restart: false }
    }

    pub(crate) async fn import(&self) -> ImportReport {
        self.try_import(|_| ()).await.expect("a report")
    }

    pub(crate) async fn try_import(&self, change: impl FnOnce(&mut Import<'_>)) -> Result<ImportReport, MovingError> {
        let source = self.api();
        let mut job = Import {
            source: &source,
            store: &self.store,
            schemas: &self.schemas,
            config: &self.config,
            page_size: 2,
            dry_run: false,
            trust_verified_addresses: false,
            cursor: Some(self.cursor()),
            now: Timestamp::from_secs(1_800_000_000),
        };
        change(&mut job);
        import(&job, &mut |_, _| ()).await
    }

    /// Everybody here, by id.
    pub(crate) async fn everybody(&self) -> Vec<Identity> {
        self.store.list_identities(&IdentityFilter::All, &Page::first(100)).await.expect("a list").items
    }
}
