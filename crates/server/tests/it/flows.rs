//! How outcomes of flows look on the wire; what flows decide is tested where they are.

use crate::world::World;
use bia_selfservice::csrf;
use serde_json::json;

const JSON: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn a_new_flow_is_a_redirect_for_browsers_and_json_for_others() {
    let world = World::start().await;
    let html = world.public("GET", "/self-service/login/browser", &[("accept", "text/html")]).await;
    assert_eq!((html.status, html.header("content-type")), (303, Some("text/html; charset=utf-8")));
    assert!(html.header("location").unwrap().contains("?flow="));
    assert_eq!(html.cookies().len(), 1);
    let single_page = world.public("GET", "/self-service/login/browser", &[JSON]).await;
    assert_eq!((single_page.status, &single_page.json()["type"]), (200, &json!("browser")));
    assert_eq!(single_page.json()["request_url"], "http://id.example/self-service/login/browser");
    let native = world.public("GET", "/self-service/login/api", &[]).await;
    assert_eq!((native.status, &native.json()["type"], native.cookies().len()), (200, &json!("api"), 0));
}

#[tokio::test]
async fn the_form_holds_a_fresh_mask_of_the_cookies_token_at_each_reading() {
    let world = World::start().await;
    let created = world.public("GET", "/self-service/login/browser", &[JSON]).await;
    let cookie = created.cookies()[0].split(';').next().unwrap().to_owned();
    let token = cookie.split_once('=').unwrap().1;
    let masked = |flow: &serde_json::Value| {
        let nodes = flow["ui"]["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").unwrap();
        node["attributes"]["value"].as_str().unwrap().to_owned()
    };
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let read = world.public("GET", &format!("/self-service/login/flows?id={id}"), &[("cookie", &cookie)]).await;
    assert_eq!(read.status, 200);
    let (one, two) = (masked(&created.json()), masked(&read.json()));
    assert_ne!(one, two);
    assert!(csrf::matches(token, &one) && csrf::matches(token, &two));
    let stranger = world.public("GET", &format!("/self-service/login/flows?id={id}"), &[]).await;
    assert_eq!((stranger.status, &stranger.json()["error"]["id"]), (403, &json!("security_csrf_violation")));
}

#[tokio::test]
async fn reads_answer_errors_as_json_whoever_asks() {
    let world = World::start().await;
    for target in ["/self-service/login/flows?id=nonsense", "/self-service/settings/api", "/sessions/token-exchange"] {
        let answer = world.public("GET", target, &[("accept", "text/html")]).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{target}");
        assert!(answer.status >= 400 && answer.json()["error"]["message"].is_string(), "{target}");
    }
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away_and_gives_a_new_csrf_token() {
    let world = World::start().await;
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let cookie = world.cookie(&session, &token);
    let link = world.public("GET", "/self-service/logout/browser", &[JSON, ("cookie", &cookie)]).await.json();
    let target = link["logout_url"].as_str().unwrap().strip_prefix("http://id.example").unwrap().to_owned();
    let out = world.public("GET", &target, &[("accept", "text/html"), ("cookie", &cookie)]).await;
    assert_eq!((out.status, out.header("location")), (303, Some("http://app.example/")));
    let cookies = out.cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies.iter().any(|line| line.starts_with("ory_kratos_session=") && line.contains("Max-Age=0")));
    assert!(cookies.iter().any(|line| line.starts_with("csrf_token_")));
    assert_eq!(world.public("GET", "/sessions/whoami", &[("cookie", &cookie)]).await.status, 401);
}
