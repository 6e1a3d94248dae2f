//! What every request gets, whatever it asks for.

use crate::client::{request_text, send};
use crate::world::World;
use serde_json::{Value, json};

const NO_CACHE: &str = "private, no-cache, no-store, must-revalidate";

#[tokio::test]
async fn health_and_version_answer_on_their_ports() {
    let world = World::start().await;
    for target in ["/health/alive", "/health/ready"] {
        let public = world.public("GET", target, &[]).await;
        assert_eq!((public.status, public.json()), (200, json!({ "status": "ok" })));
        assert_eq!(public.header("cache-control"), Some(NO_CACHE));
        assert_eq!((public.header("vary"), public.cookies().len()), (None, 0));
        assert_eq!(world.admin("GET", &format!("/admin{target}"), None).await.status, 200);
    }
    assert_eq!(world.admin("GET", "/version", None).await.status, 200);
    assert_eq!(world.admin("GET", "/health/config", None).await.body, "fingerprint");
    let version = world.public("GET", "/version", &[]).await;
    assert_eq!((version.status, version.header("vary")), (404, None));
    let metrics = world.admin("GET", "/metrics/prometheus", None).await;
    assert!(metrics.body.contains("bia_http_requests_total"), "{}", metrics.body);
}

#[tokio::test]
async fn what_should_never_happen_is_a_series_before_it_does() {
    let world = World::start().await;
    let metrics = world.admin("GET", "/metrics/prometheus", None).await.body;
    for series in [
        "bia_audit_events_dropped_total{reason=\"queue_full\"} ",
        "bia_audit_events_dropped_total{reason=\"write_error\"} ",
        "bia_web_hooks_dropped_total ",
        "bia_store_busy_total{pool=\"write\"} ",
        "bia_store_errors_total{operation=\"commit\"} ",
    ] {
        assert!(metrics.contains(&format!("\n{series}")), "{series} is missing:\n{metrics}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_as_go_does() {
    let world = World::start().await;
    let missing = world.public("GET", "/nothing/here", &[]).await;
    assert_eq!((missing.status, missing.body.as_str()), (404, "404 page not found\n"));
    assert_eq!(missing.header("vary"), Some("Cookie"));
    assert!(missing.cookies()[0].starts_with("csrf_token_"), "{:?}", missing.cookies());
    let wrong = world.public("DELETE", "/health/alive", &[]).await;
    assert_eq!(
        (wrong.status, wrong.body.as_str(), wrong.header("allow")),
        (405, "Method Not Allowed\n", Some("GET, HEAD"))
    );
    assert_eq!(wrong.header("cache-control"), None);
    let doubled = world.public("GET", "//health/alive", &[]).await;
    assert_eq!((doubled.status, doubled.header("location")), (307, Some("/health/alive")));
    let head = world.public("HEAD", "/health/alive", &[]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let admin = world.admin("GET", "/nothing/here", None).await;
    assert_eq!((admin.status, admin.header("vary"), admin.cookies().len()), (404, None, 0));
}

#[tokio::test]
async fn each_port_sends_to_the_other_what_belongs_there() {
    let world = World::start().await;
    let public = world.public("GET", "/identities?page_size=2", &[]).await;
    assert_eq!(
        (public.status, public.header("location")),
        (307, Some("http://admin.example/admin/identities?page_size=2"))
    );
    assert_eq!((public.header("vary"), public.cookies().len()), (Some("Cookie"), 0));
    for (method, target, to) in [
        ("GET", "/schemas/default", "http://id.example/schemas/default"),
        ("GET", "/admin/self-service/login/browser", "http://id.example/self-service/login/browser"),
        ("DELETE", "/sessions", "http://id.example/sessions"),
        ("GET", "/sessions/whoami", "http://id.example/sessions/whoami"),
    ] {
        let answer = world.admin(method, target, None).await;
        assert_eq!((answer.status, answer.header("location")), (307, Some(to)), "{target}");
    }
}

#[tokio::test]
async fn a_browser_keeps_its_csrf_cookie_and_a_forged_request_is_refused() {
    let world = World::start().await;
    let first = world.public("GET", "/schemas", &[]).await;
    let cookie = first.cookies()[0].split(';').next().unwrap().to_owned();
    let again = world.public("GET", "/schemas", &[("cookie", &cookie)]).await;
    assert!(again.cookies().is_empty());
    let junk = world.public("GET", "/schemas", &[("cookie", &format!("{cookie}junk"))]).await;
    assert_eq!(junk.cookies().len(), 1);
    let forged = world.public("DELETE", "/self-service/recovery", &[("cookie", &cookie)]).await;
    assert_eq!((forged.status, &forged.json()["error"]["id"]), (403, &json!("security_csrf_violation")));
    let token = cookie.split_once('=').unwrap().1;
    let honest =
        world.public("DELETE", "/self-service/recovery", &[("cookie", &cookie), ("x-csrf-token", token)]).await;
    assert_eq!(honest.status, 303);
}

#[tokio::test]
async fn a_request_id_is_taken_or_made_and_named_in_errors() {
    let world = World::start().await;
    let named = world.public("GET", "/sessions/whoami", &[("x-request-id", "req-7")]).await;
    assert_eq!((named.header("x-request-id"), &named.json()["error"]["request"]), (Some("req-7"), &json!("req-7")));
    let made = world.public("GET", "/sessions/whoami", &[]).await;
    assert!(made.header("x-request-id").is_some_and(|id| id.len() == 36));
    assert_eq!(made.json()["error"].get("request"), None);
}

#[tokio::test]
async fn schemas_are_listed_and_found_by_either_form_of_their_id() {
    let world = World::start().await;
    let list = world.public("GET", "/schemas", &[]).await;
    assert_eq!((list.json()[0]["id"].clone(), list.header("x-total-count")), (json!("default"), Some("1")));
    for target in ["/schemas/default", "/schemas/ZGVmYXVsdA", "/admin/schemas/default"] {
        let answer = world.public("GET", target, &[]).await;
        assert_eq!(answer.json()["$id"], "https://example/person.schema.json", "{target}");
    }
    let missing = world.public("GET", "/schemas/nope", &[]).await;
    assert_eq!(
        (missing.status, &missing.json()["error"]["reason"]),
        (404, &json!("Identity schema `nope` could not be found."))
    );
}

#[tokio::test]
async fn an_error_of_a_browser_is_kept_for_the_error_page() {
    let world = World::start().await;
    let html = world.public("GET", "/self-service/recovery/browser", &[]).await;
    let location = html.header("location").unwrap();
    let id = location.strip_prefix("http://ui.example/error?id=").unwrap_or_else(|| panic!("{location}"));
    let kept = world.public("GET", &format!("/self-service/errors?id={id}"), &[]).await;
    assert_eq!(kept.json()["error"]["reason"], "Recovery is not allowed because it was disabled.");
    let json = world.public("GET", "/self-service/recovery/browser", &[("accept", "application/json")]).await;
    assert_eq!((json.status, json.header("content-type")), (400, Some("application/json")));
}

#[tokio::test]
async fn a_provider_that_posts_is_answered_with_the_same_address_as_get() {
    let world = World::start().await;
    let body = "code=a%20b&state=s";
    let target = "/self-service/methods/oidc/callback/microsoft?x=1";
    let text = format!(
        "POST {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = send(world.public, &text).await;
    // Relative, so that it stays on the host that the provider's page posted to, where the cookies are.
    assert_eq!((answer.status, answer.header("location")), (302, Some("?x=1&code=a+b&state=s")));
}

#[tokio::test]
async fn bodies_over_five_mebibytes_are_refused() {
    let world = World::start().await;
    let huge = json!({ "traits": { "email": "x".repeat(5 * 1024 * 1024) } });
    let answer = send(world.admin, &request_text("POST", "/admin/identities", &[], Some(&huge))).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn every_route_of_the_description_answers_and_pages_of_others_may_call_when_allowed() {
    let world = World::with(json!({
        "serve": { "public": { "cors": { "enabled": true, "allowed_origins": ["https://app.example"] } } }
    }))
    .await;
    let document = world.public("GET", "/openapi.json", &[]).await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 40);
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let target = path.replace("{id}", "00000000-0000-4000-8000-00000000dead").replace(['{', '}'], "");
            let method = method.to_ascii_uppercase();
            let answer = match operation["x-port"].as_str() {
                Some("admin") => world.admin(&method, &target, None).await,
                _ => world.public(&method, &target, &[("accept", "application/json")]).await,
            };
            assert_ne!(answer.status, 405, "{method} {path}");
            assert_ne!(answer.body, "404 page not found\n", "{method} {path}");
            assert_ne!(answer.status, 500, "{method} {path}: {}", answer.body);
        }
    }
    let page = world.public("GET", "/sessions/whoami", &[("origin", "https://app.example")]).await;
    assert_eq!(page.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(page.header("access-control-allow-credentials"), Some("true"));
    let stranger = world.public("GET", "/sessions/whoami", &[("origin", "https://evil.example")]).await;
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    let preflight = world
        .public(
            "OPTIONS",
            "/self-service/login",
            &[("origin", "https://app.example"), ("access-control-request-method", "POST")],
        )
        .await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, Some("POST")));
    assert_eq!(document["openapi"], Value::from("3.0.3"));
}
