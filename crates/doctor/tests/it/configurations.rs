//! One mistake each.

use super::{Case, MAPPER, base64, find, has, lay_over, now, problems, report_of, sound, with_provider};
use bia_doctor::{Level, Report};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_sound_configuration_is_healthy_and_names_the_callback() {
    let report = report_of(&sound(), Case::default()).await;
    assert_eq!(problems(&report), Vec::<&str>::new(), "{}", report.to_text());
    assert!(report.is_healthy(true));
    let callback = find(&report, "callback");
    assert!(callback.what.contains("https://id.example.com/self-service/methods/oidc/callback/microsoft"));
    assert!(find(&report, "account_types").what.contains("AzureADMyOrg"));
    for code in ["loads", "schemas", "mapper", "cookies"] {
        assert_eq!(find(&report, code).level, Level::Good);
    }
    assert_eq!(find(&report, "database_new").level, Level::Note);
}

#[tokio::test]
async fn a24_the_report_advises_to_leave_implicit_grants_off() {
    let advice = report_of(&sound(), Case::default()).await;
    assert!(find(&advice, "account_types").fix.contains("both boxes under Implicit grant off"));
}

#[tokio::test]
async fn without_a_provider_that_is_on_nobody_can_sign_in() {
    assert_eq!(find(&with_provider(json!({ "enabled": false })).await, "no_providers").level, Level::Problem);
    assert!(!has(&report_of(&sound(), Case::default()).await, "no_providers"));
}

#[tokio::test]
async fn callbacks_that_entra_does_not_take_are_found() {
    for base in [
        "http://id.example.com/",
        "https://id.example.com/a(b)/",
        &format!("https://id.example.com/{}/", "x".repeat(250)),
    ] {
        let report = with(json!({ "serve": { "public": { "base_url": base } } })).await;
        assert!(has(&report, "callback_refused"), "{base}: {}", report.to_text());
    }
    for base in ["http://localhost:4433/", "http://127.0.0.1:4433/", "https://id.example.com/auth/"] {
        assert!(
            !has(&with(json!({ "serve": { "public": { "base_url": base } } })).await, "callback_refused"),
            "{base}"
        );
    }
}

#[tokio::test]
async fn object_ids_of_several_tenants_need_the_tenant_beside_them() {
    let open = |source: &str| json!({ "microsoft_tenant": "organizations", "subject_source": source });
    assert_eq!(find(&with_provider(open("oid")).await, "subject_without_tenant").level, Level::Warning);
    assert!(!has(&with_provider(open("tid_oid")).await, "subject_without_tenant"));
    assert!(!has(&with_provider(json!({ "subject_source": "oid" })).await, "subject_without_tenant"), "one tenant");
}

#[tokio::test]
async fn a_certificate_is_named_by_its_thumbprint_and_a_broken_one_is_a_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("client.pem");
    std::fs::write(&file, include_str!("../../../provider/tests/it/client.pem")).expect("write");
    let more = json!({ "client_secret": null, "client_secret_expires_at": null, "microsoft": { "client_certificate": { "file": file } } });
    let report = with_provider(more.clone()).await;
    assert_eq!(find(&report, "certificate").level, Level::Note, "{}", report.to_text());
    assert!(has(&report, "expiry") && !has(&report, "expiry_unknown"), "its end is in it: {}", report.to_text());
    std::fs::write(&file, "no certificate").expect("write");
    assert_eq!(find(&with_provider(more).await, "certificate").level, Level::Problem);
    assert!(!has(&with_provider(json!({})).await, "certificate"));
}

#[tokio::test]
async fn a_federated_token_has_to_be_current_and_for_entra() {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let more = json!({ "client_secret": null, "client_secret_expires_at": null, "microsoft": { "federated_token_file": file } });
    let later = now().secs() + 600;
    for (claims, level) in [
        (json!({ "aud": "api://AzureADTokenExchange", "exp": later }), Level::Good),
        (json!({ "aud": ["api://AzureADTokenExchange"], "exp": later }), Level::Good),
        (json!({ "aud": "api://other", "exp": later }), Level::Problem),
        (json!({ "aud": "api://AzureADTokenExchange", "exp": 1 }), Level::Problem),
    ] {
        let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        std::fs::write(&file, &token).expect("write");
        let report = with_provider(more.clone()).await;
        assert_eq!(find(&report, "federated_token").level, level, "{claims}");
        assert!(!report.to_json(false).to_string().contains(&token));
    }
    std::fs::write(&file, "no token").expect("write");
    assert_eq!(find(&with_provider(more).await, "federated_token").level, Level::Problem);
}

#[tokio::test]
async fn every_problem_says_where_why_and_what_to_do() {
    let report = with_provider(json!({ "scope": ["groups", "email"], "client_secret_expires_at": "2020-01-01" })).await;
    assert!(!report.is_healthy(false));
    for finding in report.findings.iter().filter(|f| f.level == Level::Problem) {
        assert!(finding.place.starts_with("kratos.json:"), "{finding:?}");
        assert!(!finding.why.is_empty() && !finding.fix.is_empty(), "{finding:?}");
    }
    let text = report.to_text();
    assert!(text.contains("PROBLEM") && text.contains("fix "), "{text}");
}

#[tokio::test]
async fn scopes_that_entra_refuses_or_that_do_too_little_are_found() {
    let cases = [
        (json!({ "scope": ["groups", "email"] }), "scope_groups"),
        (json!({ "scope": ["https://graph.microsoft.com/.default"] }), "scope_default"),
        (json!({ "microsoft": { "profile": ["jobTitle"] } }), "scope_user_read"),
        (json!({ "subject_source": "me" }), "scope_user_read"),
        (json!({ "scope": ["User.Read"], "microsoft": { "groups": { "format": "name" } } }), "scope_group_names"),
        (json!({ "scope": ["email"], "subject_source": "tid_oid" }), "scope_profile"),
        (json!({ "scope": ["profile"], "microsoft": { "email_verified_from": "xms_edov" } }), "scope_email"),
        (json!({ "scope": ["https://graph.microsoft.us/User.Read"] }), "scope_host"),
        (json!({ "recheck": "15m" }), "recheck_without_refresh"),
        (json!({ "scope": ["email", "email"] }), "scope_twice"),
    ];
    for (more, code) in cases {
        let report = with_provider(more.clone()).await;
        assert!(has(&report, code), "{more}: {}", report.to_text());
    }
    let report = with_provider(
        json!({ "scope": ["profile", "User.Read"], "microsoft": { "groups": {}, "profile": ["jobTitle"] } }),
    )
    .await;
    assert_eq!(problems(&report), Vec::<&str>::new(), "{}", report.to_text());
}

#[tokio::test]
async fn account_types_follow_the_tenant() {
    for (tenant, audience) in [
        ("common", "AzureADandPersonalMicrosoftAccount"),
        ("organizations", "AzureADMultipleOrgs"),
        ("consumers", "PersonalMicrosoftAccount"),
        ("contoso.com", "AzureADMyOrg"),
    ] {
        let report = with_provider(json!({ "microsoft_tenant": tenant })).await;
        assert!(find(&report, "account_types").what.contains(audience), "{tenant}");
    }
    assert!(has(&with_provider(json!({ "microsoft_tenant": "common" })).await, "open_to_all_tenants"));
    let denied = json!({ "microsoft_tenant": "consumers", "microsoft": { "personal_accounts": "deny" } });
    assert!(has(&with_provider(denied).await, "nobody_left"));
    let china = json!({ "microsoft_tenant": "common", "microsoft": { "cloud": "china" } });
    assert!(has(&with_provider(china).await, "personal_in_national_cloud"));
}

#[tokio::test]
async fn secrets_that_are_none_are_found_and_never_shown() {
    let id = "c0ffee00-0000-4000-8000-000000000001";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{id}\n")).expect("write");
    let unfilled = folder.path().join("unfilled");
    std::fs::write(&unfilled, "replace-me-with-the-value-of-hunter2\n").expect("write");
    let cases = [
        (json!({ "client_secret": id }), "secret_id"),
        (json!({ "client_secret": null, "client_secret_file": file }), "secret_file"),
        (json!({ "client_secret": null, "client_secret_file": folder.path().join("none") }), "secret_file"),
        (json!({ "client_secret": " hunter2hunter2" }), "secret_spaces"),
        (json!({ "client_secret": "${CLIENT_SECRET}" }), "secret_placeholder"),
        (json!({ "client_secrets": ["a~secret.of.an-app", "replace-me-with-hunter2"] }), "secret_placeholder"),
        (json!({ "client_secret": null, "client_secret_file": unfilled }), "secret_placeholder"),
        (json!({ "microsoft": { "federated_token_file": folder.path().join("none") } }), "several_credentials"),
    ];
    for (more, code) in cases {
        let report = with_provider(more.clone()).await;
        assert!(has(&report, code), "{more}: {}", report.to_text());
        let printed = format!("{}{}", report.to_text(), report.to_json(false));
        assert!(!printed.contains(id) && !printed.contains("hunter2"), "{printed}");
    }
}

#[tokio::test]
async fn a_secret_file_that_cannot_be_read_is_told_in_the_words_of_the_system() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, why) in
        [(folder.path().join("none"), "No such file or directory"), (folder.path().to_owned(), "it is no regular file")]
    {
        let report = with_provider(json!({ "client_secret": null, "client_secret_file": path })).await;
        let finding = find(&report, "secret_file");
        assert!(finding.what.contains(why) && finding.key.ends_with("client_secret_file"), "{finding:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_secret_is_counted_down() {
    let at = |days: u64| {
        // 2027-02-27 12:00 UTC, and the secret ends on the first of April.
        let from = bia_model::Timestamp::from_micros(1_803_729_600_000_000);
        from + Duration::from_secs(days * 24 * 60 * 60)
    };
    let mut config = sound();
    lay_over(
        &mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0],
        json!({ "client_secret_expires_at": "2027-04-01" }),
    );
    for (days, level) in
        [(0, Level::Good), (3, Level::Warning), (26, Level::Problem), (32, Level::Problem), (40, Level::Problem)]
    {
        let report = report_of(&config, Case { now: at(days), ..Case::default() }).await;
        assert_eq!(find(&report, "expiry").level, level, "after {days} days: {}", find(&report, "expiry").what);
    }
    let report = with_provider(json!({ "client_secret_expires_at": null })).await;
    assert_eq!(find(&report, "expiry_unknown").level, Level::Note);
    assert!(now() > at(0) - Duration::from_secs(400 * 24 * 60 * 60), "the clock of this machine is years off");
}

async fn with(more: serde_json::Value) -> Report {
    let mut config = sound();
    lay_over(&mut config, more);
    report_of(&config, Case::default()).await
}

#[tokio::test]
async fn cookies_that_browsers_drop_are_found() {
    let cases = [
        (json!({ "cookies": { "domain": "example.org" } }), "cookie_domain"),
        (json!({ "cookies": { "domain": "com" } }), "cookie_domain"),
        (json!({ "cookies": { "path": "/auth" } }), "cookie_path"),
        (json!({ "cookies": { "same_site": "None" } }), "same_site_none"),
        (json!({ "cookies": { "same_site": "Strict" } }), "same_site"),
        (
            json!({ "selfservice": { "flows": { "login": { "ui_url": "https://app.example.org/login" } } } }),
            "other_site",
        ),
    ];
    for (more, code) in cases {
        let report = with(more.clone()).await;
        assert!(has(&report, code), "{more}: {}", report.to_text());
    }
    let fits = with(json!({ "cookies": { "domain": "example.com" },
        "selfservice": { "flows": { "login": { "ui_url": "https://app.example.com/login" } } } }))
    .await;
    assert_eq!(problems(&fits), Vec::<&str>::new(), "{}", fits.to_text());
}

#[tokio::test]
async fn ports_and_proxies_are_looked_at() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    // The listener never answers; a deadline of the check's own ends the question whether it is Bia.
    let report = with(json!({ "serve": { "public": { "port": port } } })).await;
    assert!(find(&report, "port").level == Level::Problem, "{}", report.to_text());
    let cases = [
        (json!({ "serve": { "admin": { "host": "0.0.0.0" } } }), "admin_exposed"),
        (json!({ "serve": { "public": { "host": "0.0.0.0" } } }), "proxy_unknown"),
        (json!({ "bia": { "trusted_proxies": ["0.0.0.0/0"] } }), "everybody_is_a_proxy"),
        (
            json!({ "selfservice": { "flows": { "registration": { "after": { "oidc": { "hooks": [] } } } } } }),
            "no_session_hook",
        ),
    ];
    for (more, code) in cases {
        let report = with(more.clone()).await;
        assert!(has(&report, code), "{more}: {}", report.to_text());
    }
    let known = json!({ "serve": { "public": { "host": "0.0.0.0" } }, "bia": { "trusted_proxies": ["10.0.0.0/8"] } });
    assert!(!has(&with(known).await, "proxy_unknown"));
}

#[tokio::test]
async fn mappers_and_schemas_are_read_parsed_and_linted() {
    let broken = with_provider(json!({ "mapper_url": base64("{ identity: ") })).await;
    assert_eq!(find(&broken, "mapper_syntax").level, Level::Problem);
    let missing = with_provider(json!({ "mapper_url": "file:///does/not/exist.jsonnet" })).await;
    assert_eq!(find(&missing, "mapper_unreadable").level, Level::Problem);
    let unknown = with_provider(json!({ "mapper_url": base64(&MAPPER.replace("then 'email'", "then 'mail'")) })).await;
    assert!(has(&unknown, "mapper_lint"), "{}", unknown.to_text());
    let schema = with(json!({ "identity": { "schemas": [{ "id": "default", "url": base64("{") }] } })).await;
    assert_eq!(find(&schema, "identity_schema").level, Level::Problem);
}
