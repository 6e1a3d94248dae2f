//! Moving between servers that really run: what arrives is the same, and people sign in as themselves.

use crate::dev::{json, sign_in};
use crate::support::{Running, bia, browser, free_port, run};
use bia_fake_entra::{CONTOSO_TENANT_ID, FakeEntra, Options, TEST_CLIENT_ID, TEST_CLIENT_SECRET};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use tempfile::TempDir;

pub(crate) async fn stand_in() -> FakeEntra {
    bia_fake_entra::start(Options::default()).await.expect("the stand-in")
}

/// A folder that `bia init` made, with the stand-in as Microsoft.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    public: u16,
    admin: u16,
}

impl House {
    pub(crate) fn new(entra: &FakeEntra) -> Self {
        let house = Self { folder: tempfile::tempdir().expect("folder"), public: free_port(), admin: free_port() };
        std::fs::write(house.folder.path().join("the-secret"), TEST_CLIENT_SECRET).expect("written");
        let url = format!("http://127.0.0.1:{}", house.public);
        let mut init = house.command(&["init", "--yes", "--client-secret-file", "the-secret"]);
        init.args(["--tenant", CONTOSO_TENANT_ID, "--client-id", TEST_CLIENT_ID, "--public-url", &url]);
        let (code, _, err) = run(init.args(["--authority-host", entra.base_url()]));
        assert_eq!(code, 0, "{err}");
        house
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bia(self.folder.path());
        command.args(args).env("SERVE_ADMIN_PORT", self.admin.to_string());
        command
    }

    pub(crate) async fn serve(&self) -> Running {
        let command = self.command(&["serve", "-c", "kratos.yml", "--dev"]);
        Running::start(command, self.folder.path(), self.public, self.admin).await
    }

    /// Runs a command that has to succeed; what it printed.
    fn run(&self, args: &[&str]) -> String {
        let (code, out, err) = run(&mut self.command(args));
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out
    }
}

/// Signs in and says who somebody is.
async fn who(running: &Running, person: &str) -> Value {
    let client = browser();
    assert_eq!(sign_in(&client, &running.public, "microsoft", person).await, format!("{}/ui/welcome", running.public));
    let (status, session) = json(&client, &format!("{}/sessions/whoami", running.public)).await;
    assert_eq!(status, 200, "{session}");
    session["identity"].clone()
}

/// Everybody, without what a move leaves behind: tokens, and where the schema is served.
async fn everybody(running: &Running) -> Vec<Value> {
    let url = format!("{}/admin/identities?include_credential=oidc", running.admin);
    let (_, mut list) = json(&browser(), &url).await;
    for person in list.as_array_mut().expect("a list") {
        person["schema_url"] = Value::Null;
        for link in person["credentials"]["oidc"]["config"]["providers"].as_array_mut().expect("links") {
            for token in ["initial_access_token", "initial_id_token", "initial_refresh_token"] {
                link[token] = Value::Null;
            }
        }
    }
    list.as_array().cloned().expect("a list")
}

#[tokio::test]
async fn people_move_from_a_kratos_and_sign_in_as_themselves() {
    let entra = stand_in().await;
    let (old, new) = (House::new(&entra), House::new(&entra));
    let there = old.serve().await;
    let before = [who(&there, "alice").await, who(&there, "unicode").await];

    let import = ["import", "kratos", "--admin-url", &there.admin, "-c", "kratos.yml", "--page-size", "1"];
    let out = new.run(&[&import[..], &["--dry-run"]].concat());
    assert!(out.contains("Nothing was kept") && out.contains("2 created"), "{out}");
    assert!(!new.folder.path().join("bia.sqlite").exists());
    let out = new.run(&import);
    assert!(out.contains("2 created") && out.contains("2 link(s) to `microsoft`"), "{out}");
    assert!(out.contains("Everybody signs in once more") && !out.contains("contoso"), "{out}");

    let here = new.serve().await;
    assert_eq!(everybody(&here).await, everybody(&there).await);
    for (person, before) in ["alice", "unicode"].into_iter().zip(&before) {
        let after = who(&here, person).await;
        assert_eq!((&after["id"], &after["traits"]), (&before["id"], &before["traits"]));
    }
    // While both run, too: somebody who came later is brought along.
    who(&there, "noemail").await;
    let report: Value = serde_json::from_str(&new.run(&[&import[..], &["--json"]].concat())).expect("JSON");
    assert_eq!((&report["seen"], &report["created"]), (&3.into(), &1.into()), "{report}");
    assert_eq!(everybody(&here).await.len(), 3);
}

#[tokio::test]
async fn a_bar_shows_how_far_a_move_is_on_a_terminal_and_nowhere_else() {
    let entra = stand_in().await;
    let (old, new) = (House::new(&entra), House::new(&entra));
    let there = old.serve().await;
    who(&there, "alice").await;
    who(&there, "unicode").await;
    let import = ["import", "kratos", "--admin-url", &there.admin, "-c", "kratos.yml", "--page-size", "1", "--dry-run"];
    let plain = new.command(&import).output().expect("started");
    assert!(plain.status.success() && plain.stderr.is_empty(), "{}", String::from_utf8_lossy(&plain.stderr));
    // `script` is a terminal; the program inside it sees one on every side.
    let typed = format!("{} {}", env!("CARGO_BIN_EXE_bia"), import.join(" "));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &typed, "/dev/null"]).current_dir(new.folder.path()).env("TERM", "xterm");
    let shown = terminal.stdin(std::process::Stdio::null()).output().expect("script, of bsdutils");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("of 2 people"), "{text}");
    // It is gone in the end, and what was found out stays.
    assert!(text.contains("2 created"), "{text}");
}

#[tokio::test]
async fn an_export_is_imported_and_people_sign_in_by_the_same_links() {
    let entra = stand_in().await;
    let (old, new) = (House::new(&entra), House::new(&entra));
    let there = old.serve().await;
    let before = who(&there, "alice").await;
    let here = new.serve().await;

    old.run(&["export", "-c", "kratos.yml", "-o", "people.json", "--keep-ids"]);
    let file = old.folder.path().join("people.json");
    assert_eq!(std::fs::metadata(&file).expect("file").permissions().mode() & 0o777, 0o600);
    let (code, _, err) = run(&mut old.command(&["export", "-c", "kratos.yml", "-o", "people.json"]));
    assert_eq!(code, 1);
    assert!(err.contains("--force"), "{err}");
    let text = file.to_str().expect("text");
    let out = new.run(&["validate", "identity", text, "-e", &here.admin]);
    assert_eq!(out, "All identity files are valid.\n");
    new.run(&["import", "identities", text, "-e", &here.admin]);

    let after = who(&here, "alice").await;
    assert_eq!((&after["traits"], &after["external_id"]), (&before["traits"], &before["id"]));
    assert_eq!(after["verifiable_addresses"][0]["verified"], before["verifiable_addresses"][0]["verified"]);
    assert_eq!(everybody(&here).await.len(), 1, "the link was used, nobody was made anew");

    let lines = old.run(&["export", "-c", "kratos.yml", "--format", "lines"]);
    let line: Value = serde_json::from_str(lines.trim()).expect("JSON");
    assert!(line.get("external_id").is_none());
    let batch: Value =
        serde_json::from_str(&old.run(&["export", "-c", "kratos.yml", "--format", "batches"])).expect("JSON");
    assert_eq!((&batch["identities"][0]["create"], &batch["identities"][0]["patch_id"]), (&line, &before["id"]));
}

#[tokio::test]
async fn people_are_sent_into_a_running_server_once() {
    let entra = stand_in().await;
    let (old, new) = (House::new(&entra), House::new(&entra));
    let there = old.serve().await;
    let before = who(&there, "alice").await;
    who(&there, "unicode").await;
    let here = new.serve().await;

    let send = ["export", "-c", "kratos.yml", "--to-admin-url", &here.admin, "--id-map", "ids.jsonl"];
    let out = old.run(&send);
    assert!(out.contains("2 created, 0 there already, 0 failed"), "{out}");
    let map = std::fs::read_to_string(old.folder.path().join("ids.jsonl")).expect("file");
    let ids: Vec<Value> = map.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let after = who(&here, "alice").await;
    let mapped = ids.iter().find(|pair| pair["old"] == before["id"]).expect("alice");
    assert_eq!(mapped["new"], after["id"]);
    let out = old.run(&send);
    assert!(out.contains("0 created, 2 there already, 0 failed"), "{out}");
    assert_eq!(everybody(&here).await.len(), 2);
}

// The stand-in answers while the program is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_from_nowhere_says_why_and_makes_no_cursor() {
    let entra = stand_in().await;
    let house = House::new(&entra);
    for (url, word) in [
        ("http://127.0.0.1:1", "127.0.0.1:1"),
        ("nonsense", "no URL"),
        (&format!("{}/common", entra.base_url()), "admin port"),
    ] {
        let args = ["import", "kratos", "--admin-url", url, "-c", "kratos.yml", "--attempts", "1"];
        let (code, _, err) = run(&mut house.command(&args));
        assert_eq!(code, 1);
        assert!(err.contains(word), "{url}: {err}");
    }
    assert!(!house.folder.path().join("bia-import.cursor").exists());
}

#[tokio::test]
async fn headers_for_a_proxy_come_from_a_file_and_are_never_shown() {
    let entra = stand_in().await;
    let house = House::new(&entra);
    std::fs::write(house.folder.path().join("headers"), "Authorization: Bearer hidden\nno header\n").expect("written");
    let args =
        ["import", "kratos", "--admin-url", "http://127.0.0.1:1", "-c", "kratos.yml", "--header-file", "headers"];
    let (code, out, err) = run(&mut house.command(&args));
    assert_eq!(code, 1);
    assert!(err.contains("headers:2") && !err.contains("hidden") && !out.contains("hidden"), "{err}");
}
