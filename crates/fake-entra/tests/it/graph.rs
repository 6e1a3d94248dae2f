use base64::Engine as _;
use bia_fake_entra::people;
use serde_json::{Value, json};

use crate::browser::{Site, site, text};

async fn token(site: &Site, who: &str) -> String {
    text(&site.sign_in("common", who, &[]).await, "access_token").to_owned()
}

async fn json_of(site: &Site, path: &str, token: &str) -> Value {
    site.bearer(path, token).await.json().await.expect("JSON")
}

#[tokio::test]
async fn me_gives_default_fields_and_more_when_selected() {
    let site = site().await;
    let token = token(&site, "alice").await;
    let me = json_of(&site, "/v1.0/me", &token).await;
    assert_eq!(me["id"], people()[0].oid);
    assert_eq!((&me["jobTitle"], me.get("department")), (&json!("Engineer"), None));
    let selected = json_of(&site, "/v1.0/me?$select=department,companyName", &token).await;
    assert_eq!(selected["department"], "Research");
    assert!(selected.get("displayName").is_none());
    assert_eq!(site.bearer("/v1.0/me?$select=nonsense", &token).await.status(), 400);
    site.entra.control().overlay_graph(json!({ "department": "Sales" }).as_object().cloned().expect("object"));
    assert_eq!(json_of(&site, "/v1.0/me?$select=department", &token).await["department"], "Sales");
}

#[tokio::test]
async fn memberships_come_page_by_page() {
    let site = site().await;
    let token = token(&site, "manygroups").await;
    let mut next = Some(site.url("/v1.0/me/transitiveMemberOf?$top=100&$select=id,displayName"));
    let mut sizes = Vec::new();
    while let Some(url) = next {
        let page = json_of(&site, &url, &token).await;
        let value = page["value"].as_array().expect("value");
        assert!(value[0]["displayName"].is_string() && value[0].get("securityEnabled").is_none());
        sizes.push(value.len());
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(sizes, [100, 100, 50]);
    let direct = json_of(&site, "/v1.0/me/memberOf?$top=999", &token).await;
    assert_eq!(direct["value"].as_array().map(Vec::len), Some(200));
}

#[tokio::test]
async fn memberships_say_of_which_kind_they_are() {
    let site = site().await;
    let token = token(&site, "alice").await;
    let kinds = |page: &Value| -> Vec<String> {
        let value = page["value"].as_array().expect("value");
        value.iter().map(|item| item["@odata.type"].as_str().expect("type").to_owned()).collect()
    };
    let all = kinds(&json_of(&site, "/v1.0/me/transitiveMemberOf", &token).await);
    assert!(all.contains(&"#microsoft.graph.directoryRole".to_owned()));
    let groups = kinds(&json_of(&site, "/v1.0/me/transitiveMemberOf/microsoft.graph.group", &token).await);
    assert_eq!(groups, vec!["#microsoft.graph.group"; 3]);
}

#[tokio::test]
async fn prefix_stays_in_the_address_of_the_next_page() {
    let site = site().await;
    let token = token(&site, "manygroups").await;
    let page = json_of(&site, "/usgov/v1.0/me/memberOf?$top=1", &token).await;
    assert!(text(&page, "@odata.nextLink").starts_with(&site.url("/usgov/v1.0/me/memberOf?")));
}

#[tokio::test]
async fn strangers_and_personal_accounts_are_refused() {
    let site = site().await;
    assert_eq!(site.get("/v1.0/me").await.status(), 401);
    assert_eq!(site.bearer("/v1.0/me", "guessed").await.status(), 401);
    let token = token(&site, "carol").await;
    assert_eq!(site.bearer("/v1.0/me/memberOf", &token).await.status(), 403);
}

#[tokio::test]
async fn scope_is_enforced_when_asked_to() {
    let site = site().await;
    site.entra.control().enforce_graph_scopes(true);
    let without = token(&site, "alice").await;
    assert_eq!(site.bearer("/v1.0/me", &without).await.status(), 403);
    let answer = site.sign_in("common", "alice", &[("scope", "openid https://graph.microsoft.com/User.Read")]).await;
    assert_eq!(site.bearer("/v1.0/me", text(&answer, "access_token")).await.status(), 200);
}

#[tokio::test]
async fn claims_challenge_is_met_by_repeating_authorize_with_its_claims() {
    let site = site().await;
    site.entra.control().require_graph_context(Some("c1"));
    let first = token(&site, "alice").await;
    let refused = site.bearer("/v1.0/me", &first).await;
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().expect("ASCII").to_owned();
    assert!(challenge.contains("error=\"insufficient_claims\""));
    let encoded = challenge.split("claims=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("claims");
    let claims = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
    let claims = String::from_utf8(claims).expect("UTF-8");
    let second = site.sign_in("common", "alice", &[("claims", &claims)]).await;
    assert_eq!(site.bearer("/v1.0/me", text(&second, "access_token")).await.status(), 200);
}

#[tokio::test]
async fn userinfo_has_the_subject_of_the_id_token() {
    let site = site().await;
    let answer = site.sign_in("common", "alice", &[]).await;
    let info = json_of(&site, "/oidc/userinfo", text(&answer, "access_token")).await;
    assert_eq!(info["sub"], crate::browser::payload(text(&answer, "id_token"))["sub"]);
    assert!(info.get("oid").is_none() && info.get("tid").is_none());
}
