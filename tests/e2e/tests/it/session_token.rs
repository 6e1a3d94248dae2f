//! Groups on their way from Entra into a token that other programs read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_e2e::Site;
use serde_json::{Value, json};

const MAPPER: &str = "
  local claims = std.extVar('claims');
  { identity: { traits: { email: claims.email }, metadata_public: { groups: claims.raw_claims.groups } } }
";

fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap_or_else(|| panic!("no token: {token}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

#[tokio::test]
async fn f10_groups_of_the_token_reach_the_session_token() {
    let mut site = Site::new().await;
    site.write("groups.jsonnet", MAPPER);
    site.write("key.json", include_str!("../../fixtures/session-key.json"));
    site.write("session-token.jsonnet", include_str!("../../../../config/session-token.jsonnet"));
    let file = |site: &Site, name: &str| format!("file://{}", site.path(name).display());
    let mapper_url = file(&site, "groups.jsonnet");
    site.provider("microsoft", json!({ "mapper_url": mapper_url }));
    let template = json!({
        "jwks_url": file(&site, "key.json"), "claims_mapper_url": file(&site, "session-token.jsonnet"), "ttl": "5m",
    });
    site.change(json!({ "session": { "whoami": { "tokenizer": { "templates": { "groups": template } } } } }));
    let bia = site.start().await;
    let alice = site.browser("alice");
    let session = alice.signed_in(&bia, "microsoft").await;
    let groups = &session["identity"]["metadata_public"]["groups"];
    assert_eq!(groups.as_array().map(Vec::len), Some(3), "{session}");
    let url = format!("{}/sessions/whoami?tokenize_as=groups", bia.public);
    let token = alice.get_json(url).await.expect(200)["tokenized"].clone();
    let claims = payload(token.as_str().expect("a token"));
    assert_eq!((&claims["groups"], &claims["roles"]), (groups, &json!([])));
    assert_eq!(claims["sub"], session["identity"]["id"]);
}
