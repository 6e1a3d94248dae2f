//! What the application behind a proxy reads about a person.

use crate::world::World;
use serde_json::json;

/// A person with metadata; the session token.
async fn signed_in(world: &World, extra: serde_json::Value) -> (uuid::Uuid, String) {
    let mut body = json!({ "traits": { "email": "alice@x.example" } });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let created = world.admin("POST", "/admin/identities", Some(body)).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.json()["id"].as_str().unwrap().parse().unwrap();
    (id, world.sign_in(id).await.1)
}

fn configured(headers: serde_json::Value) -> serde_json::Value {
    json!({ "bia": { "identity_headers": headers } })
}

#[tokio::test]
async fn whoami_tells_a_proxy_who_it_is_in_headers_that_were_configured() {
    let world = World::with(configured(json!({
        "X-User-Id": "{identity.id}",
        "X-User-Email": "{verified_email}",
        "X-User-Groups": r#"{metadata_public.groups|join:","}"#,
        "X-User-Aal": "{session.authenticator_assurance_level}",
        "X-User-Phone": "{traits.phone}",
    })))
    .await;
    let (id, token) = signed_in(
        &world,
        json!({
            "metadata_public": { "groups": ["staff", "a,admins", "Büro"] },
            "verifiable_addresses": [{ "value": "alice@x.example", "via": "email", "verified": true, "status": "completed" }],
        }),
    )
    .await;
    for method in ["GET", "HEAD", "POST"] {
        let answer = world.public(method, "/sessions/whoami", &[("x-session-token", &token)]).await;
        assert_eq!(answer.header("x-user-id"), Some(id.to_string().as_str()), "{method}");
        assert_eq!(answer.header("x-user-email"), Some("alice@x.example"), "{method}");
        assert_eq!(answer.header("x-user-groups"), Some("staff,a%2Cadmins,B%C3%BCro"), "{method}");
        assert_eq!(answer.header("x-user-aal"), Some("aal1"), "{method}");
        assert_eq!(answer.header("x-user-phone"), None, "{method}: what is missing makes no header");
        // Kratos' own stays as it is.
        assert_eq!(answer.header("x-kratos-authenticated-identity-id"), Some(id.to_string().as_str()));
    }
    let nobody = world.public("GET", "/sessions/whoami", &[("x-user-id", "admin")]).await;
    assert_eq!((nobody.status, nobody.header("x-user-id")), (401, None));
}

#[tokio::test]
async fn an_address_that_was_only_typed_is_not_passed_off_as_verified() {
    let world =
        World::with(configured(json!({ "X-User-Email": "{verified_email}", "X-Typed": "{traits.email}" }))).await;
    let (_, token) = signed_in(&world, json!({})).await;
    let answer = world.public("GET", "/sessions/whoami", &[("x-session-token", &token)]).await;
    assert_eq!((answer.header("x-user-email"), answer.header("x-typed")), (None, Some("alice@x.example")));
}

#[tokio::test]
async fn no_value_starts_another_header_and_none_is_cut_short() {
    let world =
        World::with(configured(json!({ "X-Note": "{metadata_public.note}", "X-Many": "{metadata_public.many}" })))
            .await;
    let many: Vec<String> = (0..3000).map(|number| format!("group-{number}")).collect();
    let metadata = json!({ "note": "x\r\nX-User-Id: admin", "many": many });
    let (_, token) = signed_in(&world, json!({ "metadata_public": metadata })).await;
    let answer = world.public("GET", "/sessions/whoami", &[("x-session-token", &token)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-note"), Some("x%0D%0AX-User-Id: admin"));
    assert_eq!((answer.header("x-user-id"), answer.header("x-many")), (None, None));
}

#[tokio::test]
async fn without_the_key_there_are_no_headers_but_kratos_own() {
    let world = World::start().await;
    let (_, token) = signed_in(&world, json!({})).await;
    let answer = world.public("GET", "/sessions/whoami", &[("x-session-token", &token)]).await;
    let ours: Vec<&String> =
        answer.headers.iter().map(|(name, _)| name).filter(|name| name.starts_with("x-")).collect();
    assert_eq!(ours, ["x-kratos-authenticated-identity-id", "x-request-id"]);
}

/// What a proxy on this machine sends along.
const ASKED: [(&str, &str); 3] =
    [("x-forwarded-proto", "http"), ("x-forwarded-host", "app.example"), ("x-forwarded-uri", "/reports?a=1%262&b=%2B")];

#[tokio::test]
async fn forward_auth_leads_a_page_to_the_login_and_back_and_tells_a_script() {
    let world = World::with(json!({ "selfservice": { "allowed_return_urls": ["http://app.example/"] } })).await;
    let page = [&ASKED[..], &[("accept", "text/html,*/*;q=0.8")]].concat();
    for method in ["GET", "POST"] {
        let answer = world.public(method, "/sessions/forward-auth", &page).await;
        let login = "http://id.example/self-service/login/browser?return_to=";
        let back = "http%3A%2F%2Fapp.example%2Freports%3Fa%3D1%25262%26b%3D%252B";
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some(format!("{login}{back}").as_str())),
            "{method}"
        );
    }
    for accept in ["*/*", "application/json", "application/json, text/html;q=0.5"] {
        let script = [&ASKED[..], &[("accept", accept)]].concat();
        let answer = world.public("GET", "/sessions/forward-auth", &script).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_u64()), (401, Some(401)), "{accept}");
    }
}

#[tokio::test]
async fn forward_auth_never_promises_a_return_to_a_strange_host() {
    let world = World::with(json!({ "selfservice": { "allowed_return_urls": ["http://app.example/"] } })).await;
    for host in ["evil.example", "app.example.evil.example", "app.example@evil.example", "evil.example/?"] {
        let headers = [("x-forwarded-host", host), ("x-forwarded-uri", "/x"), ("accept", "text/html")];
        let answer = world.public("GET", "/sessions/forward-auth", &headers).await;
        assert_eq!(answer.header("location"), Some("http://id.example/self-service/login/browser"), "{host}");
    }
}

#[tokio::test]
async fn forward_auth_says_who_it_is_in_headers_alone() {
    let world = World::with(configured(json!({ "X-User-Id": "{identity.id}" }))).await;
    let (id, token) = signed_in(&world, json!({})).await;
    let headers = [("x-session-token", token.as_str()), ("accept", "text/html"), ("x-user-id", "admin")];
    let answer = world.public("POST", "/sessions/forward-auth", &headers).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("x-user-id"), Some(id.to_string().as_str()));
    assert_eq!(answer.header("x-kratos-authenticated-identity-id"), Some(id.to_string().as_str()));
}

#[tokio::test]
async fn forward_auth_leads_to_the_second_factor_where_one_is_asked_for() {
    let provider = json!({
        "id": "microsoft", "provider": "microsoft", "client_id": "x", "client_secret": "y-and-more",
        "microsoft_tenant": "organizations", "mapper_url": "base64://e30=", "microsoft": { "step_up_context": "c1" },
    });
    let world = World::with(json!({
        "session": { "whoami": { "required_aal": "highest_available" } },
        "selfservice": {
            "allowed_return_urls": ["http://app.example/"],
            "methods": { "oidc": { "enabled": true, "config": { "providers": [provider] } } },
        },
    }))
    .await;
    let link = json!({ "oidc": { "config": { "providers": [{ "provider": "microsoft", "subject": "alice" }] } } });
    let (_, token) = signed_in(&world, json!({ "credentials": link })).await;
    let page = [&ASKED[..], &[("accept", "text/html"), ("x-session-token", &token)]].concat();
    let answer = world.public("GET", "/sessions/forward-auth", &page).await;
    let location = answer.header("location").unwrap_or_default();
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(
        location
            .starts_with("http://id.example/self-service/login/browser?aal=aal2&return_to=http%3A%2F%2Fapp.example%2F"),
        "{location}"
    );
    let script = [("accept", "application/json"), ("x-session-token", token.as_str())];
    let refused = world.public("GET", "/sessions/forward-auth", &script).await;
    assert_eq!((refused.status, refused.json()["error"]["id"].as_str()), (403, Some("session_aal2_required")));
}
