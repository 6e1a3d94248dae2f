//! `bia doctor` and `bia setup microsoft`: exit codes, JSON, and that they change nothing.

use crate::support::{Site, browser, run};
use serde_json::{Value, json};

/// Without the network: the provider of the site does not exist.
fn doctor(site: &Site, more: &[&str]) -> (i32, String, String) {
    run(&mut site.command(&[&["doctor", "-c", "kratos.yml", "--dev", "--offline"], more].concat()))
}

#[test]
fn a_good_set_up_is_healthy_and_nothing_is_made() {
    let site = Site::new();
    let (code, out, err) = doctor(&site, &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("/self-service/methods/oidc/callback/"), "{out}");
    assert!(!site.path("bia.sqlite").exists(), "a doctor makes no database");
}

#[test]
fn problems_exit_with_1_and_wrong_usage_with_2() {
    let site = Site::new();
    site.edit("file://microsoft.jsonnet", "file://absent.jsonnet");
    let (code, out, _) = doctor(&site, &["--json"]);
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["healthy"], false);
    let findings = report["findings"].as_array().expect("findings");
    let mapper = findings.iter().find(|f| f["code"] == "mapper_unreadable").expect("the mapper");
    assert!(mapper["where"].as_str().is_some_and(|place| place.starts_with("kratos.yml:")), "{mapper}");
    assert!(mapper["fix"].is_string() && mapper["why"].is_string(), "{mapper}");
    let (code, _, _) = doctor(&site, &["--nonsense"]);
    assert_eq!(code, 2);
}

#[test]
fn a_file_that_does_not_load_is_told_as_problems() {
    let site = Site::new();
    site.edit("port:", "prot:");
    let (code, out, _) = doctor(&site, &[]);
    assert_eq!(code, 1);
    assert!(out.contains("PROBLEM") && out.contains("prot"), "{out}");
}

#[tokio::test]
async fn a_renamed_provider_is_told_at_start_and_refused_under_strict() {
    let site = Site::new();
    let running = site.serve(&["--dev"]).await;
    let browser = browser();
    let links = json!({ "providers": [{ "provider": "old-name", "subject": "somebody" }] });
    let body = json!({ "schema_id": "default", "traits": { "email": "ann@contoso.com" }, "credentials": { "oidc": { "config": links } } });
    let answer =
        browser.send(browser.post(format!("{}/admin/identities", running.admin)).json(&body)).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await.unwrap_or_default());
    let (code, out, _) = doctor(&site, &["--db"]);
    assert_eq!(code, 1);
    assert!(out.contains("aliases: [old-name]") && out.contains("Bia is serving port"), "{out}");
    running.stop();
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml", "--dev", "--strict"]));
    assert_eq!(code, 1);
    assert!(err.contains("renamed_provider") && err.contains("--strict"), "{err}");
}

#[test]
fn the_manifest_of_a_set_up_is_printed_without_a_secret() {
    let site = Site::new();
    let setup =
        |more: &[&str]| run(&mut site.command(&[&["setup", "microsoft", "-c", "kratos.yml", "--dev"], more].concat()));
    let (code, manifest, err) = setup(&["--format", "manifest"]);
    assert_eq!(code, 0, "{err}");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert!(manifest["web"]["redirectUris"].as_array().is_some_and(|uris| uris.len() >= 2), "{manifest}");
    let (code, script, _) = setup(&[]);
    assert_eq!(code, 0);
    assert!(script.starts_with("#!/bin/sh") && script.contains("az rest --method PATCH"), "{script}");
    let (code, link, _) = setup(&["--format", "consent", "--tenant", "fabrikam.com"]);
    assert_eq!(code, 0);
    assert!(link.contains("/fabrikam.com/v2.0/adminconsent?client_id="), "{link}");
    let (code, _, err) = setup(&["--provider", "nobody"]);
    assert_eq!(code, 1);
    assert!(err.contains("nobody"), "{err}");
}

#[tokio::test]
async fn a_running_server_counts_down_to_the_end_of_the_secret() {
    let site = Site::new();
    site.edit("scope: [profile, email]", "scope: [profile, email]\n            client_secret_expires_at: 2020-01-01");
    let running = site.serve(&["--dev"]).await;
    let browser = browser();
    let gauge = "bia_client_credential_days_left{provider=\"microsoft\",credential=\"secret\"} -";
    let give_up_at = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let answer =
            browser.send(browser.get(format!("{}/admin/metrics/prometheus", running.admin))).await.expect("an answer");
        let text = answer.text().await.expect("text");
        if text.contains(gauge) {
            break;
        }
        assert!(std::time::Instant::now() < give_up_at, "no gauge in {text}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(running.log().contains("the client credential has ended"), "{}", running.log());
    running.stop();
}
