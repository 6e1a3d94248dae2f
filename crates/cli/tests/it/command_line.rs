//! Commands that start nothing: texts and exit codes.

use crate::support::{Site, bia, root, run};

#[test]
fn help_names_every_command_with_exit_codes_and_examples() {
    let (code, out, _) = run(bia(&root()).arg("--help"));
    assert_eq!(code, 0);
    for word in
        ["serve", "dev", "migrate", "config", "mapper", "Exit codes", "bia config check", "SERVE_PUBLIC_BASE_URL"]
    {
        assert!(out.contains(word), "{word}: {out}");
    }
    let (code, out, _) = run(bia(&root()).args(["help", "serve"]));
    assert_eq!(code, 0);
    assert!(out.contains("--strict") && out.contains("Exit codes"), "{out}");
}

#[test]
fn wrong_usage_exits_with_1_and_says_what_fits() {
    let (code, out, err) = run(bia(&root()).arg("sevre"));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("serve"), "{err}");
}

#[test]
fn version_is_printed_for_people_and_programs() {
    let (code, out, _) = run(bia(&root()).arg("version"));
    assert_eq!(code, 0);
    assert!(out.contains(concat!("v", env!("CARGO_PKG_VERSION"))), "{out}");
    let (_, out, _) = run(bia(&root()).args(["version", "--json"]));
    assert!(out.contains("\"version\""), "{out}");
}

#[test]
fn config_check_is_content_with_a_good_file() {
    let site = Site::new();
    let (code, out, err) = run(&mut site.command(&["config", "check", "-c", "kratos.yml", "--dev"]));
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn config_check_fails_on_errors_and_on_advice_alike_and_makes_nothing() {
    let site = Site::new();
    site.edit("file://microsoft.jsonnet", "file://absent.jsonnet");
    let (code, out, _) = run(&mut site.command(&["config", "check", "-c", "kratos.yml"]));
    assert_eq!(code, 1);
    assert!(out.contains("absent.jsonnet") && out.contains("advice"), "{out}");
    site.edit("port:", "prot:");
    let (code, out, _) = run(&mut site.command(&["config", "check", "-c", "kratos.yml", "--json"]));
    assert_eq!(code, 1);
    let findings: Vec<serde_json::Value> = serde_json::from_str(&out).expect("JSON");
    assert!(findings.iter().all(|finding| finding["severity"] == "error"), "{out}");
    assert_eq!(findings[0]["location"]["file"], "kratos.yml");
    assert!(!site.path("bia.sqlite").exists());
}

#[test]
fn config_check_reports_a_schema_that_is_none() {
    let site = Site::new();
    site.write("person.schema.json", "{ \"type\": 5 }");
    let (code, out, _) = run(&mut site.command(&["config", "check", "-c", "kratos.yml"]));
    assert_eq!(code, 1);
    assert!(out.contains("identity.schemas"), "{out}");
}

#[test]
fn config_check_for_kratos_lists_what_kratos_refuses() {
    let site = Site::new();
    let (code, out, _) = run(&mut site.command(&["config", "check", "-c", "kratos.yml", "--for", "kratos"]));
    assert_eq!(code, 1);
    assert!(out.contains("providers.0.microsoft") && out.contains("Kratos refuses"), "{out}");
}

#[test]
fn config_schema_is_the_file_that_editors_read() {
    let (code, out, _) = run(bia(&root()).args(["config", "schema"]));
    assert_eq!(code, 0);
    let file = std::fs::read_to_string(root().join("config/config.schema.json")).expect("schema");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(json(&out), json(&file));
}

#[test]
fn linter_says_kratos_sentence_and_exits_with_1() {
    let site = Site::new();
    site.write("bad.jsonnet", "{ identity: { traits: { email: std.extVar('claims').email } } }");
    let (code, out, err) = run(&mut site.command(&["lint", "jsonnet", "*.jsonnet"]));
    assert_eq!((code, err.trim()), (1, "Linter found issues."));
    assert!(out.contains("bad.jsonnet:1:"), "{out}");
    let (code, _, _) =
        run(&mut site.command(&["jsonnet", "lint", "microsoft.jsonnet", "--schema", "person.schema.json"]));
    assert_eq!(code, 0);
}

#[test]
fn formatter_prints_checks_and_writes() {
    let site = Site::new();
    site.write("a.jsonnet", "{a:1,\nb :  2}\n");
    let (code, printed, _) = run(&mut site.command(&["format", "jsonnet", "a.jsonnet"]));
    assert_eq!(code, 0);
    assert_ne!(printed, "{a:1,\nb :  2}\n");
    assert_eq!(run(&mut site.command(&["mapper", "format", "--check", "a.jsonnet"])).0, 1);
    assert_eq!(run(&mut site.command(&["format", "jsonnet", "-w", "a.jsonnet"])).0, 0);
    assert_eq!(std::fs::read_to_string(site.path("a.jsonnet")).expect("file"), printed);
    assert_eq!(run(&mut site.command(&["mapper", "format", "--check", "a.jsonnet"])).0, 0);
    site.write("a.jsonnet", "{");
    let (code, _, err) = run(&mut site.command(&["format", "jsonnet", "-w", "a.jsonnet"]));
    assert_eq!(code, 1);
    assert!(err.contains("a.jsonnet:1:"), "{err}");
}

#[test]
fn mapper_run_prints_the_identity_or_what_is_wrong() {
    let site = Site::new();
    site.write("claims.json", r#"{ "email": "A@b.example", "raw_claims": {} }"#);
    let (code, out, _) = run(&mut site.command(&["mapper", "run", "microsoft.jsonnet", "--claims", "claims.json"]));
    assert_eq!(code, 0);
    assert!(out.contains("\"a@b.example\""), "{out}");
    site.write("claims.json", "{}");
    let (code, _, err) = run(&mut site.command(&["mapper", "run", "microsoft.jsonnet", "--claims", "claims.json"]));
    assert_eq!(code, 1);
    assert!(err.contains("raw_claims"), "{err}");
}

#[test]
fn mapper_test_fails_when_a_case_comes_out_otherwise() {
    let site = Site::new();
    std::fs::create_dir(site.path("microsoft")).expect("folder");
    site.write("microsoft/a.claims.json", r#"{ "raw_claims": {} }"#);
    site.write("microsoft/a.expected.json", r#"{ "identity": {} }"#);
    let (code, out, _) = run(&mut site.command(&["mapper", "test", "microsoft.jsonnet"]));
    assert_eq!(code, 1);
    assert!(out.contains("0 passed, 1 failed"), "{out}");
    assert_eq!(run(&mut site.command(&["mapper", "test", "microsoft.jsonnet", "--update"])).0, 0);
    assert_eq!(run(&mut site.command(&["mapper", "test", "microsoft.jsonnet"])).0, 0);
}

#[test]
fn client_commands_say_how_to_name_the_server() {
    let (code, _, err) = run(bia(&root()).args(["list", "identities"]));
    assert_eq!(code, 1);
    assert!(err.contains("KRATOS_ADMIN_URL"), "{err}");
}

#[test]
fn mapper_commands_tell_a_failure_from_something_that_can_not_be_used() {
    let site = Site::new();
    site.write("fails.jsonnet", "std.extVar('claims').nope");
    site.write("number.jsonnet", "1 + 1");
    site.write("broken.json", "{");
    for (args, code) in [
        (["mapper", "run", "fails.jsonnet", "--persona=guest"], 1),
        (["mapper", "run", "absent.jsonnet", "--persona=guest"], 2),
        (["mapper", "run", "fails.jsonnet", "--persona=nobody"], 2),
        (["mapper", "run", "fails.jsonnet", "broken.json"], 2),
        (["mapper", "run", "fails.jsonnet", "--no-such-flag"], 2),
        (["mapper", "run", "number.jsonnet", "--raw"], 0),
        (["mapper", "run", "fails.jsonnet", "--raw"], 1),
        (["mapper", "test", "fails.jsonnet", "--json"], 2),
        (["mapper", "lint", "absent.jsonnet", "--json"], 2),
        (["mapper", "fmt", "--check", "absent.jsonnet"], 2),
    ] {
        let (found, out, err) = run(&mut site.command(&args));
        assert_eq!(found, code, "{args:?}: {out}{err}");
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "no colours in a pipe: {args:?}");
    }
}

#[test]
fn mapper_run_gives_programs_one_json_document() {
    let site = Site::new();
    site.write("before.json", r#"{ "traits": { "email": "old@contoso.example" } }"#);
    let args = [
        "mapper",
        "run",
        "microsoft.jsonnet",
        "--persona=member",
        "--identity=before.json",
        "--schema=person.schema.json",
    ];
    let (code, out, _) = run(site.command(&args).arg("--json"));
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &report["ok"], &report["schema"]["valid"]), (0, &true.into(), &true.into()));
    assert_eq!(report["changes"][0]["kind"], "changed");
    let (_, people, _) = run(&mut site.command(&args));
    assert!(people.contains("accepts the traits") && people.contains("~ traits.email"), "{people}");
}

#[test]
fn mapper_test_speaks_junit_and_tap() {
    let site = Site::new();
    std::fs::create_dir(site.path("microsoft")).expect("folder");
    assert_eq!(run(&mut site.command(&["mapper", "test", "microsoft", "--personas", "--update"])).0, 0);
    let args = ["mapper", "test", "microsoft", "--format=tap", "--junit=out.xml"];
    let (code, tap, _) = run(&mut site.command(&args));
    assert_eq!(code, 0);
    assert!(tap.starts_with("TAP version 13\n1..12\n"), "{tap}");
    let xml = std::fs::read_to_string(site.path("out.xml")).expect("written");
    assert!(xml.contains("<testsuites tests=\"12\" failures=\"0\">"), "{xml}");
}
