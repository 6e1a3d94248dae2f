//! `bia init`: what it asks, what it writes, and that the rest of the program is content with it.

use crate::dev::{json, sign_in};
use crate::moving::{House, stand_in};
use crate::support::{bia, browser, run};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

const ID: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const SECRET: &str = "abc~def.ghi_0123456789-value-of-the-secret";

/// Runs it with the client secret on standard input.
pub(crate) fn init(folder: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = bia(folder);
    command.args(["init", "--client-id", ID, "--client-secret-stdin", "--yes"]).args(more);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    child.stdin.take().expect("input").write_all(SECRET.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("code"), text(output.stdout), text(output.stderr))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("folder")
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Everything that looks at a configuration without the network has nothing to say.
fn assert_fit(folder: &TempDir, dev: &[&str]) {
    for (args, words) in [
        (&["config", "check", "--strict", "-c", "kratos.yml"][..], true),
        (&["doctor", "--offline", "-c", "kratos.yml"][..], true),
        (&["mapper", "test", "mappers"][..], false),
        (&["lint", "jsonnet", "mappers/microsoft.jsonnet", "--schema", "identity.schema.json"][..], false),
    ] {
        let dev = if words { dev } else { &[] };
        let (code, out, err) = run(bia(folder.path()).args(args).args(dev));
        assert_eq!(code, 0, "{args:?}: {out}{err}");
    }
}

#[test]
fn what_was_written_passes_every_check() {
    for tenant in ["contoso.com", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "organizations", "common", "consumers"] {
        let folder = folder();
        let (code, out, err) = init(folder.path(), &["--tenant", tenant]);
        assert_eq!(code, 0, "{tenant}: {err}");
        assert!(out.contains("http://localhost:4433/self-service/methods/oidc/callback/microsoft"), "{out}");
        assert!(!out.contains(SECRET) && !err.contains(SECRET) && !read(&folder, "kratos.yml").contains(SECRET));
        assert_fit(&folder, &["--dev"]);
    }
    for proxy in ["none", "nginx", "caddy", "haproxy", "traefik"] {
        let folder = folder();
        let more = ["--tenant", "contoso.com", "--public-url", "https://id.contoso.com", "--proxy", proxy];
        let (code, out, err) = init(folder.path(), &[&more[..], &["--database", "postgres://u:p%20w@db/bia"]].concat());
        assert_eq!(code, 0, "{proxy}: {err}");
        assert!(!out.contains("--dev"), "{out}");
        let (code, out, err) = run(bia(folder.path()).args(["config", "check", "--strict", "-c", "kratos.yml"]));
        assert_eq!(code, 0, "{proxy}: {out}{err}");
    }
}

#[test]
fn secrets_are_readable_by_their_owner_alone_and_differ_each_time() {
    let (first, second) = (folder(), folder());
    for folder in [&first, &second] {
        assert_eq!(init(folder.path(), &["--tenant", "contoso.com"]).0, 0);
        for name in ["kratos.yml", "secrets/microsoft"] {
            let mode = std::fs::metadata(folder.path().join(name)).expect(name).permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(read(folder, "secrets/microsoft").trim(), SECRET);
        let ignored = read(folder, ".gitignore");
        assert!(ignored.contains("/kratos.yml") && ignored.contains("/secrets/"), "{ignored}");
    }
    let secrets = |folder: &TempDir| {
        let value: serde_yaml::Value = serde_yaml::from_str(&read(folder, "kratos.yml")).expect("YAML");
        ["default", "cookie", "cipher"].map(|name| value["secrets"][name][0].as_str().expect("secret").to_owned())
    };
    let (first, second) = (secrets(&first), secrets(&second));
    assert_eq!((first[0].len(), first[2].len()), (64, 32));
    assert!(first.iter().zip(&second).all(|(one, other)| one != other) && first[0] != first[1]);
}

#[test]
fn nothing_is_overwritten_unless_forced_and_then_secrets_stay() {
    let folder = folder();
    assert_eq!(init(folder.path(), &["--tenant", "contoso.com"]).0, 0);
    let before = read(&folder, "kratos.yml");
    std::fs::write(folder.path().join(".gitignore"), "mine").expect("written");
    let (code, _, err) = init(folder.path(), &["--tenant", "fabrikam.com"]);
    assert_eq!(code, 1);
    for name in ["kratos.yml", "identity.schema.json", "mappers/microsoft.jsonnet", "secrets/microsoft", "--force"] {
        assert!(err.contains(name), "{name}: {err}");
    }
    assert_eq!(read(&folder, "kratos.yml"), before);
    let (code, _, err) = init(folder.path(), &["--tenant", "fabrikam.com", "--force"]);
    assert_eq!(code, 0, "{err}");
    let after = read(&folder, "kratos.yml");
    assert!(after.contains("fabrikam.com"), "{after}");
    let secrets = |text: &str| text[text.find("\nsecrets:").expect("secrets")..].to_owned();
    assert_eq!(secrets(&after), secrets(&before));
    assert_eq!(read(&folder, ".gitignore"), "mine");
}

#[test]
fn a_forced_file_falls_back_to_the_same_secrets_as_the_one_before_it() {
    const ONE: &str = "dsn: sqlite://bia.sqlite\nsecrets: { default: [a-default-secret-of-mine] }\n";
    const NONE: &str = "dsn: sqlite://bia.sqlite\n";
    const LATER: &str = "secrets: { pagination: [a-pagination-secret-of-mine], cookie: null }\n";
    for (earlier, beside, expected) in [
        (ONE, "another-secret-beside-it\n", serde_json::json!({ "default": ["a-default-secret-of-mine"] })),
        (NONE, "# kept\nthe-secret-beside-it\n", serde_json::json!({ "default": ["the-secret-beside-it"] })),
        (NONE, "", serde_json::Value::Null),
        (LATER, "", serde_json::json!({ "pagination": ["a-pagination-secret-of-mine"] })),
    ] {
        let folder = folder();
        std::fs::write(folder.path().join("kratos.yml"), earlier).expect("written");
        if !beside.is_empty() {
            std::fs::write(folder.path().join("bia.sqlite.secrets"), beside).expect("written");
        }
        let (code, _, err) = init(folder.path(), &["--tenant", "contoso.com", "--force"]);
        assert_eq!(code, 0, "{err}");
        let after: serde_json::Value = serde_yaml::from_str(&read(&folder, "kratos.yml")).expect("YAML");
        assert_eq!(after["secrets"], expected, "{earlier}");
    }
}

#[test]
fn a_file_that_can_not_be_understood_is_not_overwritten_for_its_secrets() {
    for text in
        ["secrets:\n  default: [a-default-secret-of-mine\n", "secrets: { cipher: 5 }\n", "secrets: [x]\n", "text\n"]
    {
        let folder = folder();
        std::fs::write(folder.path().join("kratos.yml"), text).expect("written");
        let (code, _, err) = init(folder.path(), &["--tenant", "contoso.com", "--force"]);
        assert_eq!(code, 1, "{text}");
        assert!(err.contains("kratos.yml can't be read") && err.contains("move it away"), "{err}");
        assert!(!err.contains("secret-of-mine"), "{err}");
        assert_eq!(read(&folder, "kratos.yml"), text);
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1);
    }
}

#[test]
fn a_link_in_place_of_a_file_leads_nowhere_else() {
    let folder = folder();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "# untouched").expect("written");
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("kratos.yml")).expect("link");
    assert_eq!(init(folder.path(), &["--tenant", "contoso.com"]).0, 1);
    assert_eq!(init(folder.path(), &["--tenant", "contoso.com", "--force"]).0, 0);
    assert_eq!(read(&folder, "elsewhere"), "# untouched");
}

#[test]
fn a_pipe_without_flags_is_told_what_to_give() {
    let folder = folder();
    let (code, out, err) = run(bia(folder.path()).arg("init"));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("--tenant and --client-id"), "{err}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0);
}

#[test]
fn a_wrong_answer_writes_nothing() {
    for (more, word) in [
        (&["--tenant", "contoso"][..], "verified domain"),
        (&["--tenant", "common", "--public-url", "id.example.com"][..], "URL"),
        (&["--tenant", "common", "--database", "mysql://u@h/d"][..], "postgres://"),
        (&["--tenant", "common", "--proxy", "apache"][..], "nginx"),
        (&["--tenant", "common", "--proxy", "nginx"][..], "give --public-url"),
        (
            &["--tenant", "common", "--proxy", "caddy", "--public-url", "http://localhost:4433"][..],
            "begins with https://",
        ),
        (&["--tenant", "common", "--proxy", "caddy", "--public-url", "https://id.example.com:4433"][..], "proxy's own"),
        (
            &["--tenant", "common", "--proxy", "haproxy", "--public-url", "https://id.example.com:4434"][..],
            "proxy's own",
        ),
    ] {
        let folder = folder();
        let (code, _, err) = init(folder.path(), more);
        assert_eq!(code, 1, "{more:?}");
        assert!(err.contains(word), "{more:?}: {err}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0);
    }
}

#[test]
fn a_snippet_has_the_names_of_the_proxy_and_of_the_application() {
    for application in ["app.example.com:3000", "10.0.0.5:8080"] {
        let folder = folder();
        let more = ["--tenant", "contoso.com", "--public-url", "https://id.contoso.com:8443", "--proxy", "nginx"];
        let (code, _, err) = init(folder.path(), &[&more[..], &["--application", application]].concat());
        assert_eq!(code, 0, "{err}");
        let snippet = read(&folder, "proxy/nginx.conf");
        for line in ["server_name id.contoso.com;", "listen 8443 ssl", "server 127.0.0.1:4433;"] {
            assert!(snippet.contains(line), "{line}: {snippet}");
        }
        assert!(snippet.contains(&format!("    server {application};")), "{snippet}");
    }
}

#[test]
fn the_editor_finds_the_schema_that_the_file_names() {
    let folder = folder();
    assert_eq!(init(folder.path(), &["--tenant", "contoso.com"]).0, 0);
    assert!(read(&folder, "kratos.yml").starts_with("# yaml-language-server: $schema=./config.schema.json\n"));
    let schema: serde_json::Value = serde_json::from_str(&read(&folder, "config.schema.json")).expect("JSON");
    assert!(schema["properties"]["selfservice"].is_object());
}

#[test]
fn questions_at_a_terminal_are_answered_by_typing() {
    let folder = folder();
    // `script` is a terminal; the program inside it sees one on every side.
    let program = format!("{} init --client-secret-file the-secret", env!("CARGO_BIN_EXE_bia"));
    let mut child = std::process::Command::new("script")
        .args(["-qec", &program, "/dev/null"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of bsdutils");
    let typed = format!("contoso\ncontoso.com\n{ID}\n\nnginx\nhttp://localhost:4433\nhttps://id.contoso.com\n");
    child.stdin.take().expect("input").write_all(typed.as_bytes()).expect("typed");
    let output = child.wait_with_output().expect("ended");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    for words in ["verified domain", "a port of the proxy's own", "wrote"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(read(&folder, "kratos.yml").contains("https://id.contoso.com/"));
    assert!(read(&folder, "kratos.yml").contains("client_secret_file: the-secret"));
    assert!(read(&folder, "proxy/nginx.conf").contains("id.contoso.com"));
}

#[tokio::test]
async fn what_was_written_signs_people_in() {
    let entra = stand_in().await;
    let house = House::new(&entra);
    let running = house.serve().await;
    let client = browser();
    let after = sign_in(&client, &running.public, "microsoft", "alice").await;
    assert_eq!(after, format!("{}/ui/welcome", running.public));
    let (status, session) = json(&client, &format!("{}/sessions/whoami", running.public)).await;
    assert_eq!((status, &session["identity"]["traits"]["email"]), (200, &"alice@contoso.example".into()));
    let (code, log) = running.stop();
    assert_eq!(code, 0, "{log}");
}
