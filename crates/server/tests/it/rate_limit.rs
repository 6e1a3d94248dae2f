//! `bia.rate_limit` at the server's border. Buckets are refilled over a day here, so that no test waits or races.

use crate::client::{Answer, request_text, send};
use crate::world::{World, config, deps};
use serde_json::{Value, json};
use std::sync::Arc;

const LOGIN: &str = "/self-service/login/api";
const HTML: (&str, &str) = ("accept", "text/html");

fn limited(limits: Value) -> Value {
    json!({ "bia": { "rate_limit": limits } })
}

/// `burst` requests now, and the next one in more than half an hour.
fn few(burst: u32) -> Value {
    json!({ "requests": 24, "per": "24h", "burst": burst })
}

async fn from(world: &World, address: &str, target: &str) -> Answer {
    world.public("GET", target, &[("x-forwarded-for", address)]).await
}

/// How many of ten requests are answered before the first 429.
async fn admitted(world: &World, address: &str, target: &str) -> usize {
    for count in 0..10 {
        if from(world, address, target).await.status == 429 {
            return count;
        }
    }
    10
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_while_others_go_on() {
    let world = World::with(limited(json!({ "per_address": few(3) }))).await;
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 3);
    let refused = from(&world, "192.0.2.1", LOGIN).await;
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3_500..=3_601).contains(&seconds), "{seconds}");
    let error = &refused.json()["error"];
    assert_eq!((&error["code"], &error["status"]), (&json!(429), &json!("Too Many Requests")));
    let reason = error["reason"].as_str().unwrap();
    assert_eq!(
        reason,
        format!("There were too many requests from this address. Please try again in {seconds} seconds.")
    );
    assert_eq!(refused.header("content-type"), Some("application/json"));
    assert_eq!(from(&world, "192.0.2.2", LOGIN).await.status, 200);
}

#[tokio::test]
async fn every_way_into_a_flow_and_out_of_it_draws_on_one_budget() {
    let all = [
        ("GET", "/self-service/login/browser"),
        ("GET", "/self-service/registration/browser"),
        ("GET", "/self-service/settings/browser"),
        ("GET", "/self-service/login/api"),
        ("GET", "/self-service/registration/api"),
        ("GET", "/self-service/settings/api"),
        ("POST", "/self-service/login?flow=x"),
        ("POST", "/self-service/registration?flow=x"),
        ("POST", "/self-service/settings?flow=x"),
        ("GET", "/self-service/login?flow=x"),
        ("GET", "/self-service/methods/oidc/callback/microsoft?state=x"),
        ("POST", "/self-service/methods/oidc/callback/microsoft"),
        ("GET", "/self-service/methods/oidc/callback?state=x"),
        ("GET", "/sessions/token-exchange?init_code=a&return_to_code=b"),
    ];
    let world = World::with(limited(json!({ "per_address": few(all.len() as u32) }))).await;
    for round in 0..2 {
        for (method, target) in all {
            let answer = world.public(method, target, &[]).await;
            assert_eq!(answer.status == 429, round == 1, "{method} {target}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn what_is_watched_read_or_asked_by_proxies_is_never_limited() {
    let world = World::with(limited(json!({ "per_address": few(1), "per_flow": few(1) }))).await;
    assert_eq!(admitted(&world, "127.0.0.1", LOGIN).await, 1);
    for target in [
        "/health/alive",
        "/health/ready",
        "/sessions/whoami",
        "/sessions/forward-auth",
        "/self-service/login/flows?id=x",
        "/self-service/errors?id=x",
        "/self-service/logout/browser",
        "/self-service/methods/oidc/logout/microsoft?sid=x",
        "/schemas",
        "/ui/welcome",
    ] {
        for _ in 0..3 {
            assert_ne!(world.public("GET", target, &[]).await.status, 429, "{target}");
        }
    }
    for target in ["/health/alive", "/metrics/prometheus", "/admin/identities"] {
        for _ in 0..3 {
            assert_eq!(world.admin("GET", target, None).await.status, 200, "{target}");
        }
    }
}

#[tokio::test]
async fn without_limits_nobody_waits() {
    let world = World::start().await;
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 10);
}

#[tokio::test]
async fn nobody_gets_a_second_budget_by_naming_another_address() {
    let world = World::with(limited(json!({ "per_address": few(3) }))).await;
    for made_up in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        assert_eq!(from(&world, &format!("{made_up}, 192.0.2.1"), LOGIN).await.status, 200);
    }
    for made_up in ["203.0.113.4", "unknown", ""] {
        assert_eq!(from(&world, &format!("{made_up}, 192.0.2.1"), LOGIN).await.status, 429, "{made_up}");
    }
    let claims = [("x-forwarded-for", "192.0.2.1"), ("true-client-ip", "203.0.113.5"), ("x-real-ip", "203.0.113.5")];
    assert_eq!(world.public("GET", LOGIN, &claims).await.status, 429);
    // Another interface of one's own network is no other client.
    assert_eq!(admitted(&world, "2001:db8:1:2::1", LOGIN).await, 3);
    assert_eq!(admitted(&world, "2001:db8:1:2:ffff::1", LOGIN).await, 0);
}

#[tokio::test]
async fn headers_of_strangers_do_not_count() {
    let mut extra = limited(json!({ "per_address": few(3) }));
    extra["bia"]["trusted_proxies"] = json!(["10.0.0.0/8"]);
    let world = World::with(extra).await;
    for (count, made_up) in ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"].into_iter().enumerate() {
        assert_eq!(from(&world, made_up, LOGIN).await.status == 429, count == 3, "{made_up}");
    }
}

#[tokio::test]
async fn a_flow_that_is_asked_too_often_waits_whoever_asks() {
    let world = World::with(limited(json!({ "per_flow": few(2) }))).await;
    let begin = async || world.public("GET", LOGIN, &[]).await.json()["id"].as_str().unwrap().to_owned();
    let (flow, other) = (begin().await, begin().await);
    let submit = async |flow: &str, address: &str| {
        let body = json!({ "method": "oidc", "provider": "nobody" });
        let headers = [("x-forwarded-for", address)];
        let target = format!("/self-service/login?flow={flow}");
        send(world.public, &request_text("POST", &target, &headers, Some(&body))).await
    };
    for address in ["192.0.2.1", "192.0.2.2"] {
        assert_ne!(submit(&flow, address).await.status, 429);
    }
    let refused = submit(&flow.to_uppercase(), "192.0.2.3").await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let reason = refused.json()["error"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("There were too many requests for this sign-in."), "{reason}");
    assert_ne!(submit(&other, "192.0.2.1").await.status, 429);
    // What names no flow is no flow's business.
    assert_eq!(admitted(&world, "192.0.2.1", "/self-service/login?flow=x").await, 10);
}

#[tokio::test]
async fn a_callback_counts_for_the_flow_of_its_state_whatever_its_query_says() {
    let mut extra = limited(json!({ "per_flow": few(3) }));
    let provider = json!({
        "id": "microsoft", "provider": "microsoft", "client_id": "x", "client_secret": "y-and-more",
        "microsoft_tenant": "organizations", "mapper_url": "base64://e30=",
    });
    extra["selfservice"]["methods"]["oidc"] = json!({ "enabled": true, "config": { "providers": [provider] } });
    let world = World::with(extra).await;
    let flow = world.public("GET", LOGIN, &[]).await.json()["id"].as_str().unwrap().to_owned();
    let body = json!({ "method": "oidc", "provider": "microsoft" });
    let target = format!("/self-service/login?flow={flow}");
    let answer = send(world.public, &request_text("POST", &target, &[], Some(&body))).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    let location = answer.json()["redirect_browser_to"].as_str().unwrap().to_owned();
    let state = location.split(['?', '&']).find(|pair| pair.starts_with("state=")).expect("a state");
    for round in 0..3 {
        let other = uuid::Uuid::new_v4();
        let target = format!("/self-service/methods/oidc/callback/microsoft?{state}&code=x&flow={other}");
        assert_eq!(world.public("GET", &target, &[]).await.status == 429, round == 2, "round {round}");
    }
}

#[tokio::test]
async fn browsers_are_told_in_a_page_of_their_language() {
    let world = World::with(limited(json!({ "per_address": few(1) }))).await;
    let ask = async |language| {
        world.public("GET", "/self-service/login/browser", &[HTML, ("accept-language", language)]).await
    };
    assert_eq!(ask("en").await.status, 303);
    let refused = ask("en").await;
    assert_eq!((refused.status, refused.header("content-type")), (429, Some("text/html; charset=utf-8")));
    assert!(refused.header("retry-after").is_some());
    assert!(refused.body.contains("Too many attempts"), "{}", refused.body);
    assert!(refused.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert!(ask("de").await.body.contains("<html lang=\"de\""));
}

#[tokio::test]
async fn a_reload_changes_the_limits_and_refills_nobody() {
    let world = World::with(limited(json!({ "per_address": few(3) }))).await;
    let reload = async |limits: Value| {
        let config = Arc::new(config(&limited(limits)));
        world.state.replace(Arc::new(deps(&config).await), "other").unwrap();
    };
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 3);
    reload(json!({ "per_address": few(3) })).await;
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 0);
    reload(json!({ "per_address": few(5), "per_flow": few(1) })).await;
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 2);
    reload(json!({ "per_address": few(1) })).await;
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 0);
    reload(json!({})).await;
    assert_eq!(admitted(&world, "192.0.2.1", LOGIN).await, 10);
}

#[tokio::test]
async fn refusals_are_counted_by_limit_and_route() {
    let world = World::with(limited(json!({ "per_address": few(1) }))).await;
    // The metrics are those of the whole process: a route at which no other test runs into the limit.
    let place = "/self-service/methods/oidc/organization";
    let target = format!("{place}/00000000-0000-4000-8000-000000000000/callback/microsoft?state=x");
    assert_eq!(admitted(&world, "192.0.2.1", &target).await, 1);
    let metrics = world.admin("GET", "/metrics/prometheus", None).await.body;
    let route = format!("{place}/{{organization}}/callback/{{provider}}");
    let line = format!("bia_rate_limited_total{{limit=\"address\",route=\"{route}\"}} 1");
    assert!(metrics.lines().any(|found| found == line), "{line}");
}
