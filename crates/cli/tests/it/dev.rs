//! `bia dev`: starts by itself, and a whole sign-in works against it.

use crate::support::{Browser, Running, bia, browser, free_port};
use reqwest::header::LOCATION;
use serde_json::Value;
use std::path::Path;

pub(crate) async fn start(folder: &Path) -> Running {
    let (public, admin) = (free_port(), free_port());
    let mut command = bia(folder);
    command.args([
        "dev",
        "--public-port",
        &public.to_string(),
        "--admin-port",
        &admin.to_string(),
        "--entra-port",
        "0",
    ]);
    // What is meant for something else must not matter here.
    command.env("DSN", "postgres://nobody@127.0.0.1:1/nothing");
    Running::start(command, folder, public, admin).await
}

pub(crate) async fn location(client: &Browser, url: &str) -> String {
    let answer = client.send(client.get(url)).await.expect("answer");
    let status = answer.status();
    let location = answer.headers().get(LOCATION).map(|value| value.to_str().expect("text").to_owned());
    location.unwrap_or_else(|| panic!("{url} answered {status} instead of leading on"))
}

pub(crate) async fn json(client: &Browser, url: &str) -> (u16, Value) {
    let request = client.get(url).header("accept", "application/json");
    let answer = client.send(request).await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// From the button to the page after signing in; gives where that was.
pub(crate) async fn sign_in(client: &Browser, public: &str, provider: &str, person: &str) -> String {
    let authorize = authorize_url(client, public, provider).await;
    let callback = location(client, &format!("{authorize}&login_hint={person}")).await;
    assert!(callback.starts_with(public), "{callback}");
    location(client, &callback).await
}

/// Where the button leads.
async fn authorize_url(client: &Browser, public: &str, provider: &str) -> String {
    let ui = location(client, &format!("{public}/self-service/login/browser")).await;
    let (_, flow_id) = ui.split_once("flow=").expect("flow id");
    let (status, flow) = json(client, &format!("{public}/self-service/login/flows?id={flow_id}")).await;
    assert_eq!(status, 200, "{flow}");
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    let csrf = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("csrf_token");
    let body = [("provider", provider), ("csrf_token", csrf["attributes"]["value"].as_str().expect("token"))];
    let action = flow["ui"]["action"].as_str().expect("action");
    let answer = client.send(client.post(action).form(&body)).await.expect("answer");
    answer.headers()[LOCATION].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn people_sign_in_with_both_providers_and_come_back_as_themselves() {
    let folder = tempfile::tempdir().expect("folder");
    let running = start(folder.path()).await;
    let public = running.public.clone();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let client = browser();
        let after = sign_in(&client, &public, "microsoft", "alice").await;
        assert_eq!(after, format!("{public}/ui/welcome"));
        let (status, session) = json(&client, &format!("{public}/sessions/whoami")).await;
        assert_eq!(status, 200, "{session}");
        assert_eq!(session["identity"]["traits"]["email"], "alice@contoso.example");
        assert_eq!(session["identity"]["verifiable_addresses"][0]["verified"], true);
        ids.push(session["identity"]["id"].clone());
    }
    assert_eq!(ids[0], ids[1], "the second sign-in made a second person");
    let client = browser();
    assert_eq!(sign_in(&client, &public, "plain", "unicode").await, format!("{public}/ui/welcome"));
    assert_eq!(json(&client, &format!("{public}/sessions/whoami")).await.0, 200);
    let (code, log) = running.stop();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains(&format!("    {public}/")), "{log}");
    assert!(log.contains("alice") && log.contains("mallory"), "{log}");
}

/// What a network that is unplugged would change: nothing, because everybody whom it speaks to is this machine.
#[tokio::test]
async fn a2_the_try_out_signs_in_without_ever_leaving_this_machine() {
    let folder = tempfile::tempdir().expect("folder");
    let running = start(folder.path()).await;
    for (provider, person) in [("microsoft", "alice"), ("plain", "unicode")] {
        let after = sign_in(&browser(), &running.public, provider, person).await;
        assert_eq!(after, format!("{}/ui/welcome", running.public));
    }
    let ends = ends_of(running.id());
    // Two ports and the stand-in's.
    assert!(ends.len() >= 3, "{ends:?}");
    let elsewhere: Vec<_> = ends.iter().filter(|end| !is_this_machine(end)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    running.stop();
}

/// Local addresses, as the kernel writes them, of every socket that a process has open.
fn ends_of(process: u32) -> Vec<String> {
    let of_process = |name: &str| format!("/proc/{process}/{name}");
    let files = std::fs::read_dir(of_process("fd")).expect("open files").flatten();
    let links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    let sockets: Vec<String> = links
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let tables = ["net/tcp", "net/tcp6", "net/udp", "net/udp6"];
    let texts = tables.map(|table| std::fs::read_to_string(of_process(table)).unwrap_or_default());
    let rows = texts.iter().flat_map(|text| text.lines().skip(1)).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let own = rows.filter(|row| row.get(9).is_some_and(|inode| sockets.iter().any(|socket| socket == inode)));
    own.map(|row| row[1].to_owned()).collect()
}

/// 127.0.0.0/8, also where it is written as IPv6.
fn is_this_machine(end: &str) -> bool {
    let address = end.split(':').next().unwrap_or_default();
    let v4 = match address.len() {
        32 => address.strip_prefix("0000000000000000FFFF0000"),
        _ => Some(address),
    };
    // The kernel writes the bytes in the machine's own order.
    v4.and_then(|v4| u32::from_str_radix(v4, 16).ok()).is_some_and(|v4| v4.to_ne_bytes()[0] == 127)
        || address == "00000000000000000000000001000000"
}

#[tokio::test]
async fn strangers_of_another_tenant_are_stopped_at_the_provider_as_at_entra() {
    let folder = tempfile::tempdir().expect("folder");
    let running = start(folder.path()).await;
    let client = browser();
    let authorize = authorize_url(&client, &running.public, "microsoft").await;
    let answer = client.send(client.get(format!("{authorize}&login_hint=bob"))).await.expect("answer");
    assert!(!answer.headers().contains_key(LOCATION), "{answer:?}");
    assert!(answer.text().await.expect("page").contains("AADSTS"));
    assert_eq!(json(&client, &format!("{}/sessions/whoami", running.public)).await.0, 401);
    running.stop();
}

#[tokio::test]
async fn everything_written_is_below_its_folder_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let running = start(folder.path()).await;
    sign_in(&browser(), &running.public, "microsoft", "alice").await;
    running.stop();
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).expect("folder").map(|entry| entry.expect("entry").file_name()).collect();
    names.sort();
    assert_eq!(names, [".bia", "server.log"]);
    let ignored = std::fs::read_to_string(folder.path().join(".bia/.gitignore")).expect("file");
    assert_eq!(ignored.trim(), "*");
    let running = start(folder.path()).await;
    let (_, identities) = json(&browser(), &format!("{}/admin/identities", running.admin)).await;
    assert_eq!(identities.as_array().map(Vec::len), Some(1), "{identities}");
    running.stop();
}

#[tokio::test]
async fn ports_that_are_taken_are_replaced_by_free_ones() {
    let folder = tempfile::tempdir().expect("folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let port = taken.local_addr().expect("address").port().to_string();
    let mut command = bia(folder.path());
    command.args(["dev", "--public-port", &port, "--admin-port", &port, "--entra-port", &port]);
    let log = folder.path().join("log");
    let mut child = command.stdout(std::fs::File::create(&log).expect("log")).spawn().expect("started");
    let url = loop {
        let text = std::fs::read_to_string(&log).expect("log");
        if let Some(line) = text.lines().find(|line| line.trim_start().starts_with("http://127.0.0.1:")) {
            break line.trim().to_owned();
        }
        assert!(child.try_wait().expect("child").is_none(), "it ended");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert!(!url.contains(&format!(":{port}/")), "{url}");
    let alive = url.replace("/ui/welcome", "/health/alive");
    let answer = browser().get(alive).send().await;
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(answer.expect("answer").status().as_u16(), 200);
}
