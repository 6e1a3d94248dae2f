//! A server that runs, as its ports and its public address show it.

use super::{Case, find, has, lay_over, load, now, report_of, sound};
use bia_doctor::{Level, Report};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Answers on a port of its own as Bia would; ends with the test's process.
struct Imitation {
    port: u16,
}

/// Path prefix to status and body.
type Answers = Vec<(&'static str, u16, Value)>;

impl Imitation {
    fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answers = Arc::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                std::thread::spawn(move || answer(stream, &answers));
            }
        });
        Self { port }
    }
}

fn answer(mut stream: TcpStream, answers: &Answers) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let found = answers.iter().find(|(prefix, ..)| path.starts_with(prefix));
    let (status, body) = found.map_or((404, json!({})), |(_, status, body)| (*status, body.clone()));
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}

fn alive() -> (&'static str, u16, Value) {
    ("/health/alive", 200, json!({ "status": "ok" }))
}

async fn with(more: Value, case: Case) -> Report {
    let mut config = sound();
    lay_over(&mut config, more);
    report_of(&config, case).await
}

async fn admin(answers: Answers, fingerprint: Option<&str>) -> Report {
    let imitation = Imitation::start(answers);
    let case = Case { fingerprint: fingerprint.map(str::to_owned), ..Case::default() };
    with(json!({ "serve": { "admin": { "port": imitation.port } } }), case).await
}

#[tokio::test]
async fn a_server_that_runs_is_asked_whether_it_is_ready_which_version_and_which_configuration() {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let sound = || {
        vec![
            alive(),
            ("/admin/health/ready", 200, json!({ "status": "ok" })),
            ("/admin/version", 200, json!({ "version": version })),
            ("/admin/health/config", 200, json!("abc")),
        ]
    };
    let report = admin(sound(), Some("abc")).await;
    for code in ["not_ready", "other_version", "stale_configuration"] {
        assert!(!has(&report, code), "{}", report.to_text());
    }
    assert!(report.findings.iter().any(|f| f.code == "port" && f.what.contains("Bia is serving")));
    let mut answers = sound();
    answers[1] = ("/admin/health/ready", 503, json!({ "errors": { "migrations": "the database is not migrated" } }));
    assert!(find(&admin(answers, None).await, "not_ready").what.contains("not migrated"));
    let mut answers = sound();
    answers[2] = ("/admin/version", 200, json!({ "version": "v9.9.9" }));
    assert!(find(&admin(answers, None).await, "other_version").what.contains("v9.9.9"));
    assert_eq!(find(&admin(sound(), Some("def")).await, "stale_configuration").level, Level::Warning);
    assert!(!has(&admin(sound(), None).await, "stale_configuration"));
}

#[tokio::test]
async fn another_program_at_a_port_is_a_problem() {
    let report = admin(vec![("/", 200, json!("hello"))], None).await;
    assert!(report.findings.iter().any(|f| f.code == "port" && f.level == Level::Problem), "{}", report.to_text());
}

#[tokio::test]
async fn a_socket_needs_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let at =
        |name: &str| json!({ "serve": { "public": { "host": format!("unix:{}/{name}", folder.path().display()) } } });
    let fine = with(at("bia.sock"), Case::default()).await;
    assert!(!fine.findings.iter().any(|f| f.code == "port" && f.level == Level::Problem), "{}", fine.to_text());
    let missing = with(at("run/bia.sock"), Case::default()).await;
    assert!(missing.findings.iter().any(|f| f.code == "port" && f.what.contains("no folder")), "{}", missing.to_text());
}

/// The public address, asked while the public port answers. The provider is one that nobody asks.
async fn public(answers: Answers, base: impl FnOnce(u16) -> String) -> Report {
    let imitation = Imitation::start(answers);
    let gone = bia_testkit::ports::free_port();
    let mut config = sound();
    lay_over(
        &mut config,
        json!({ "serve": { "public": { "port": imitation.port, "base_url": base(imitation.port) } } }),
    );
    let provider = &mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0];
    lay_over(provider, json!({ "microsoft": { "authority_host": format!("http://127.0.0.1:{gone}") } }));
    load(&config);
    report_of(&config, Case { offline: false, now: now(), ..Case::default() }).await
}

fn here(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

#[tokio::test]
async fn k7_the_way_of_browsers_is_tried_while_bia_serves() {
    let flow = |url: &str| ("/self-service/login/api", 200, json!({ "request_url": url }));
    let port_of = |report: &Report| find(report, "forwarded").what.clone();
    let no_flow = public(vec![alive()], here).await;
    assert_eq!(find(&no_flow, "public_flow").level, Level::Warning, "{}", no_flow.to_text());
    let inner = public(vec![alive(), flow("http://bia:4433/self-service/login/api")], here).await;
    assert!(
        port_of(&inner).contains("bia:4433") && find(&inner, "forwarded").fix.contains("Host"),
        "{}",
        inner.to_text()
    );
    let other =
        public(vec![("/health/alive", 200, json!({ "status": "ok" }))], |_| "http://127.0.0.1:1/".to_owned()).await;
    assert_eq!(find(&other, "public_unreachable").level, Level::Warning);
    let somebody = Imitation::start(vec![("/", 502, json!({}))]).port;
    let broken = public(vec![alive()], |_| here(somebody)).await;
    assert!(find(&broken, "public_other").what.contains("does not reach Bia"), "{}", broken.to_text());
}

#[tokio::test]
async fn an_admin_api_at_the_public_address_is_the_worst_of_problems() {
    let open = public(vec![alive(), ("/admin/identities", 200, json!([]))], here).await;
    assert_eq!(find(&open, "admin_public").level, Level::Problem);
    let closed = public(vec![alive(), ("/admin/identities", 307, json!({}))], here).await;
    assert!(!has(&closed, "admin_public"), "{}", closed.to_text());
}

#[tokio::test]
async fn the_public_address_is_not_asked_before_the_start_nor_offline() {
    let mut config = sound();
    lay_over(&mut config, json!({ "serve": { "public": { "base_url": "http://127.0.0.1:1/" } } }));
    let before = report_of(&config, Case { offline: true, ..Case::default() }).await;
    assert!(!has(&before, "public_unreachable") && !has(&before, "public"));
}
