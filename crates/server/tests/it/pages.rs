//! The built-in pages as a browser without script meets them.

use crate::client::{Answer, send};
use crate::world::{World, config, deps};
use serde_json::json;
use std::sync::Arc;

const HTML: (&str, &str) = ("accept", "text/html");

/// Follows an answer to the page of Bia it leads to.
async fn page(world: &World, answer: &Answer, cookie: &str) -> Answer {
    let location = answer.header("location").unwrap_or_else(|| panic!("no way on: {}", answer.body));
    let target = location.strip_prefix("http://id.example").unwrap_or_else(|| panic!("leads away: {location}"));
    world.public("GET", target, &[HTML, ("cookie", cookie)]).await
}

/// What a browser reads out of a page's attributes.
fn unescaped(page: &Answer) -> String {
    page.body.replace("&#x2f;", "/").replace("&#x3d;", "=").replace("&amp;", "&")
}

fn cookie_of(answer: &Answer) -> String {
    answer.cookies()[0].split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_flow_leads_to_its_page_when_no_other_is_configured() {
    let world = World::start().await;
    for kind in ["login", "registration"] {
        let begun = world.public("GET", &format!("/self-service/{kind}/browser"), &[HTML]).await;
        let shown = page(&world, &begun, &cookie_of(&begun)).await;
        assert_eq!((shown.status, shown.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(shown.body.contains("name=\"csrf_token\""), "{}", shown.body);
        let policy = shown.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
        assert!(shown.header("cache-control").unwrap().contains("no-store"));
    }
}

#[tokio::test]
async fn a_page_without_its_flow_begins_a_new_one_but_never_in_circles() {
    let world = World::start().await;
    for target in ["/ui/login", "/ui/login?flow=5d0a5c1e-0b1c-4f0e-9d55-6ff9a7d0f1aa"] {
        let answer = world.public("GET", target, &[HTML]).await;
        let begin = Some("http://id.example/self-service/login/browser");
        assert_eq!((answer.status, answer.header("location")), (303, begin), "{target}");
    }
    let begun = world.public("GET", "/self-service/login/browser", &[HTML]).await;
    let without_cookies = page(&world, &begun, "").await;
    assert_eq!((without_cookies.status, without_cookies.header("location")), (403, None));
    assert!(without_cookies.body.contains("<h1"), "{}", without_cookies.body);
}

#[tokio::test]
async fn pages_speak_the_visitors_language() {
    let world = World::start().await;
    let german = world.public("GET", "/ui/logged_out", &[HTML, ("accept-language", "de-CH,en;q=0.5")]).await;
    assert!(german.body.contains("<html lang=\"de\""), "{}", german.body);
    let chosen = world.public("GET", "/ui/logged_out?lang=en", &[HTML, ("accept-language", "de")]).await;
    assert!(chosen.body.contains("<html lang=\"en\""), "{}", chosen.body);
}

#[tokio::test]
async fn assets_are_cached_and_nothing_else_is_served() {
    let world = World::start().await;
    let style = world.public("GET", "/ui/assets/style.css", &[]).await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(style.header("etag").is_some() && style.cookies().is_empty());
    assert_eq!(style.header("cache-control"), Some("public, max-age=3600"));
    let etag = style.header("etag").unwrap();
    for known in [etag.to_owned(), format!("\"other\", W/{etag}")] {
        let again = world.public("GET", "/ui/assets/style.css", &[("if-none-match", &known)]).await;
        assert_eq!((again.status, again.header("etag"), again.body.as_str()), (304, Some(etag), ""), "{known}");
    }
    let other = world.public("GET", "/ui/assets/style.css", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, 200);
    for target in ["/ui/assets/nothing", "/ui/assets/..%2fstyle.css", "/ui/nothing"] {
        assert_eq!(world.public("GET", target, &[]).await.status, 404, "{target}");
    }
}

#[tokio::test]
async fn pages_that_are_switched_off_are_not_there() {
    let world = World::with(json!({ "bia": { "ui": { "enabled": false } } })).await;
    for target in ["/ui/login", "/ui/welcome", "/ui/assets/style.css"] {
        assert_eq!(world.public("GET", target, &[HTML]).await.status, 404, "{target}");
    }
}

#[tokio::test]
async fn the_settings_page_ends_other_sessions_for_their_owner_alone() {
    let world = World::start().await;
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let (_, other) = world.sign_in(id).await;
    let stranger = world.person("bob@x.example").await;
    let (strangers, strangers_token) = world.sign_in(stranger).await;
    let cookie = world.cookie(&session, &token);
    let begun = world.public("GET", "/self-service/settings/browser", &[HTML, ("cookie", &cookie)]).await;
    let cookies = format!("{cookie}; {}", cookie_of(&begun));
    let shown = page(&world, &begun, &cookies).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let html = unescaped(&shown);
    let csrf = html.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let csrf: String = form_urlencoded::byte_serialize(csrf.as_bytes()).collect();

    assert_eq!(end(&world, &cookies, "revoke=others").await.status, 403);
    assert!(is_active(&world, &other).await);
    let foreign = end(&world, &cookies, &format!("csrf_token={csrf}&revoke={}", strangers.id)).await;
    assert_eq!(foreign.status, 303);
    assert!(is_active(&world, &strangers_token).await);
    let own = end(&world, &cookies, &format!("csrf_token={csrf}&revoke={}", session.id)).await;
    assert_eq!(own.status, 303);
    let done = end(&world, &cookies, &format!("csrf_token={csrf}&revoke=others")).await;
    assert_eq!((done.status, done.header("location").unwrap().contains("/ui/settings?flow=")), (303, true));
    assert_eq!((is_active(&world, &other).await, is_active(&world, &token).await), (false, true));
}

async fn end(world: &World, cookies: &str, form: &str) -> Answer {
    let request = format!(
        "POST /ui/sessions?flow=x HTTP/1.1\r\nhost: id.example\r\nconnection: close\r\naccept: text/html\r\ncookie: {cookies}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    send(world.public, &request).await
}

async fn is_active(world: &World, token: &str) -> bool {
    world.public("GET", "/sessions/whoami", &[("x-session-token", token)]).await.status == 200
}

#[tokio::test]
async fn the_welcome_page_shows_ones_own_session_or_the_way_in() {
    let world = World::start().await;
    let anonymous = world.public("GET", "/ui/welcome", &[HTML]).await;
    assert!(unescaped(&anonymous).contains("http://id.example/self-service/login/browser"), "{}", anonymous.body);
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let cookie = world.cookie(&session, &token);
    let shown = world.public("GET", "/ui/welcome", &[HTML, ("cookie", &cookie)]).await;
    assert!(shown.body.contains("alice@x.example") && !shown.body.contains(&token), "{}", shown.body);
    let html = unescaped(&shown);
    let link = html.split("/self-service/logout?token=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let out = world.public("GET", &format!("/self-service/logout?token={link}"), &[HTML, ("cookie", &cookie)]).await;
    assert_eq!(out.status, 303, "{}", out.body);
    assert!(!is_active(&world, &token).await);
}

#[tokio::test]
async fn pages_that_were_broken_at_the_start_hold_up_no_change_and_pages_that_were_not_do() {
    let broken = json!({ "bia": { "ui": { "templates_dir": "/absent/templates" } } });
    let with = |revision: &str, ui: &serde_json::Value| {
        let mut extra = ui.clone();
        extra["revision"] = json!(revision);
        Arc::new(config(&extra))
    };
    let world = World::with(broken.clone()).await;
    let replace = async |config: Arc<bia_config::Config>| world.state.replace(Arc::new(deps(&config).await), "x");
    replace(with("still-broken", &broken)).await.unwrap();
    assert_eq!(world.admin("GET", "/health/config", None).await.body, "still-broken");
    replace(with("mended", &json!({}))).await.unwrap();
    let refused = replace(with("broken-again", &broken)).await.unwrap_err().to_string();
    assert!(refused.contains("bia.ui"), "{refused}");
    assert_eq!(world.admin("GET", "/health/config", None).await.body, "mended");
}
