//! The doctor from outside: configurations with one mistake each, a stand-in for Entra, a database.

mod configurations;
mod databases;
mod guide;
mod networks;
mod ports;
mod registrations;
mod surroundings;
mod table;

use bia_config::Loaded;
use bia_doctor::{Database, Finding, Level, Options, Patient, Report, examine};
use bia_mapper::{Mapper, Settings};
use bia_model::Timestamp;
use bia_outbound::{Outbound, Policy, Sources};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// As in `bia`: this binary is its own mapper worker.
#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);

const MAPPER: &str = "local claims = std.extVar('claims');
{ identity: { traits: { [if 'email' in claims then 'email']: claims.email } } }
";

fn base64(text: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    format!("base64://{}", BASE64_STANDARD.encode(text))
}

/// A configuration without fault for one Microsoft provider.
fn sound() -> Value {
    let schema = json!({ "$id": "https://example.com/person.schema.json", "type": "object", "properties": {
        "traits": { "type": "object", "properties": { "email": { "type": "string" } } } } });
    json!({
        "dsn": "memory",
        "secrets": { "default": ["a-secret-of-more-than-16-characters"] },
        "identity": { "default_schema_id": "default", "schemas": [{ "id": "default", "url": base64(&schema.to_string()) }] },
        "serve": {
            "public": { "host": "127.0.0.1", "port": 0, "base_url": "https://id.example.com/" },
            "admin": { "host": "127.0.0.1", "port": 0 },
        },
        "selfservice": {
            "default_browser_return_url": "https://id.example.com/",
            "flows": { "registration": { "after": { "oidc": { "hooks": [{ "hook": "session" }] } } } },
            "methods": { "oidc": { "enabled": true, "config": { "providers": [{
                "id": "microsoft", "provider": "microsoft", "client_id": "app", "client_secret": "a~secret.of.an-app",
                "client_secret_expires_at": "2999-01-01", "microsoft_tenant": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
                "mapper_url": base64(MAPPER), "scope": ["profile", "email"],
            }] } } },
        },
    })
}

fn lay_over(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                if value.is_null() {
                    into.remove(&name);
                    continue;
                }
                lay_over(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn load(config: &Value) -> Loaded {
    // Port 0 lets the system choose; the schema wants real ones, so they are replaced by free ones here.
    let mut config = config.clone();
    for listener in ["public", "admin"] {
        if config["serve"][listener]["port"] == 0 {
            let port = bia_testkit::ports::free_port();
            config["serve"][listener]["port"] = json!(port);
        }
    }
    bia_config::load_text("kratos.json", &serde_json::to_string_pretty(&config).expect("JSON"))
        .unwrap_or_else(|e| panic!("{e}"))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("this millennium"))
}

struct Case {
    offline: bool,
    now: Timestamp,
    database: Database,
    imports: Result<Vec<(String, String)>, String>,
    fingerprint: Option<String>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            offline: true,
            now: now(),
            database: Database::Missing("./new.sqlite".into()),
            imports: Ok(Vec::new()),
            fingerprint: None,
        }
    }
}

async fn report_of(config: &Value, case: Case) -> Report {
    let loaded = load(config);
    let outbound = Outbound::new(Policy::default()).expect("a client");
    let mapper = Mapper::new(Settings::default());
    let patient = Patient {
        loaded: &loaded,
        outbound: &outbound,
        sources: Arc::new(Sources::new(outbound.clone())),
        mapper: &mapper,
        database: case.database,
        imports: case.imports,
        fingerprint: case.fingerprint,
        https_proxy: None,
        no_proxy: String::new(),
        now: case.now,
    };
    let report = examine(&patient, Options { offline: case.offline, database: true }).await;
    mapper.shutdown().await;
    report
}

/// The report on the sound configuration with something laid over its only provider.
async fn with_provider(more: Value) -> Report {
    let mut config = sound();
    lay_over(&mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0], more);
    report_of(&config, Case::default()).await
}

fn find<'r>(report: &'r Report, code: &str) -> &'r Finding {
    let found = report.findings.iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("no {code} in {}", report.to_text()))
}

fn has(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|finding| finding.code == code)
}

fn problems(report: &Report) -> Vec<&'static str> {
    report.findings.iter().filter(|f| f.level >= Level::Warning).map(|f| f.code).collect()
}
