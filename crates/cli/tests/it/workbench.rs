//! The workbench as a person meets it: `bia mapper` beside a running server.

use crate::support::{Site, bia, browser, run};
use crate::{dev, support};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn g1_a_run_gives_what_a_sign_in_gives() {
    let folder = tempfile::tempdir().expect("folder");
    let running = dev::start(folder.path()).await;
    for (person, persona) in [
        ("alice", "member"),
        ("guest", "guest"),
        ("unicode", "unicode"),
        ("manyroles", "many-roles"),
        ("v1claims", "v1-claims"),
        ("onprem", "on-premises"),
    ] {
        let signed_in = identity_of(&running, person).await;
        let mapper = ".bia/mappers/microsoft.jsonnet";
        let (code, out, err) = run(bia(folder.path()).args(["mapper", "run", mapper, "--persona", persona, "--json"]));
        assert_eq!(code, 0, "{out}{err}");
        let identity = &json(&out)["identity"];
        for part in ["traits", "metadata_public", "metadata_admin"] {
            assert_eq!(identity[part], signed_in[part], "{part} of {person}");
        }
    }
    running.stop();
}

/// Signs that person of the stand-in in; the identity as the admin API has it.
async fn identity_of(running: &support::Running, person: &str) -> Value {
    let client = browser();
    dev::sign_in(&client, &running.public, "microsoft", person).await;
    let (status, session) = dev::json(&client, &format!("{}/sessions/whoami", running.public)).await;
    assert_eq!(status, 200, "{person}: {session}");
    let id = session["identity"]["id"].as_str().expect("an id");
    let identity = dev::json(&client, &format!("{}/admin/identities/{id}", running.admin)).await.1;
    // `bia dev` has a tenant that nobody else may have; the personas live in the one of the tests.
    json(&identity.to_string().replace("b1a00000-", "c0470500-"))
}

#[test]
fn g1_exit_codes_tell_a_failing_mapper_from_a_file_that_is_not_there() {
    let site = Site::new();
    site.write("bad.jsonnet", "{ identity: { traits: { email: std.extVar('claims').emial } } }");
    for (args, expected) in [
        (["mapper", "run", "microsoft.jsonnet", "--persona", "guest"], 0),
        (["mapper", "run", "bad.jsonnet", "--persona", "guest"], 1),
        (["mapper", "run", "absent.jsonnet", "--persona", "guest"], 2),
        (["mapper", "run", "microsoft.jsonnet", "--persona", "nobody"], 2),
        (["mapper", "run", "microsoft.jsonnet", "--claims", "absent.json"], 2),
    ] {
        assert_eq!(run(&mut site.command(&args)).0, expected, "{args:?}");
    }
}

#[test]
fn every_command_prints_one_json_document_when_asked_to() {
    let site = Site::new();
    site.write("bad.jsonnet", "{ identity: { traits: { email: std.extVar('claims').emial } } }");
    site.write("cut.jsonnet", "{ a: ");
    std::fs::create_dir(site.path("bad")).expect("folder");
    site.write("bad/guest.expected-error.txt", "emial");
    for (args, code) in [
        ("mapper run bad.jsonnet --persona guest --json", 1),
        ("mapper run bad.jsonnet --persona guest --raw --json", 1),
        ("mapper run microsoft.jsonnet --persona guest --raw --json", 0),
        ("mapper test bad --json", 0),
        ("mapper check bad.jsonnet cut.jsonnet --json", 1),
        ("mapper lint bad.jsonnet cut.jsonnet --json", 1),
        ("mapper fmt bad.jsonnet --json", 0),
        ("mapper personas --json", 0),
        ("lint jsonnet bad.jsonnet --json", 1),
        ("format jsonnet bad.jsonnet --json", 0),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let (found, out, err) = run(&mut site.command(&args));
        assert_eq!(found, code, "{args:?}: {out}{err}");
        json(&out);
        assert!(!out.contains('\u{1b}'), "colours in {args:?}");
    }
}

#[test]
fn what_cannot_be_used_is_a_json_document_too() {
    let site = Site::new();
    std::fs::create_dir(site.path("empty")).expect("folder");
    for args in [
        "mapper run absent.jsonnet --persona guest --json",
        "mapper run microsoft.jsonnet --persona nobody --raw --json",
        "mapper run microsoft.jsonnet --capture microsoft.jsonnet --json",
        "mapper run - --claims - --json",
        "mapper test empty --json",
        "mapper test absent --format json",
        "mapper check absent*.jsonnet --json",
        "mapper lint microsoft.jsonnet --schema absent.json --json",
        "mapper lint - - --json",
        "mapper fmt absent*.jsonnet --json",
        "format jsonnet - -w --json",
    ] {
        let (code, out, err) = run(&mut site.command(&args.split(' ').collect::<Vec<_>>()));
        assert_eq!(code, 2, "{args}: {out}{err}");
        let document = json(&out);
        assert_eq!((&document["ok"], &document["error"]["kind"]), (&false.into(), &"input".into()), "{args}: {out}");
        let message = document["error"]["message"].as_str().expect("a message");
        assert_eq!(err.trim_end(), format!("Error: {message}"), "{args}");
    }
}

#[test]
fn a_file_that_is_missing_keeps_no_other_file_back() {
    let site = Site::new();
    site.write("loose.jsonnet", "{a:1}");
    for command in ["check", "lint", "fmt"] {
        let args = ["mapper", command, "absent.jsonnet", "loose.jsonnet"];
        let (code, out, err) = run(site.command(&args).arg("--json"));
        assert_eq!(code, 2, "{command}: {out}{err}");
        let all = json(&out);
        assert_eq!(all[0]["error"]["kind"], "input", "{out}");
        assert_eq!(
            (&all[1]["file"], all[1].get("error").is_none_or(Value::is_null)),
            (&"loose.jsonnet".into(), true),
            "{out}"
        );
        let (code, _, err) = run(&mut site.command(&args));
        assert_eq!((code, err.matches("absent.jsonnet").count()), (2, 1), "{command}: {err}");
    }
    let (_, out, _) = run(&mut site.command(&["mapper", "fmt", "absent.jsonnet", "loose.jsonnet"]));
    assert_eq!(out, "{ a: 1 }\n");
}

#[test]
fn a_mapper_may_come_from_standard_input() {
    let site = Site::new();
    let misspelt = "{ identity: { traits: { email: std.extVar('claims').emial } } }";
    for (command, expected, said) in [
        ("mapper run - --persona guest", 1, "stdin.jsonnet:1:"),
        ("mapper check -", 0, ""),
        ("mapper lint -", 1, "stdin.jsonnet:1:"),
        ("lint jsonnet -", 1, "stdin.jsonnet:1:"),
        ("jsonnet lint -", 1, "stdin.jsonnet:1:"),
        ("mapper fmt -", 0, "emial"),
        ("format jsonnet -", 0, "emial"),
    ] {
        let (code, out, err) = run_on(&site, command, misspelt);
        assert_eq!(code, expected, "{command}: {out}{err}");
        let all = format!("{out}{err}");
        assert!(all.contains(said) && (said.is_empty() || all.contains("emial")), "{command}: {all}");
    }
    let (_, _, err) = run_on(&site, "mapper run - --persona guest", "{ traits: {} }");
    assert!(err.contains("did not return an object for key identity.traits"), "{err}");
    assert!(err.contains("\n  --> stdin.jsonnet\n"), "{err}");
    let (_, _, err) = run_on(&site, "mapper run - --claims -", "{}");
    assert!(err.contains("the mapper or the claims, not both"), "{err}");
}

/// As [`run`], with a text on standard input.
fn run_on(site: &Site, command: &str, text: &str) -> (i32, String, String) {
    site.write("stdin", text);
    let script = format!("exec {} {command} <stdin", env!("CARGO_BIN_EXE_bia"));
    run(std::process::Command::new("sh").args(["-c", &script]).current_dir(site.folder.path()))
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let site = Site::new();
    for command in
        ["mapper personas --json", "mapper fmt microsoft.jsonnet", "mapper run microsoft.jsonnet --persona many-roles"]
    {
        // The pipe's reader has gone before anything is written; the shell tells the exit code of the writer.
        let script = format!(
            "{{ sleep 0.1; {} {command}; echo $? >&3; }} 3>code 2>said | true; cat code said",
            env!("CARGO_BIN_EXE_bia")
        );
        let (_, out, _) = run(std::process::Command::new("sh").args(["-c", &script]).current_dir(site.folder.path()));
        assert_eq!(out.trim(), "0", "{command}");
    }
}

#[test]
fn g2_tap_and_junit_are_printed_and_a_failing_case_fails_the_command() {
    let site = Site::new();
    std::fs::create_dir(site.path("microsoft")).expect("folder");
    site.write("microsoft/guest.expected.json", "{}");
    let (code, out, _) =
        run(&mut site.command(&["mapper", "test", "microsoft", "--format", "tap", "--junit", "r.xml"]));
    assert_eq!(code, 1);
    assert!(out.starts_with("TAP version 13\n1..1\nnot ok 1 - "), "{out}");
    let xml = std::fs::read_to_string(site.path("r.xml")).expect("JUnit");
    assert!(xml.contains("failures=\"1\""), "{xml}");
    assert_eq!(run(&mut site.command(&["mapper", "test", "microsoft", "--update"])).0, 0);
    let (code, out, _) = run(&mut site.command(&["mapper", "test", "microsoft", "--format", "junit"]));
    assert_eq!(code, 0);
    assert!(out.contains("failures=\"0\""), "{out}");
}

#[test]
fn g4_the_unguarded_name_of_a_common_tutorial_and_traits_the_schema_lacks_are_found() {
    let site = Site::new();
    let tutorial = "local claims = { email_verified: false } + std.extVar('claims');
{
  identity: {
    traits: {
      [if 'email' in claims && claims.email_verified then 'email' else null]: claims.email,
      given_name: claims.given_name,
    },
  },
}
";
    site.write("tutorial.jsonnet", tutorial);
    let (code, out, _) =
        run(&mut site.command(&["mapper", "lint", "tutorial.jsonnet", "--schema", "person.schema.json"]));
    assert_eq!(code, 1);
    assert!(out.contains("tutorial.jsonnet:6:") && out.contains("not every token has `claims.given_name`"), "{out}");
    assert!(out.contains("the identity schema has no trait `given_name`"), "{out}");
}

#[test]
fn text_that_is_not_utf_8_is_refused_by_the_name_of_its_file() {
    let site = Site::new();
    std::fs::write(site.path("bytes.jsonnet"), [b'"', 0xff, 0xfe, b'"']).expect("written");
    std::fs::write(site.path("huge.jsonnet"), vec![b' '; 10 * 1024 * 1024]).expect("written");
    let (code, _, err) = run(&mut site.command(&["mapper", "run", "bytes.jsonnet", "--raw"]));
    assert_eq!(code, 2);
    assert!(err.contains("bytes.jsonnet"), "{err}");
    let (code, _, err) = run(&mut site.command(&["mapper", "run", "huge.jsonnet", "--raw"]));
    assert_eq!(code, 1);
    assert!(err.contains("is 10485760 bytes, more than the 1048576 that are allowed"), "{err}");
}

#[tokio::test]
async fn k1_the_link_of_an_administrator_works_once_and_ends_on_a_list_of_checks() {
    let folder = tempfile::tempdir().expect("folder");
    let running = dev::start(folder.path()).await;
    let endpoint = ["--endpoint", running.admin.as_str()];
    let (code, out, err) = run(bia(folder.path()).args(["mapper", "try", "microsoft"]).args(endpoint));
    assert_eq!(code, 0, "{out}{err}");
    let link = out.trim();
    assert!(
        link.starts_with(&format!("{}/ui/login?flow=", running.public)) && err.contains("one sign-in"),
        "{out}{err}"
    );

    let client = browser();
    let page = text(&client, link).await;
    assert_eq!(page.matches("name=\"provider\"").count(), 1, "one button: {page}");
    assert!(page.contains("This is a test: nobody is signed in by it"), "{page}");
    let (_, flow) = link.split_once("flow=").expect("a flow");
    let action = format!("{}/self-service/login?flow={flow}", running.public);
    let press = || client.send(client.post(&action).form(&[("provider", "microsoft")]));
    let authorize = press().await.expect("answer").headers()["location"].to_str().expect("text").to_owned();
    let callback = dev::location(&client, &format!("{authorize}&login_hint=alice")).await;
    assert_eq!(dev::location(&client, &callback).await, link);
    let page = text(&client, link).await;
    for part in
        ["It works", "alice@contoso.example", "The identity schema accepts the traits.", "it would be a registration"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let redacted = text(&client, &format!("{link}&redact=1")).await;
    assert!(redacted.contains("It works") && !redacted.contains("alice") && !redacted.contains("Adams"), "{redacted}");

    // Nobody was made, nobody else sees it, and it is used up.
    let (_, identities) = dev::json(&client, &format!("{}/admin/identities", running.admin)).await;
    assert_eq!(identities, serde_json::json!([]));
    assert_eq!(dev::json(&client, &format!("{}/sessions/whoami", running.public)).await.0, 401);
    let stranger = browser();
    assert!(!text(&stranger, link).await.contains("alice@"));
    assert!(press().await.expect("answer").headers()["location"].to_str().expect("text").contains("/error"));

    let (code, _, err) = run(bia(folder.path()).args(["mapper", "try", "nope"]).args(endpoint));
    assert!(code == 1 && err.contains("nope"), "{err}");
    let (_, out, _) = run(bia(folder.path()).args(["mapper", "try", "plain", "--json"]).args(endpoint));
    assert!(json(&out)["link"].as_str().is_some_and(|link| link.contains("/ui/login?flow=")), "{out}");
    running.stop();
}

async fn text(client: &support::Browser, url: &str) -> String {
    client.send(client.get(url)).await.expect("answer").text().await.expect("text")
}
