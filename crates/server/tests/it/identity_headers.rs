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
    assert_eq!(ours, ["x-kratos-authenticated-identity-id"]);
}
