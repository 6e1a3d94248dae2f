//! Sessions as their owner and as an operator sees them.

use crate::client::{request_text, send};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

#[tokio::test]
async fn whoami_takes_header_cookie_and_bearer_with_any_method() {
    let world = World::start().await;
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let cookie = world.cookie(&session, &token);
    let bearer = format!("bearer {token}");
    for header in [("x-session-token", token.as_str()), ("cookie", &cookie), ("authorization", &bearer)] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = world.public(method, "/sessions/whoami", &[header]).await;
            assert_eq!(answer.status, 200, "{method} {}", header.0);
            assert_eq!(answer.header("x-kratos-authenticated-identity-id"), Some(id.to_string().as_str()));
            assert_eq!((answer.header("vary"), answer.cookies().len()), (Some("Cookie"), 0));
        }
    }
    let shown = world.public("GET", "/sessions/whoami", &[("cookie", &cookie)]).await.json();
    assert_eq!(shown["identity"]["traits"]["email"], "alice@x.example");
    assert_eq!(shown["identity"]["schema_url"], "http://id.example/schemas/ZGVmYXVsdA");
    assert_eq!((shown["identity"].get("metadata_admin"), shown["identity"].get("credentials")), (None, None));
}

#[tokio::test]
async fn anything_else_is_nobody() {
    let world = World::with(json!({ "feature_flags": { "cacheable_sessions": true } })).await;
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let cookie = world.cookie(&session, &token);
    let changed = format!("{}AAAAAA", &cookie[..cookie.len() - 6]);
    let wrong_first = [("x-session-token", "ory_st_wrong"), ("cookie", cookie.as_str())];
    for headers in [&[][..], &[("cookie", changed.as_str())], &wrong_first, &[("authorization", "Bearer ory_st_wrong")]]
    {
        let answer = world.public("GET", "/sessions/whoami", headers).await;
        let expected = json!({ "error": {
            "code": 401, "status": "Unauthorized", "message": "The request could not be authorized",
            "reason": "No valid session credentials found in the request.",
        } });
        assert_eq!((answer.status, answer.json()), (401, expected));
        assert_eq!(answer.header("ory-session-cache-for"), headers.is_empty().then_some("60"));
    }
    let cached = world.public("GET", "/sessions/whoami", &[("cookie", &cookie)]).await;
    let seconds: u64 = cached.header("ory-session-cache-for").unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&seconds));
}

#[tokio::test]
async fn a_session_becomes_a_signed_token() {
    let world = World::start().await;
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let header = [("x-session-token", token.as_str())];
    let tokenized = world.public("GET", "/sessions/whoami?tokenize_as=plain", &header).await.json();
    let claims = tokenized["tokenized"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(
        (&claims["sub"], &claims["sid"], &claims["iss"]),
        (&json!(id), &json!(session.id), &json!("http://id.example/"))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    let unknown = world.public("GET", "/sessions/whoami?tokenize_as=nope", &header).await;
    assert_eq!(
        (unknown.status, &unknown.json()["error"]["reason"]),
        (400, &json!("Unable to find tokenizer template \"nope\"."))
    );
}

#[tokio::test]
async fn one_sees_and_ends_ones_other_sessions_only() {
    let world = World::start().await;
    let (alice, bob) = (world.person("alice@x.example").await, world.person("bob@x.example").await);
    let (own, token) = world.sign_in(alice).await;
    let (other, other_token) = world.sign_in(alice).await;
    let (strange, strange_token) = world.sign_in(bob).await;
    let header = [("x-session-token", token.as_str())];
    let list = world.public("GET", "/sessions", &header).await;
    assert_eq!((list.json()[0]["id"].clone(), list.header("x-total-count")), (json!(other.id), Some("1")));
    assert_eq!(list.json()[0]["identity"]["schema_url"], "");
    assert_eq!(list.json()[0]["identity"].get("verifiable_addresses"), None);
    let end = async |id: String| world.public("DELETE", &format!("/sessions/{id}"), &header).await;
    let current = end(own.id.to_string()).await;
    assert_eq!((current.status, &current.json()["error"]["message"]), (400, &json!("cannot revoke current session")));
    let nonsense = end("nonsense".to_owned()).await.json();
    assert_eq!(nonsense["error"]["message"], "uuid: incorrect UUID length 8 in string \"nonsense\"");
    assert_eq!(end(strange.id.to_string()).await.status, 204);
    assert_eq!(world.public("GET", "/sessions/whoami", &[("x-session-token", &strange_token)]).await.status, 200);
    let ended = end(other.id.to_string()).await;
    assert_eq!((ended.status, ended.header("content-type")), (204, Some("application/json; charset=utf-8")));
    assert_eq!(world.public("GET", "/sessions/whoami", &[("x-session-token", &other_token)]).await.status, 401);
    // Kratos: counts those that had ended before, too.
    assert_eq!(world.public("DELETE", "/sessions", &header).await.json(), json!({ "count": 1 }));
    assert_eq!(world.public("GET", "/sessions", &[]).await.json()["error"]["reason"], "No valid session cookie found.");
}

#[tokio::test]
async fn operators_list_extend_disable_and_delete_sessions() {
    let world = World::start().await;
    let (alice, bob) = (world.person("alice@x.example").await, world.person("bob@x.example").await);
    let (session, token) = world.sign_in(alice).await;
    world.sign_in(bob).await;
    let list = world.admin("GET", "/admin/sessions", None).await.json();
    assert_eq!(
        (list.as_array().unwrap().len(), &list[0]["identity"], &list[0]["devices"]),
        (2, &Value::Null, &Value::Null)
    );
    let page = world.admin("GET", "/admin/sessions?active=true&expand=identity&page_size=1", None).await;
    assert_eq!(page.json()[0]["identity"]["metadata_admin"], Value::Null);
    let next = page
        .header("link")
        .unwrap()
        .split(',')
        .nth(1)
        .unwrap()
        .trim_start_matches('<')
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(world.admin("GET", &next, None).await.json()[0]["id"], json!(session.id));
    assert_eq!(world.admin("GET", "/admin/sessions?expand=nonsense", None).await.status, 400);
    assert_eq!(world.admin("GET", "/admin/sessions?active=maybe", None).await.status, 400);
    let target = format!("/admin/sessions/{}", session.id);
    let read = world.admin("GET", &target, None).await.json();
    assert_eq!((&read["identity"], &read["devices"]), (&Value::Null, &json!([])));
    let extended = world.admin("PATCH", &format!("{target}/extend"), None).await;
    assert_eq!((extended.status, &extended.json()["identity"]["id"]), (200, &json!(alice)));
    assert_eq!(world.admin("DELETE", &target, None).await.status, 204);
    assert_eq!(world.public("GET", "/sessions/whoami", &[("x-session-token", &token)]).await.status, 401);
    assert_eq!(world.admin("GET", &target, None).await.json()["active"], false);
    let everybody = json!({ "action": "delete", "identities": ["*"] });
    let managed = send(world.admin, &request_text("POST", "/admin/sessions", &[], Some(&everybody))).await;
    assert_eq!(managed.json(), json!({ "processed": 2, "more": false }));
    let none_left = world.admin("DELETE", &format!("/admin/identities/{bob}/sessions"), None).await;
    assert_eq!(none_left.status, 404);
}

#[tokio::test]
async fn a_longer_session_gives_the_browser_a_longer_cookie() {
    let world = World::start().await;
    let id = world.person("alice@x.example").await;
    let (session, token) = world.sign_in(id).await;
    let cookie = world.cookie(&session, &token);
    let extended = world.admin("PATCH", &format!("/admin/sessions/{}/extend", session.id), None).await;
    assert_eq!(extended.status, 200, "{}", extended.body);
    let answer = world.public("GET", "/sessions/whoami", &[("cookie", &cookie)]).await;
    let renewed = answer.cookies()[0].split(';').next().unwrap().to_owned();
    assert!(renewed.starts_with("ory_kratos_session=") && renewed != cookie);
    let again = world.public("GET", "/sessions/whoami", &[("cookie", &renewed)]).await;
    assert_eq!((again.status, again.cookies().len()), (200, 0));
    let by_token = world.public("GET", "/sessions/whoami", &[("x-session-token", &token), ("cookie", "x=y")]).await;
    assert_eq!((by_token.status, by_token.cookies().len()), (200, 0));
}
