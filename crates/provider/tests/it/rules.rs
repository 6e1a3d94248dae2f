//! Pure rules of the authorization request: parameters and callback addresses.

use crate::support::{World, now, public_url, query};
use bia_config::OidcProvider;
use bia_provider::{AuthorizeRequest, redirect_uri};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn entry(more: Value) -> OidcProvider {
    let mut entry = json!({ "id": "ms", "provider": "microsoft", "client_id": "c", "mapper_url": "file://none" });
    crate::support::lay_over(&mut entry, more);
    serde_json::from_value(entry).unwrap()
}

#[test]
fn the_callback_follows_kratos_rule() {
    let base = url::Url::parse("https://id.contoso.com/auth/?x=1").unwrap();
    let cases = [
        (json!({}), "https://id.contoso.com/auth/self-service/methods/oidc/callback/ms"),
        (json!({ "pkce": "force" }), "https://id.contoso.com/auth/self-service/methods/oidc/callback"),
        (
            json!({ "organization_id": "org" }),
            "https://id.contoso.com/auth/self-service/methods/oidc/organization/org/callback/ms",
        ),
        (
            json!({ "organization_id": "org", "pkce": "force" }),
            "https://id.contoso.com/auth/self-service/methods/oidc/callback",
        ),
    ];
    for (more, expected) in cases {
        assert_eq!(redirect_uri(&entry(more), &base), expected);
    }
    assert!(redirect_uri(&entry(json!({})), &public_url()).starts_with("http://127.0.0.1:4433/self-service/"));
}

#[tokio::test]
async fn a_client_passes_kratos_four_and_the_listed_hints_alone() {
    let world = World::new().await;
    let provider = world.microsoft(json!({
        "allowed_hints": ["login_hint", "client_id"],
        "upstream_parameters": { "domain_hint": "contoso.com", "prompt": "select_account", "redirect_uri": "https://evil.example" },
    }));
    let sent: BTreeMap<String, String> = [
        ("prompt", "consent"),
        ("hd", "h"),
        ("auth_type", "a"),
        ("acr_values", "c1"),
        ("login_hint", "alice"),
        ("client_id", "other"),
        ("redirect_uri", "https://evil.example"),
        ("lol", "x"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut request = AuthorizeRequest::new("s", &sent, now());
    request.refresh = true;
    let url = provider.authorize(request).await.unwrap().url;
    for (name, value) in [
        ("prompt", Some("consent")),
        ("hd", Some("h")),
        ("acr_values", Some("c1")),
        ("login_hint", Some("alice")),
        ("domain_hint", Some("contoso.com")),
        ("lol", None),
        ("client_id", Some(bia_fake_entra::TEST_CLIENT_ID)),
        ("redirect_uri", Some("http://127.0.0.1:4433/self-service/methods/oidc/callback/microsoft")),
    ] {
        assert_eq!(query(&url, name).as_deref(), value, "{name}");
        assert!(url.query_pairs().filter(|(n, _)| n == name).count() <= 1, "{name} is sent once");
    }
}

#[tokio::test]
async fn refresh_asks_for_a_new_proof_and_form_post_for_a_posted_answer() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "response_mode": "form_post" }));
    let none = BTreeMap::new();
    let url = provider
        .authorize(AuthorizeRequest { refresh: true, ..AuthorizeRequest::new("s", &none, now()) })
        .await
        .unwrap()
        .url;
    assert_eq!(query(&url, "prompt").as_deref(), Some("login"));
    assert_eq!(query(&url, "response_mode").as_deref(), Some("form_post"));
}

#[tokio::test]
async fn requested_claims_are_sent_with_their_keys_in_order() {
    let world = World::new().await;
    let requested =
        json!({ "id_token": { "email": { "essential": true }, "groups": null, "acr": { "values": ["c1"] } } });
    let provider = world.microsoft(json!({ "requested_claims": requested, "scope": [] }));
    let authorization = world.authorize(&provider).await.unwrap();
    let claims = r#"{"id_token":{"acr":{"values":["c1"]},"email":{"essential":true},"groups":null}}"#;
    assert_eq!(query(&authorization.url, "claims").as_deref(), Some(claims));
}

#[tokio::test]
async fn only_a_listed_host_gets_a_callback_of_its_own() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "callback_hosts": ["login.fabrikam.com:8443"] }));
    let none = BTreeMap::new();
    for (host, start) in [
        (None, "http://127.0.0.1:4433/"),
        (Some("LOGIN.fabrikam.com:8443"), "http://login.fabrikam.com:8443/"),
        (Some("login.fabrikam.com"), "http://127.0.0.1:4433/"),
        (Some("evil.example"), "http://127.0.0.1:4433/"),
    ] {
        let request = AuthorizeRequest { host, ..AuthorizeRequest::new("s", &none, now()) };
        let authorization = provider.authorize(request).await.unwrap();
        assert!(authorization.redirect_uri.starts_with(start), "{host:?}: {}", authorization.redirect_uri);
    }
}

#[test]
fn every_callback_that_a_sign_in_may_send_is_listed_for_registration() {
    let config = entry(json!({ "aliases": ["azure"], "callback_hosts": ["login.example.org"] }));
    let base = url::Url::parse("https://id.example.com/auth/").unwrap();
    let uris = bia_provider::redirect_uris(&config, &base);
    let at = |host: &str, end: &str| format!("https://{host}/auth/self-service/methods/oidc/callback{end}");
    let expected = ["id.example.com", "login.example.org"]
        .map(|host| [at(host, "/ms"), at(host, ""), at(host, "/azure")])
        .concat();
    assert_eq!(uris, expected);
}

#[test]
fn the_consent_link_names_one_organisation_and_what_is_asked_for() {
    let link = |tenant: &str, customer: Option<&str>| {
        let config = entry(json!({ "microsoft_tenant": tenant, "scope": ["profile", "User.Read"] }));
        let base = url::Url::parse("https://id.example.com/").unwrap();
        bia_provider::admin_consent_url(&config, "app", &base, customer)
    };
    let url = link("common", None).unwrap();
    assert_eq!(url.path(), "/organizations/v2.0/adminconsent", "Entra takes no `common` here");
    assert_eq!(query(&url, "scope").as_deref(), Some("profile User.Read openid"));
    assert_eq!(
        query(&url, "redirect_uri").as_deref(),
        Some("https://id.example.com/self-service/methods/oidc/admin-consent/ms")
    );
    assert_eq!(link("contoso.com", None).unwrap().path(), "/contoso.com/v2.0/adminconsent");
    assert_eq!(link("common", Some("../x")).unwrap().path(), "/..%2Fx/v2.0/adminconsent");
    assert_eq!(link("consumers", None), None, "nobody administers personal accounts");
}

#[tokio::test]
async fn missing_consent_names_what_is_asked_for_and_the_link_of_the_administrator() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "scope": ["profile", "email", "User.Read"] }));
    let description = "AADSTS90094: an admin is needed. Correlation ID: 0b9c3b1e-0000-4000-8000-000000000002";
    let error = provider.denied("consent_required", Some(description));
    let reason = error.to_api().reason.unwrap();
    assert!(reason.contains("profile, email, User.Read, openid") && reason.contains("/adminconsent?"), "{reason}");
    assert!(error.log_fields().contains(&("correlation_id", "0b9c3b1e-0000-4000-8000-000000000002".to_owned())));
    let other = provider.denied("access_denied", Some("AADSTS50105: not assigned"));
    assert!(!other.to_api().reason.unwrap().contains("adminconsent"));
}
