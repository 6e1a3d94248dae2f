//! What is written down: the log at its most talkative level, audit events, captures, metrics, reports of the commands and
//! core files hold no secret, no token, no code, no cookie and nothing about a person; a copy of the database holds nothing
//! that opens a session here or at a provider, and neither does anything that visitors are shown.

use std::collections::BTreeSet;

use bia_e2e::{Answer, Bia, Browser, Database, Site, TEST_CLIENT_SECRET, UI, signal, until};
use bia_fake_entra::{Endpoint, EndpointFault, Fault, IdTokenFault, PLAIN_CLIENT_SECRET};
use http::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use url::Url;

/// Everything that must not be found.
#[derive(Default)]
struct Secrets {
    all: BTreeSet<String>,
    /// Those that open something: neither a copy of the database nor what visitors are shown may hold them.
    keys: BTreeSet<String>,
    /// What visitors were shown in the end, and of whose sign-in.
    shown: Vec<(String, String)>,
    refusals: usize,
}

impl Secrets {
    fn add(&mut self, text: &str) {
        // Shorter texts would be found by accident.
        if text.len() >= 8 {
            self.all.insert(text.to_owned());
        }
    }

    fn add_key(&mut self, text: &str) {
        self.add(text);
        if text.len() >= 8 {
            self.keys.insert(text.to_owned());
        }
    }

    fn cookies(&mut self, browser: &Browser, bia: &Bia) {
        for (name, value) in browser.cookies(&bia.public) {
            if name.starts_with("csrf_token_") { self.add(&value) } else { self.add_key(&value) }
        }
    }

    /// What travels in addresses: codes, states, challenges, nonces.
    fn address(&mut self, url: &Url) {
        for (name, value) in url.query_pairs() {
            match &*name {
                "code" | "state" | "session_state" => self.add_key(&value),
                "nonce" | "code_challenge" => self.add(&value),
                _ => {}
            }
        }
    }

    /// The answer of a callback, and the flow or the error that the page behind it shows.
    async fn shown(&mut self, browser: &Browser, bia: &Bia, answer: &Answer) {
        let to = answer.header("location").to_owned();
        if to.starts_with(UI) {
            self.refusals += usize::from(!to.starts_with(&format!("{UI}/settings")));
            self.shown.push((format!("the page {to}"), browser.shown(bia, answer).await.to_string()));
        }
        self.shown.push((format!("the answer that led to {to}"), format!("{to}\n{}", answer.body)));
    }

    /// Every text of a JSON value under these keys.
    fn values(&mut self, value: &Value, keys: &[&str]) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(text) if KEYS.contains(&key.as_str()) => self.add_key(text),
                        Some(text) if keys.contains(&key.as_str()) => self.add(text),
                        _ => self.values(value, keys),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.values(value, keys)),
            _ => {}
        }
    }
}

const PRIVATE: [&str; 6] = ["email", "subject", "first", "last", "username", "identifier"];

const KEYS: [&str; 7] = [
    "initial_id_token",
    "initial_access_token",
    "initial_refresh_token",
    "session_token",
    "session_token_exchange_code",
    "logout_token",
    "ory_session_token",
];

async fn walk(browser: &Browser, bia: &Bia, secrets: &mut Secrets, flow: &Value, field: (&str, &str)) {
    let action = flow["ui"]["action"].as_str().expect("an action");
    let pressed = browser.post_form(action, &[field]).await;
    let at = pressed.location();
    secrets.address(&at);
    let back = browser.authorize(&at).await;
    secrets.address(&back);
    let answer = browser.get(back).await;
    secrets.cookies(browser, bia);
    secrets.shown(browser, bia, &answer).await;
}

async fn native(site: &Site, bia: &Bia, secrets: &mut Secrets) {
    let query = "return_session_token_exchange_code=true&return_to=app.example://signed-in";
    let app = Browser::new();
    let flow = app.get_json(format!("{}/self-service/login/api?{query}", bia.public)).await.expect(200);
    secrets.values(&flow, &PRIVATE);
    let body = json!({ "method": "oidc", "provider": "microsoft" });
    let away = app.post_json(flow["ui"]["action"].as_str().expect("an action"), &body).await.expect(422);
    let at = Url::parse(away["redirect_browser_to"].as_str().expect("an address")).expect("a URL");
    secrets.address(&at);
    let carol = site.browser("carol");
    let back = carol.authorize(&at).await;
    secrets.address(&back);
    let done = carol.get(back).await.location();
    secrets.address(&done);
    let (init, code) = (&flow["session_token_exchange_code"], done.query().unwrap_or_default());
    let code = code.split('&').find_map(|pair| pair.strip_prefix("code=")).expect("a code");
    let init = init.as_str().expect("a code");
    let url = format!("{}/sessions/token-exchange?init_code={init}&return_to_code={code}", bia.public);
    let exchanged = app.get_json(url).await.expect(200);
    secrets.values(&exchanged, &PRIVATE);
    let token = exchanged["session_token"].as_str().expect("a token");
    let with_token = Browser::new().with_header("x-session-token", token);
    assert!(with_token.whoami(bia).await.is_some());
    let bearer = Browser::new().with_header("authorization", &format!("Bearer {token}"));
    bearer.get_json(format!("{}/sessions", bia.public)).await.expect(200);
    let url = format!("{}/self-service/logout/api", bia.public);
    app.call_json(Method::DELETE, url, Some(&json!({ "session_token": token }))).await.expect(204);
}

async fn failures(site: &Site, bia: &Bia, secrets: &mut Secrets) {
    for fault in [
        Fault::id_token(IdTokenFault::BadSignature),
        Fault::id_token(IdTokenFault::WrongNonce),
        Fault::id_token(IdTokenFault::NotJwt),
        Fault::id_token(IdTokenFault::WrongAud { value: None }),
        Fault::at(Endpoint::Token, EndpointFault::Malformed),
        Fault::at(
            Endpoint::Token,
            EndpointFault::aadsts("invalid_grant", 54_005, "AADSTS54005: alice@contoso.example was here."),
        ),
        Fault::at(
            Endpoint::Authorize,
            EndpointFault::aadsts("access_denied", 65_004, "alice@contoso.example declined."),
        ),
    ] {
        site.control().add_fault(fault.times(1));
        let alice = site.browser("alice");
        let flow = alice.begin(bia, "login").await;
        walk(&alice, bia, secrets, &flow, ("provider", "microsoft")).await;
    }
    // A mapper that fails on what it was given, and traits that the schema refuses.
    for traits in
        [json!("no object"), json!({ "nick": "alice-private-nick" }), json!({ "email": "not-an-address-of-alice" })]
    {
        let overlay = json!({ "traits": traits });
        site.control().overlay_claims(overlay.as_object().cloned().unwrap_or_default());
        let otto = site.browser("otp");
        let flow = otto.begin(bia, "login").await;
        walk(&otto, bia, secrets, &flow, ("provider", "microsoft")).await;
    }
    site.control().overlay_claims(serde_json::Map::new());
    for text in ["alice-private-nick", "not-an-address-of-alice"] {
        secrets.add(text);
    }
}

/// What a running server says to whoever may ask, and what the commands print beside it.
async fn reports(site: &Site, bia: &Bia) -> Vec<(String, String)> {
    let operator = Browser::new();
    let mut found = Vec::new();
    for path in ["/metrics/prometheus", "/health/ready", "/health/config", "/version", "/openapi.json"] {
        found.push((path.to_owned(), operator.get(format!("{}{path}", bia.admin)).await.body));
    }
    for command in [
        &["config", "check", "-c"][..],
        &["config", "check", "--for", "kratos", "-c"],
        &["doctor", "--json", "--offline", "--db", "-c"],
        &["setup", "microsoft", "--provider", "microsoft", "--format", "json", "-c"],
    ] {
        found.push((command.join(" "), Bia::spawn(site, "bia-under-test", command).wait().log));
    }
    found
}

/// An edit that cannot be taken, with secrets where other things belong.
async fn bad_edit(site: &mut Site, bia: &Bia) {
    let good = site.config.clone();
    site.provider("microsoft", json!({ "client_secret": { "value": TEST_CLIENT_SECRET } }));
    site.change(json!({ "secrets": { "cipher": { "first": "cipher-secret-of-tests-32-chars!" } } }));
    site.write("kratos.yml", &format!("{:#}", site.config));
    assert!(signal("HUP", bia.id()));
    until("the edit is noticed", || async { bia.log().contains("kratos.yml") && bia.log().contains("cipher") }).await;
    site.config = good;
}

#[tokio::test]
async fn nothing_secret_or_personal_is_ever_written_down() {
    let mut site = Site::new().await;
    let secrets = nothing_is_written_down(&mut site).await;
    opens_nothing("SQLite", &copy_of_sqlite(&site), &secrets);
    if let Some(database) = Database::create().await {
        let mut site = Site::with(json!({ "dsn": database.dsn(None) })).await;
        let secrets = nothing_is_written_down(&mut site).await;
        opens_nothing("PostgreSQL", &copy_of_postgres(&database).await, &secrets);
        database.drop().await;
    }
}

/// Does everything that people and operators do, and looks through all that was written but for the database.
async fn nothing_is_written_down(site: &mut Site) -> Secrets {
    site.change(json!({ "bia": { "audit": { "file": "audit.jsonl" }, "capture": "on" } }));
    site.change(json!({ "log": { "level": "trace" } }));
    // For a refresh token, too.
    site.provider("microsoft", json!({ "scope": ["profile", "email", "offline_access"], "recheck": "15m" }));
    let bia = site.start().await;
    let mut secrets = Secrets::default();
    for secret in [TEST_CLIENT_SECRET, PLAIN_CLIENT_SECRET] {
        secrets.add_key(secret);
    }
    for list in ["default", "cookie", "cipher"] {
        secrets.add_key(site.config["secrets"][list][0].as_str().expect("a secret"));
    }
    for person in ["alice", "bob", "carol", "otp"] {
        let person = site.control().person(person).expect("a person");
        for text in
            [Some(&person.name), Some(&person.oid), Some(&person.upn), person.email.as_ref()].into_iter().flatten()
        {
            secrets.add(text);
        }
    }
    let alice = site.browser("alice");
    let flow = alice.begin(&bia, "login").await;
    secrets.cookies(&alice, &bia);
    walk(&alice, &bia, &mut secrets, &flow, ("provider", "microsoft")).await;
    let session = alice.whoami(&bia).await.expect("a session");
    secrets.values(&session, &PRIVATE);
    let flow = alice.begin(&bia, "settings").await;
    walk(&alice, &bia, &mut secrets, &flow, ("link", "partner")).await;
    let bob = site.browser("bob");
    let flow = bob.begin(&bia, "registration").await;
    walk(&bob, &bia, &mut secrets, &flow, ("provider", "partner")).await;
    native(site, &bia, &mut secrets).await;
    failures(site, &bia, &mut secrets).await;
    let id = session["identity"]["id"].as_str().expect("an id");
    let url = format!("{}/admin/identities/{id}?include_credential=oidc", bia.admin);
    let credentials = alice.get_json(url).await.expect(200);
    secrets.values(&credentials, &PRIVATE);
    let tokens = &credentials["credentials"]["oidc"]["config"]["providers"][0];
    assert!(tokens["initial_refresh_token"].as_str().is_some_and(|token| token.len() > 8), "there was none");
    let url = format!("{}/admin/identities?credentials_identifier=alice@contoso.example", bia.admin);
    alice.get_json(url).await.expect(200);
    let logout = alice.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
    secrets.values(&logout, &PRIVATE);
    // The person is still signed in while everything is asked and looked at.
    let mut written = reports(site, &bia).await;
    bad_edit(site, &bia).await;
    alice.get(logout["logout_url"].as_str().expect("a URL")).await;
    for call in site.control().calls() {
        for name in ["code_verifier", "refresh_token", "client_secret"] {
            call.form.get(name).into_iter().for_each(|value| secrets.add(value));
        }
    }
    let core = std::fs::read_to_string(format!("/proc/{}/limits", bia.id())).expect("its limits");
    let core = core.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "a crash would leave its memory behind: {core}");
    let log = bia.stop().log;
    assert!(secrets.all.len() > 60 && secrets.keys.len() > 30, "the walk met only {} secrets", secrets.all.len());
    assert!(log.lines().count() > 60 && log.contains("bia::capture"), "{log}");
    written.push(("the log".to_owned(), log));
    written.push(("audit.jsonl".to_owned(), std::fs::read_to_string(site.path("audit.jsonl")).expect("a file")));
    for (name, text) in &written {
        holds_none_of(name, text, &secrets.all);
    }
    assert_eq!(secrets.refusals, 10, "{:#?}", secrets.shown);
    for (name, text) in &secrets.shown {
        holds_none_of(name, text, &secrets.keys);
    }
    secrets
}

fn holds_none_of(name: &str, text: &str, secrets: &BTreeSet<String>) {
    let decoded = percent_decoded(text);
    let found: Vec<&String> =
        secrets.iter().filter(|secret| text.contains(*secret) || decoded.contains(*secret)).collect();
    let around: Vec<&str> =
        text.lines().filter(|line| found.iter().any(|secret| line.contains(*secret))).take(5).collect();
    assert!(found.is_empty(), "{name} holds {found:?}: {around:#?}");
}

/// Who copies the database gets nothing that opens a session here or at a provider.
fn opens_nothing(name: &str, copy: &str, secrets: &Secrets) {
    assert!(copy.len() > 20_000 && copy.contains("alice@contoso.example"), "that is no copy: {} bytes", copy.len());
    let found: Vec<&String> = secrets.keys.iter().filter(|secret| copy.contains(*secret)).collect();
    let place = found.first().and_then(|secret| copy.find(secret.as_str()));
    let around: String = place.map(|at| copy[..at].chars().rev().take(200).collect()).unwrap_or_default();
    let before: String = around.chars().rev().collect();
    assert!(found.is_empty(), "{name} holds {found:?} behind {before:?}");
}

/// The pages of the file and of its journal, freed ones and all.
fn copy_of_sqlite(site: &Site) -> String {
    let files = std::fs::read_dir(site.folder.path()).expect("a folder").flatten();
    let of_database = files.filter(|file| file.file_name().to_string_lossy().starts_with("bia.sqlite"));
    of_database.map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).expect("a file")).into_owned()).collect()
}

/// Every row of every table, as text.
async fn copy_of_postgres(database: &Database) -> String {
    let mut connection = database.connect().await;
    let tables = "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.expect("their names");
    let mut copy = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT string_agg(row::text, '\n') FROM {table} AS row"));
        let rows: Option<String> = sqlx::query_scalar(rows).fetch_one(&mut connection).await.expect("its rows");
        copy.push_str(&rows.unwrap_or_default());
    }
    copy
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.replace(['&', '='], "%26").as_bytes()).map(|(key, _)| key.into_owned()).collect()
}
