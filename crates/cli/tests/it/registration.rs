//! What `bia doctor` and `bia setup microsoft` say about an app registration, before anybody signs in.

use crate::init::init;
use crate::support::{Site, bia, root, run};
use serde_json::{Value, json};
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

const TENANT: &str = "microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490";

/// The exit code and the findings, without the network.
fn findings(site: &Site) -> (i32, Vec<Value>) {
    let (code, out, err) = run(&mut site.command(&["doctor", "-c", "kratos.yml", "--dev", "--offline", "--json"]));
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("no JSON: {out}{err}"));
    (code, report["findings"].as_array().expect("findings").clone())
}

fn setup(site: &Site, more: &[&str]) -> String {
    let (code, out, err) =
        run(&mut site.command(&[&["setup", "microsoft", "-c", "kratos.yml", "--dev"], more].concat()));
    assert_eq!(code, 0, "{err}");
    out
}

fn manifest(site: &Site) -> Value {
    serde_json::from_str(&setup(site, &["--format", "manifest"])).expect("JSON")
}

#[test]
fn a18_the_id_of_a_secret_in_place_of_its_value_is_named_and_not_shown() {
    let secret_id = "11112222-bbbb-3333-cccc-4444dddd5555";
    let site = Site::new();
    assert_eq!(findings(&site).0, 0, "a value is no problem");
    site.edit("not-a-real-secret-0123456789", secret_id);
    let (code, found) = findings(&site);
    assert_eq!(code, 1);
    let finding = found.iter().find(|finding| finding["code"] == "secret_id").expect("a finding");
    assert_eq!(finding["level"], "problem");
    assert!(finding["where"].as_str().is_some_and(|place| place.starts_with("kratos.yml:")), "{finding}");
    assert!(finding["what"].as_str().is_some_and(|what| what.contains("the id of a secret")), "{finding}");
    assert!(finding["fix"].as_str().is_some_and(|fix| fix.contains("`Value`")), "{finding}");
    assert!(!json!(found).to_string().contains(secret_id), "what stands there may be a secret after all");
}

#[test]
fn a19_the_account_types_of_the_tenant_are_named_by_doctor_and_setup() {
    for (tenant, audience) in [
        ("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "AzureADMyOrg"),
        ("organizations", "AzureADMultipleOrgs"),
        ("common", "AzureADandPersonalMicrosoftAccount"),
        ("consumers", "PersonalMicrosoftAccount"),
    ] {
        let site = Site::new();
        site.edit(TENANT, &format!("microsoft_tenant: {tenant}"));
        let (_, found) = findings(&site);
        let named: Vec<&str> = found
            .iter()
            .filter_map(|finding| finding["what"].as_str()?.split_once("signInAudience "))
            .map(|(_, audience)| audience)
            .collect();
        assert_eq!(named, [audience], "{tenant}");
        assert_eq!(manifest(&site)["signInAudience"], audience, "{tenant}");
    }
}

#[test]
fn a20_setup_prints_a_script_and_a_manifest_with_every_address_of_the_program() {
    let site = Site::new();
    site.edit(&format!("base_url: 'http://127.0.0.1:{}/'", site.public), "base_url: 'https://id.example.com/'");
    let manifest = manifest(&site);
    let below = |path: &str| json!(format!("https://id.example.com/self-service/methods/oidc/{path}"));
    let uris = manifest["web"]["redirectUris"].as_array().expect("addresses");
    for path in ["callback/microsoft", "admin-consent/microsoft"] {
        assert!(uris.contains(&below(path)), "{path}: {manifest}");
    }
    assert_eq!(manifest["web"]["logoutUrl"], below("logout/microsoft"));
    let script = setup(&site, &[]);
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
    let (_, rest) = script.split_once("<<'MANIFEST'\n").expect("the manifest in the script");
    let (patch, rest) = rest.split_once("\nMANIFEST\n").expect("its end");
    assert_eq!(serde_json::from_str::<Value>(patch).expect("JSON"), manifest, "one and the same");
    assert!(rest.contains("az rest --method PATCH"), "{script}");
    assert!(!script.contains("not-a-real-secret-0123456789"), "{script}");
}

#[test]
fn d5_a_secret_that_ends_in_five_days_is_a_problem_and_one_that_lasts_is_none() {
    let in_days = |days: i64| {
        let day = (OffsetDateTime::now_utc() + Duration::days(days)).date();
        day.format(format_description!("[year]-[month]-[day]")).expect("a day")
    };
    for (days, expected) in [(5, 1), (400, 0)] {
        let site = Site::new();
        let with_end = format!("{TENANT}\n            client_secret_expires_at: {}", in_days(days));
        site.edit(TENANT, &with_end);
        let (code, found) = findings(&site);
        assert_eq!(code, expected, "{days} days: {found:?}");
        let problem = found.iter().find(|finding| finding["code"] == "expiry" && finding["level"] == "problem");
        assert_eq!(problem.is_some(), expected == 1, "{days} days: {found:?}");
        let Some(problem) = problem else { continue };
        // One less when midnight passes during the test.
        let what = problem["what"].as_str().unwrap_or_default();
        assert!(what.contains("ends in 5 day") || what.contains("ends in 4 day"), "{problem}");
        assert!(problem["key"].as_str().is_some_and(|key| key.ends_with("client_secret_expires_at")), "{problem}");
        assert!(problem["fix"].as_str().is_some_and(|fix| fix.contains("client_secrets")), "{problem}");
    }
}

/// The optional claim that proves an address, and the one that holds it.
fn assert_proof(manifest: &Value) {
    let claims = manifest["optionalClaims"]["idToken"].as_array().expect("claims");
    for name in ["email", "xms_edov"] {
        assert!(claims.iter().any(|claim| claim["name"] == name), "{name}: {manifest}");
    }
}

#[test]
fn e7_every_format_asks_for_the_claim_by_which_the_mapper_of_init_verifies_addresses() {
    let folder = tempfile::tempdir().expect("folder");
    let (code, _, err) = init(folder.path(), &["--tenant", "contoso.com"]);
    assert_eq!(code, 0, "{err}");
    // As they are: nothing is set that would ask for the claim, and the mapper goes by it.
    for (folder, file) in [(folder.path(), "kratos.yml"), (&root(), "config/kratos.yml")] {
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
        assert!(!read(file).contains("email_verified_from: xms_edov"), "{file}");
        assert!(read("mappers/microsoft.jsonnet").contains("'xms_edov' in raw"), "{file}");
        let printed = |format: &str| {
            let args = ["setup", "microsoft", "--dev", "--format", format, "-c", file];
            let (code, out, err) = run(bia(folder).args(args));
            assert_eq!(code, 0, "{file}, {format}: {err}");
            out
        };
        assert_proof(&serde_json::from_str(&printed("manifest")).expect("JSON"));
        let script = printed("script");
        let (_, rest) = script.split_once("<<'MANIFEST'\n").expect("the manifest in the script");
        let (patch, notes) = rest.split_once("\nMANIFEST\n").expect("its end");
        assert_proof(&serde_json::from_str(patch).expect("JSON"));
        assert!(notes.contains("#   xms_edov     proves the address (shipped mappers"), "{script}");
        let terraform = printed("terraform");
        for name in ["email", "xms_edov"] {
            assert!(terraform.contains(&format!("id_token {{\n      name = \"{name}\"\n")), "{name}: {terraform}");
        }
    }
}

#[test]
fn e7_the_manifest_asks_for_the_claim_that_proves_addresses_and_accepts_no_mapped_ones() {
    let site = Site::new();
    let manifest = manifest(&site);
    assert_proof(&manifest);
    assert!(!manifest.to_string().contains("acceptMappedClaims"), "{manifest}");
    let script = setup(&site, &[]);
    assert!(script.contains("xms_edov"), "{script}");
    assert!(!script.contains("acceptMappedClaims"), "{script}");
}

#[test]
fn terraform_for_registrations_in_two_clouds_is_refused_until_one_is_picked() {
    let site = Site::new();
    let second = "          - id: gov
            provider: microsoft
            client_id: 11112222-aaaa-2222-bbbb-3333cccc4444
            client_secret: not-a-real-secret-either-0123456789
            microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490
            mapper_url: file://microsoft.jsonnet
";
    let cloud = "            microsoft: { cloud: usgov }\n";
    let terraform = ["setup", "microsoft", "-c", "kratos.yml", "--dev", "--format", "terraform"];
    site.write("kratos.yml", &format!("{}{second}", site.kratos_yml()));
    let both = setup(&site, &["--format", "terraform"]);
    assert_eq!(both.matches("resource \"azuread_application\"").count(), 2, "one cloud, one file: {both}");
    site.write("kratos.yml", &format!("{}{second}{cloud}", site.kratos_yml()));
    let (code, out, err) = run(&mut site.command(&terraform));
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("one cloud") && err.contains("pick one with --provider: microsoft, gov"), "{err}");
    for (provider, environment) in [("microsoft", "global"), ("gov", "usgovernmentl4")] {
        let text = setup(&site, &["--format", "terraform", "--provider", provider]);
        assert!(text.contains(&format!("environment = \"{environment}\"")), "{provider}: {text}");
    }
}
