//! Who may call, whose headers count, and where the server itself may call.

use bia_e2e::{Bia, Browser, Site};
use bia_fake_entra::Endpoint;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_others_may_not() {
    let cors = json!({ "enabled": true, "allowed_origins": ["https://app.example", "https://*.team.example"] });
    let site = Site::with(json!({ "serve": { "public": { "cors": cors } } })).await;
    let bia = site.start().await;
    let url = format!("{}/self-service/login", bia.public);
    for (origin, allowed) in [
        ("https://app.example", true),
        ("https://one.team.example", true),
        ("https://app.example.evil.example", false),
        ("https://evilteam.example", false),
        ("http://app.example", false),
        ("null", false),
    ] {
        let page = Browser::new()
            .with_header("origin", origin)
            .with_header("access-control-request-method", "POST")
            .with_header("access-control-request-headers", "content-type");
        let answer = page.call_json(Method::OPTIONS, &url, None).await;
        assert_eq!(answer.header("access-control-allow-origin") == origin, allowed, "{origin}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials") == "true", allowed, "{origin}: {answer:?}");
        let page = Browser::new().with_header("origin", origin);
        let answer = page.get_json(format!("{}/sessions/whoami", bia.public)).await;
        assert_eq!(answer.header("access-control-allow-origin") == origin, allowed, "{origin}: {answer:?}");
        let answer = page.get_json(format!("{}/admin/identities", bia.admin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "the admin port has no CORS");
    }
}

#[tokio::test]
async fn private_addresses_are_called_only_where_that_is_allowed() {
    let mut site = Site::with(json!({ "clients": { "http": { "disallow_private_ip_ranges": true } } })).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    let shown = alice.shown(&bia, &answer).await;
    assert!(shown["error"]["code"].as_u64().is_some_and(|code| code >= 500), "{shown}");
    assert!(alice.whoami(&bia).await.is_none());
    let flow = alice.begin(&bia, "login").await;
    let action = flow["ui"]["action"].as_str().expect("an action");
    let pressed = alice.post_form(action, &[("provider", "partner")]).await;
    assert_eq!(pressed.location().path(), "/error", "{pressed:?}");
    for endpoint in [Endpoint::Token, Endpoint::Discovery, Endpoint::Keys] {
        assert_eq!(site.control().count(endpoint), 0, "{endpoint:?} was asked");
    }
    assert!(bia.log().contains("disallow_private_ip_ranges"), "{}", bia.log());
    bia.stop();
    let allowed = format!("{}/**", site.stand_in());
    site.change(json!({ "clients": { "http": { "private_ip_exception_urls": [allowed] } } }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    site.browser("bob").signed_in(&bia, "partner").await;
}

/// `request_url` of a login, and the address and place of its session's device.
async fn seen(site: &Site, bia: &Bia) -> (String, String) {
    let browser = Browser::new()
        .with_header("x-forwarded-host", "id.example")
        .with_header("x-forwarded-proto", "https")
        .with_header("x-forwarded-for", "203.0.113.7")
        .with_header("true-client-ip", "203.0.113.8");
    browser.set_cookie(&site.stand_in(), "persona", "alice");
    let flow = browser.begin(bia, "login").await;
    let answer = browser.go_on(&flow, "microsoft").await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let session = browser.whoami(bia).await.expect("a session");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&flow["request_url"]), text(&session["devices"][0]["ip_address"]))
}

#[tokio::test]
async fn forwarding_headers_count_from_trusted_proxies_only() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    let (url, address) = seen(&site, &bia).await;
    assert_eq!((url.as_str(), address.as_str()), ("https://id.example/self-service/login/browser", "203.0.113.8"));
    bia.stop();
    site.change(json!({ "bia": { "trusted_proxies": ["192.0.2.0/24"] } }));
    let bia = site.start().await;
    let (url, address) = seen(&site, &bia).await;
    assert_eq!(url, format!("{}/self-service/login/browser", bia.public));
    assert!(address.starts_with("127.0.0.1"), "{address}");
}

#[tokio::test]
async fn neither_host_nor_forwarding_headers_make_a_callback_or_a_link() {
    let site = Site::new().await;
    let bia = site.start().await;
    let callback = format!("{}/self-service/methods/oidc/callback/microsoft", bia.public);
    for name in ["host", "x-forwarded-host", "forwarded", "x-original-host"] {
        let victim = Browser::new().with_header(name, "evil.example").with_header("x-forwarded-proto", "https");
        let flow = victim.begin(&bia, "login").await;
        let action = flow["ui"]["action"].as_str().expect("an action");
        assert!(action.starts_with(&bia.public), "{name}: {action}");
        let sent = victim.press(&flow, "microsoft").await;
        let redirect = sent.query_pairs().find(|(key, _)| key == "redirect_uri").expect("one").1.into_owned();
        assert_eq!(redirect, callback, "{name}");
        let forbidden = format!("{}/self-service/login/browser?return_to=https://evil.example/x", bia.public);
        let answer = victim.get_json(forbidden).await;
        assert_eq!(answer.error_id(), "self_service_flow_return_to_forbidden", "{name}");
    }
}
