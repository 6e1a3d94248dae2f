//! A folder, two ports and a stand-in: everything that outlives one run of the program.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bia_fake_entra::{Control, FakeEntra, Options, TEST_CLIENT_ID, TEST_CLIENT_SECRET};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Bia, Browser, free_port};

/// Where the program runs. Change `config` and `env` as the test needs, then [`Site::start`].
pub struct Site {
    /// Deleted in the end.
    pub folder: TempDir,
    /// `http://127.0.0.1:<port>`.
    pub public: String,
    /// `http://127.0.0.1:<port>`.
    pub admin: String,
    /// The stand-in; taken away by [`Site::take_stand_in_down`].
    pub entra: Option<FakeEntra>,
    /// `kratos.yml`.
    pub config: Value,
    /// The whole environment of the program.
    pub env: BTreeMap<String, String>,
    control: Control,
}

/// Where the pages of the imagined user interface live. Nobody asks there.
pub const UI: &str = "http://ui.example";

impl Site {
    /// A site with two Microsoft buttons (`microsoft`, `work`) and a plain OpenID Connect one (`partner`).
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With keys that replace or join the usual ones.
    pub async fn with(extra: Value) -> Self {
        let entra = bia_fake_entra::start(Options::default()).await.expect("the stand-in");
        let folder = tempfile::tempdir().expect("a folder");
        let (public, admin) = (free_port(), free_port());
        let mut config = config(public, admin, entra.base_url());
        merge(&mut config, &extra);
        let site = Self {
            folder,
            public: format!("http://127.0.0.1:{public}"),
            admin: format!("http://127.0.0.1:{admin}"),
            control: entra.control(),
            entra: Some(entra),
            config,
            env: BTreeMap::new(),
        };
        site.write("person.schema.json", include_str!("../fixtures/person.schema.json"));
        site.write("person.jsonnet", include_str!("../fixtures/person.jsonnet"));
        site
    }

    /// Steers the stand-in.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The stand-in's address.
    ///
    /// # Panics
    /// When it was taken down.
    pub fn stand_in(&self) -> String {
        self.entra.as_ref().expect("the stand-in").base_url().to_owned()
    }

    /// From now on nobody listens where the stand-in was; its port is returned.
    ///
    /// # Panics
    /// When it was taken down before.
    pub async fn take_stand_in_down(&mut self) -> u16 {
        let entra = self.entra.take().expect("the stand-in");
        let port = entra.address().port();
        entra.shutdown().await;
        port
    }

    /// Brings it back at that port.
    pub async fn bring_stand_in_up(&mut self, port: u16) {
        let options = Options { address: ([127, 0, 0, 1], port).into(), ..Options::default() };
        let entra = bia_fake_entra::start(options).await.expect("the stand-in");
        self.control = entra.control();
        self.entra = Some(entra);
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// Lays these keys over the configuration.
    pub fn change(&mut self, extra: Value) {
        merge(&mut self.config, &extra);
    }

    /// Lays these keys over the provider of that id, or adds it.
    pub fn provider(&mut self, id: &str, extra: Value) {
        let providers = &mut self.config["selfservice"]["methods"]["oidc"]["config"]["providers"];
        let providers = providers.as_array_mut().expect("a list");
        match providers.iter_mut().find(|provider| provider["id"] == id) {
            Some(provider) => merge(provider, &extra),
            None => providers.push(extra),
        }
    }

    /// Writes `kratos.yml` and runs `serve` until it is ready.
    pub async fn start(&self) -> Bia {
        Bia::start(self, "bia-under-test", &["serve", "-c"]).await
    }

    /// A browser in front of which that person of the stand-in sits.
    pub fn browser(&self, person: &str) -> Browser {
        let browser = Browser::new();
        browser.set_cookie(&self.stand_in(), "persona", person);
        browser
    }

    pub(crate) fn write_config(&self) -> PathBuf {
        // JSON is YAML.
        self.write("kratos.yml", &format!("{:#}", self.config));
        self.path("kratos.yml")
    }
}

fn config(public: u16, admin: u16, stand_in: &str) -> Value {
    let microsoft = |id: &str, label: &str| {
        json!({
            "id": id, "provider": "microsoft", "label": label,
            "client_id": TEST_CLIENT_ID, "client_secret": TEST_CLIENT_SECRET,
            "microsoft_tenant": "common", "subject_source": "userinfo",
            "mapper_url": "file://person.jsonnet", "scope": ["profile", "email"],
            "microsoft": { "authority_host": stand_in, "graph_host": stand_in },
        })
    };
    let partner = json!({
        "id": "partner", "provider": "generic", "label": "Partner",
        "client_id": bia_fake_entra::PLAIN_CLIENT_ID, "client_secret": bia_fake_entra::PLAIN_CLIENT_SECRET,
        "issuer_url": format!("{stand_in}/op/plain"),
        "mapper_url": "file://person.jsonnet", "scope": ["profile", "email"],
    });
    let ui = |page: &str| format!("{UI}/{page}");
    json!({
        "dsn": "sqlite://bia.sqlite?_fk=true",
        "dev": true,
        "serve": {
            "public": { "base_url": format!("http://127.0.0.1:{public}/"), "host": "127.0.0.1", "port": public },
            "admin": { "base_url": format!("http://127.0.0.1:{admin}/"), "host": "127.0.0.1", "port": admin },
        },
        "log": { "level": "info", "format": "json" },
        "secrets": {
            "default": ["default-secret-of-the-tests"],
            "cookie": ["cookie-secret-of-the-tests"],
            "cipher": ["cipher-secret-of-tests-32-chars!"],
        },
        "ciphers": { "algorithm": "xchacha20-poly1305" },
        "identity": { "schemas": [{ "id": "default", "url": "file://person.schema.json" }] },
        "selfservice": {
            "default_browser_return_url": "http://app.example/home",
            "allowed_return_urls": ["http://app.example/", "app.example://signed-in"],
            "methods": {
                "password": { "enabled": false },
                "oidc": { "enabled": true, "config": { "providers": [
                    microsoft("microsoft", "Microsoft"), microsoft("work", "Work"), partner,
                ] } },
            },
            "flows": {
                "error": { "ui_url": ui("error") },
                "login": { "ui_url": ui("login") },
                "registration": {
                    "ui_url": ui("registration"), "login_hints": true,
                    "after": { "oidc": { "hooks": [{ "hook": "session" }] } },
                },
                "settings": { "ui_url": ui("settings") },
            },
        },
    })
}

/// Lays one JSON value over another; null removes a key, lists are replaced.
pub fn merge(into: &mut Value, extra: &Value) {
    match (into, extra) {
        (Value::Object(into), Value::Object(extra)) => {
            for (key, value) in extra {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, extra) => *into = extra.clone(),
    }
}
