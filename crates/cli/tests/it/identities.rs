//! Identity commands against a running server.

use crate::support::{Running, Site, run};

fn client(site: &Site, running: &Running, args: &[&str]) -> (i32, String, String) {
    run(site.command(args).env("KRATOS_ADMIN_URL", &running.admin))
}

#[tokio::test]
async fn formats_and_flags_are_those_of_kratos_command_line() {
    let site = Site::new();
    let running = site.serve(&[]).await;
    let body = |email: &str, external: &str| {
        format!(r#"{{ "schema_id": "default", "traits": {{ "email": "{email}" }}, "external_id": "{external}" }}"#)
    };
    // One after the other is read as well as a list.
    site.write("two.jsonl", &format!("{}\n{}\n", body("a@b.example", "customer-1"), body("c@d.example", "customer-2")));
    let (code, out, err) = client(&site, &running, &["import", "identities", "two.jsonl", "--format", "json"]);
    assert_eq!((code, out.lines().count()), (0, 1), "{err}");
    let made: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let id = made[0]["id"].as_str().expect("id").to_owned();

    let external = ["get", "identity", "--external-id", "customer-1"];
    let (code, out, err) = client(&site, &running, &external);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ID\t") && out.contains(&id) && out.contains("EXTERNAL ID\t"), "{out}");
    let (_, out, _) = client(&site, &running, &[&external[..], &["--format", "jsonpointer=/traits/email"]].concat());
    assert_eq!(out, "\"a@b.example\"\n");
    let (_, out, _) = client(&site, &running, &[&external[..], &["-q"]].concat());
    assert_eq!(out.trim(), id);
    let (code, _, err) = client(&site, &running, &["get", "identity", &id, "--format", "xml"]);
    assert_eq!(code, 1);
    assert!(err.contains("jsonpointer"), "{err}");
    let (code, _, err) = client(&site, &running, &["get", "identity", &id, "-i", "password"]);
    assert_eq!(code, 1);
    assert!(err.contains("oidc"), "{err}");

    let (_, out, _) = client(&site, &running, &["list", "identities", "--consistency", "strong", "-q"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    let (code, out, _) = client(&site, &running, &["delete", "identity", &id, "--format", "json"]);
    assert_eq!((code, out), (0, format!("\"{id}\"\n")));
    let (code, _, err) = client(&site, &running, &["delete", "identity", &id]);
    assert_eq!(code, 1);
    assert!(err.contains("404"), "{err}");
}

#[tokio::test]
async fn identities_are_validated_imported_listed_shown_and_deleted() {
    let site = Site::new();
    let running = site.serve(&[]).await;
    let body = |email: &str| format!(r#"{{ "schema_id": "default", "traits": {{ "email": "{email}" }} }}"#);
    site.write("two.json", &format!("[{}, {}]", body("a@b.example"), body("c@d.example")));
    site.write("bad.json", &body("nonsense"));

    let (code, out, err) = client(&site, &running, &["validate", "identity", "two.json"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out, "All identity files are valid.\n");
    let (code, _, err) = client(&site, &running, &["validate", "identity", "bad.json"]);
    assert_eq!(code, 1);
    assert!(err.contains("bad.json[0]"), "{err}");
    site.write("typo.json", r#"{ "schema_id": "default", "trait": {} }"#);
    let (code, _, err) = client(&site, &running, &["validate", "identity", "typo.json"]);
    assert_eq!(code, 1);
    assert!(err.contains("unknown key `trait`"), "{err}");

    let (code, out, err) = client(&site, &running, &["import", "identities", "two.json", "-q"]);
    assert_eq!(code, 0, "{err}");
    let ids: Vec<String> = out.lines().map(str::to_owned).collect();
    assert_eq!(ids.len(), 2, "{out}");
    let (code, _, err) = client(&site, &running, &["import", "identities", "bad.json"]);
    assert_eq!(code, 1);
    assert!(err.contains("bad.json[0]") && err.contains("400"), "{err}");

    let (code, out, _) = client(&site, &running, &["list", "identities"]);
    assert_eq!(code, 0);
    assert!(out.contains("SCHEMA ID") && out.contains("a@b.example") && out.contains("NEXT PAGE TOKEN"), "{out}");
    let (_, out, _) = client(&site, &running, &["ls", "identities", "--format", "jsonpath=identities.#"]);
    assert_eq!(out.trim(), "2");
    let (_, out, _) =
        client(&site, &running, &["list", "identities", "--page-size", "1", "--format", "jsonpath=next_page_token"]);
    let token: String = serde_json::from_str(&out).expect("Kratos prints what a path leads to as JSON");
    let next = ["list", "identities", "--page-size", "1", "--page-token", &token, "-q"];
    let (_, second, _) = client(&site, &running, &next);
    assert!(ids.contains(&second.trim().to_owned()), "{second}");

    let (code, out, _) = client(&site, &running, &["get", "identity", &ids[0], "--format", "yaml"]);
    assert_eq!(code, 0);
    assert!(out.contains("email: a@b.example"), "{out}");
    let (code, _, err) = client(&site, &running, &["get", "identity", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(code, 1);
    assert!(err.contains("404"), "{err}");

    let (code, out, _) = client(&site, &running, &["delete", "identity", &ids[0], &ids[1]]);
    assert_eq!((code, out.lines().count()), (0, 3), "{out}");
    let (code, out, _) = client(&site, &running, &["remote", "status", "--json"]);
    assert_eq!(code, 0);
    assert!(out.contains("\"ready\": true"), "{out}");
    // The proxy of a container's environment is elsewhere, and the health check asks this machine.
    let mut behind_proxy = site.command(&["remote", "status", "-q", "-e", &running.admin]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        behind_proxy.env(name, "http://127.0.0.1:1");
    }
    assert_eq!(run(behind_proxy.env_remove("no_proxy").env_remove("NO_PROXY")).0, 0);
    let (_, out, _) = client(&site, &running, &["remote", "version", "--format", "jsonpath=version"]);
    assert!(out.starts_with("\"v"), "{out}");
    running.stop();
    let (code, _, err) = run(&mut site.command(&["list", "identities", "-e", "http://127.0.0.1:1"]));
    assert_eq!(code, 1);
    assert!(err.contains("127.0.0.1"), "{err}");
}
