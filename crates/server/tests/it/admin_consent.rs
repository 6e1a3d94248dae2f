//! The page to which administrators come back after granting permissions.

use crate::world::World;
use serde_json::json;

const PAGE: &str = "/self-service/methods/oidc/admin-consent/microsoft";

async fn world() -> World {
    let provider = |id: &str, kind: &str| json!({ "id": id, "provider": kind, "client_id": "app", "client_secret": "s~s.s", "mapper_url": "file://none" });
    let mut microsoft = provider("microsoft", "microsoft");
    microsoft["microsoft_tenant"] = json!("organizations");
    microsoft["scope"] = json!(["email", "User.Read"]);
    let providers = json!([microsoft, provider("google", "google")]);
    World::with(
        json!({ "selfservice": { "methods": { "oidc": { "enabled": true, "config": { "providers": providers } } } } }),
    )
    .await
}

#[tokio::test]
async fn it_says_what_was_reported_and_that_this_proves_nothing() {
    let world = world().await;
    let tenant = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let granted = world.public("GET", &format!("{PAGE}?admin_consent=True&tenant={tenant}"), &[]).await;
    assert_eq!(granted.status, 200);
    assert!(granted.body.contains(tenant) && granted.body.contains("sign in to see"), "{}", granted.body);
    assert!(granted.header("content-security-policy").is_some_and(|csp| csp.contains("default-src 'none'")));
    let nothing = world.public("GET", PAGE, &[]).await;
    assert!(nothing.body.contains("Nothing was reported"), "{}", nothing.body);
}

#[tokio::test]
async fn a_refusal_is_explained_with_what_was_asked_for() {
    let world = world().await;
    let query = "error=access_denied&error_description=AADSTS65004%3A+declined";
    let refused = world.public("GET", &format!("{PAGE}?{query}"), &[]).await;
    assert!(
        refused.body.contains("was not granted") && refused.body.contains("email, User.Read, openid"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn nothing_of_the_query_reaches_the_page_as_it_came() {
    let world = world().await;
    for query in [
        "admin_consent=True&tenant=%3Cscript%3Ealert(1)%3C/script%3E",
        "error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%3Cscript%3Ealert(1)%3C/script%3E",
        "admin_consent=%3Cscript%3E&tenant=evil.example",
    ] {
        let page = world.public("GET", &format!("{PAGE}?{query}"), &[]).await;
        assert_eq!(page.status, 200);
        for part in ["<script", "alert(1)", "evil.example"] {
            assert!(!page.body.contains(part), "{query}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn only_connections_to_microsoft_have_such_a_page() {
    let world = world().await;
    for id in ["google", "nobody"] {
        assert_eq!(
            world.public("GET", &format!("/self-service/methods/oidc/admin-consent/{id}"), &[]).await.status,
            404
        );
    }
}
