//! A server under load: its folder, configuration and process.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bia_testkit::ports::free_port;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::args::{ProviderKind, Setup};
use crate::process::{self, Usage};
use crate::provider::Provider;

/// Running, or between two runs; stopped for good when dropped.
pub(crate) struct Server {
    command: String,
    folder: TempDir,
    child: Option<Child>,
    face: Face,
    admin: String,
    /// As the configuration says.
    pub(crate) dsn: String,
    /// From the start of the process to the first 200 of `/health/ready`, at the last start.
    pub(crate) ready_ms: f64,
}

/// What people know of a server: the same whichever process is behind it.
#[derive(Clone)]
pub(crate) struct Face {
    pub(crate) name: String,
    /// `http://127.0.0.1:<port>`.
    pub(crate) public: String,
}

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Servers as asked for, each with a database of its own, prepared and started.
pub(crate) async fn start_all(setup: &Setup, provider: &Provider) -> anyhow::Result<Vec<Server>> {
    let mut servers = Vec::new();
    for text in &setup.servers {
        let (name, command) = text.split_once('=').context("--server wants NAME=COMMAND")?;
        let mut server = Server::new(name, command, setup, provider).await?;
        for text in &setup.prepare {
            let (whose, command) = text.split_once('=').context("--prepare wants NAME=COMMAND")?;
            if whose == name {
                let status = server.command(command)?.status().with_context(|| command.to_owned())?;
                ensure!(status.success(), "`{command}` failed; its log is {}", server.log().display());
            }
        }
        server.start().await?;
        servers.push(server);
    }
    Ok(servers)
}

impl Server {
    async fn new(name: &str, command: &str, setup: &Setup, provider: &Provider) -> anyhow::Result<Server> {
        let folder = tempfile::Builder::new().prefix("bia-bench-").tempdir()?;
        let (public, admin) = (free_port(), free_port());
        let dsn = if setup.database == "sqlite" {
            format!("sqlite://{}?_fk=true", folder.path().join("bench.sqlite").display())
        } else {
            new_database(&setup.database, name).await?
        };
        let mut config = config(&dsn, public, admin, setup.provider, provider);
        if let Some(overlay) = &setup.overlay {
            merge(&mut config, &serde_json::from_str(overlay).context("--overlay is no JSON")?);
        }
        // JSON is YAML.
        std::fs::write(folder.path().join("kratos.yml"), serde_json::to_string_pretty(&config)?)?;
        std::fs::write(folder.path().join("person.schema.json"), include_str!("../data/person.schema.json"))?;
        std::fs::write(folder.path().join("person.jsonnet"), include_str!("../data/person.jsonnet"))?;
        std::fs::write(folder.path().join("heavy.jsonnet"), include_str!("../data/heavy.jsonnet"))?;
        Ok(Server {
            command: command.to_owned(),
            folder,
            child: None,
            face: Face { name: name.to_owned(), public: format!("http://127.0.0.1:{public}") },
            admin: format!("http://127.0.0.1:{admin}"),
            dsn,
            ready_ms: 0.0,
        })
    }

    pub(crate) fn face(&self) -> &Face {
        &self.face
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// A command beside the server, whose words go to the same log.
    pub(crate) fn command(&self, template: &str) -> anyhow::Result<Command> {
        let config = self.folder.path().join("kratos.yml");
        let mut words = template.split_whitespace().map(|word| word.replace("{config}", &config.to_string_lossy()));
        let program = words.next().context("an empty command")?;
        let log = File::options().create(true).append(true).open(self.log())?;
        // The server's folder is its current one: a program named by a relative path is meant from here.
        let program = std::fs::canonicalize(&program).unwrap_or_else(|_| program.into());
        let mut command = Command::new(program);
        command.args(words).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Starts the process and waits until it is ready.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        self.child = Some(self.command(&self.command)?.spawn().with_context(|| self.command.clone())?);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let ready = format!("{}/health/ready", self.admin);
        while began.elapsed() < READY_WITHIN {
            if client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
                self.ready_ms = began.elapsed().as_secs_f64() * 1000.0;
                return Ok(());
            }
            if self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        bail!("{} did not get ready; its log ends:\n{}", self.face.name, tail(&log))
    }

    /// The process id of the root of its tree; 0 while it is down.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub(crate) fn usage(&self, memory: bool) -> Usage {
        process::usage(self.id(), memory)
    }

    /// SIGKILL, without a chance to finish anything.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail on a process that is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a signal by name to the root of the tree, or to another process of it.
    pub(crate) fn signal(&self, name: &str, process: u32) -> anyhow::Result<()> {
        let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().context("kill")?;
        ensure!(sent.success(), "process {process} was gone before SIG{name}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.id();
        if id != 0 {
            // One that is gone already needs no signal.
            let _ = self.signal("TERM", id);
            let give_up = Instant::now() + Duration::from_secs(5);
            while Instant::now() < give_up
                && self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
            {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.kill();
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A database of this run on that server, emptied.
async fn new_database(server: &str, name: &str) -> anyhow::Result<String> {
    let database = format!("bia_bench_{}", name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_"));
    let mut connection = PgConnection::connect(server).await.context("PostgreSQL cannot be reached")?;
    for statement in [format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"), format!("CREATE DATABASE {database}")]
    {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    let mut url = url::Url::parse(server)?;
    url.set_path(&database);
    Ok(url.into())
}

fn config(dsn: &str, public: u16, admin: u16, kind: ProviderKind, provider: &Provider) -> Value {
    let entry = |id: &str, mapper: &str, update: &str| {
        let common = json!({
            "id": id, "label": id, "mapper_url": format!("file://{mapper}.jsonnet"), "scope": ["profile", "email"],
            "update_identity_on_login": update,
        });
        let mut entry = match kind {
            ProviderKind::Microsoft => json!({
                "provider": "microsoft", "microsoft_tenant": "common", "subject_source": "oid",
                "client_id": bia_fake_entra::TEST_CLIENT_ID, "client_secret": bia_fake_entra::TEST_CLIENT_SECRET,
                "microsoft": { "authority_host": provider.base_url(), "graph_host": provider.base_url() },
            }),
            ProviderKind::Generic => json!({
                "provider": "generic", "issuer_url": provider.issuer(),
                "client_id": bia_fake_entra::PLAIN_CLIENT_ID, "client_secret": bia_fake_entra::PLAIN_CLIENT_SECRET,
            }),
        };
        merge(&mut entry, &common);
        entry
    };
    let page = |name: &str| json!({ "ui_url": format!("http://ui.example/{name}") });
    let mut flows = json!({ "error": page("error"), "login": page("login"), "settings": page("settings"),
        "registration": page("registration") });
    flows["registration"]["after"] = json!({ "oidc": { "hooks": [{ "hook": "session" }] } });
    json!({
        "dsn": dsn,
        "serve": {
            "public": { "base_url": format!("http://127.0.0.1:{public}/"), "host": "127.0.0.1", "port": public },
            "admin": { "base_url": format!("http://127.0.0.1:{admin}/"), "host": "127.0.0.1", "port": admin },
        },
        // What a self-hoster would run; a line for each request is part of the work.
        "log": { "level": "info", "format": "json" },
        "secrets": {
            "default": ["default-secret-of-the-bench"], "cookie": ["cookie-secret-of-the-bench"],
            "cipher": ["cipher-secret-of-bench-32-chars!"],
        },
        "ciphers": { "algorithm": "xchacha20-poly1305" },
        "identity": { "default_schema_id": "default", "schemas": [{ "id": "default", "url": "file://person.schema.json" }] },
        "selfservice": {
            "default_browser_return_url": "http://app.example/home",
            "methods": {
                "password": { "enabled": false },
                "profile": { "enabled": true },
                "oidc": { "enabled": true, "config": { "providers": [
                    entry("main", "person", "never"), entry("heavy", "heavy", "automatic"),
                ] } },
            },
            "flows": flows,
        },
    })
}

/// Lays one JSON value over another.
fn merge(into: &mut Value, over: &Value) {
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            for (key, value) in over {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, over) => *into = over.clone(),
    }
}
