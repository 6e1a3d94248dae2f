//! What people may do is not theirs to edit.

use crate::bed::Bed;
use serde_json::json;

/// Writes roles where they belong: only this mapper and the admin API set metadata.
const MAPPER: &str = "local claims = std.extVar('claims');
{
  identity: {
    traits: { email: claims.email },
    metadata_public: { roles: std.get(claims.raw_claims, 'roles', []) },
  },
}";

#[tokio::test]
async fn f21_rights_forged_in_a_form_change_nothing_where_the_mapper_keeps_them_in_metadata() {
    let bed = Bed::builder().provider(json!({ "update_identity_on_login": "automatic" })).mapper(MAPPER).start().await;
    let mut browser = bed.browser();
    let flow = browser.begin_registration("").await.flow();
    let forged = [
        ("provider", "microsoft"),
        ("method", "oidc"),
        ("traits.name", "Alice"),
        ("metadata_public.roles", "Owner"),
        ("metadata_admin.roles", "Owner"),
    ];
    let answer = browser.submit(&flow, &forged).await;
    let id = browser.follow(answer, "alice").await.identity_id();
    let rights = |identity: &bia_model::Identity| (identity.metadata_public.clone(), identity.metadata_admin.clone());
    let before = rights(&bed.identity(id).await);
    assert_eq!(before, (Some(json!({ "roles": ["Admin", "Reader"] })), None));

    let flow = browser.begin_settings().await.flow();
    let forged = [
        ("method", "profile"),
        ("traits.email", "alice@contoso.example"),
        ("traits.name", "Alice Adams"),
        ("metadata_public.roles", "Owner"),
        ("metadata_admin.roles", "Owner"),
    ];
    browser.submit(&flow, &forged).await;
    let identity = bed.identity(id).await;
    assert_eq!(identity.traits["name"], "Alice Adams", "the form was taken");
    assert_eq!(rights(&identity), before);
}

#[tokio::test]
async fn f21_rights_in_traits_are_everybodys_to_forge() {
    let mapper = "local claims = std.extVar('claims');
{ identity: { traits: { email: claims.email, name: std.join(',', std.get(claims.raw_claims, 'roles', [])) } } }";
    let bed = Bed::builder().provider(json!({})).mapper(mapper).start().await;
    let mut browser = bed.signed_in("alice").await;
    let id = browser.session().await.and_then(|session| session.identity).expect("somebody").id;
    assert_eq!(bed.identity(id).await.traits["name"], "Admin,Reader");
    let flow = browser.begin_settings().await.flow();
    let forged = [("method", "profile"), ("traits.email", "alice@contoso.example"), ("traits.name", "Owner")];
    browser.submit(&flow, &forged).await;
    assert_eq!(bed.identity(id).await.traits["name"], "Owner", "which is why the linter calls such a mapper an error");
}
