use bia_fake_entra::{PLAIN_CLIENT_ID, PLAIN_CLIENT_SECRET};
use serde_json::{Value, json};

use crate::browser::{CALLBACK, Site, payload, returned, site, text};

async fn sign_in(site: &Site, name: &str, secret_in_form: bool) -> (u16, Value) {
    let issuer = site.entra.plain_issuer(name);
    let query = [
        ("client_id", PLAIN_CLIENT_ID),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("redirect_uri", CALLBACK),
        ("login_hint", "alice"),
    ];
    let answer = site.http.get(format!("{issuer}/authorize")).query(&query).send().await.expect("answer");
    let code = returned(&answer)["code"].clone();
    let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let request = site.http.post(format!("{issuer}/token"));
    let request = if secret_in_form {
        form.extend([("client_id", PLAIN_CLIENT_ID), ("client_secret", PLAIN_CLIENT_SECRET)]);
        request
    } else {
        request.basic_auth(PLAIN_CLIENT_ID, Some(PLAIN_CLIENT_SECRET))
    };
    let answer = request.form(&form).send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn providers_differ_in_what_they_announce() {
    let site = site().await;
    let document = |name: &str| format!("/op/{name}/.well-known/openid-configuration");
    assert!(site.get_json(&document("plain")).await.get("code_challenge_methods_supported").is_none());
    assert!(site.get_json(&document("pkce")).await["code_challenge_methods_supported"].is_array());
    assert!(site.get_json(&document("nouserinfo")).await.get("userinfo_endpoint").is_none());
    assert!(text(&site.get_json(&document("badissuer")).await, "issuer").ends_with("/op/badissuer/somewhere-else"));
    assert!(text(&site.get_json(&document("trailing")).await, "issuer").ends_with("/op/trailing/"));
    let says_who_answers =
        |document: Value| document.get("authorization_response_iss_parameter_supported") == Some(&json!(true));
    assert!(says_who_answers(site.get_json(&document("named")).await));
    assert!(!says_who_answers(site.get_json(&document("plain")).await));
    assert_eq!(site.get(&document("nobody")).await.status(), 404);
}

#[tokio::test]
async fn tokens_verify_and_name_the_issuer() {
    let site = site().await;
    for name in ["plain", "second", "trailing"] {
        let (status, answer) = sign_in(&site, name, true).await;
        assert_eq!(status, 200);
        let token = text(&answer, "id_token");
        assert!(site.is_signed(token, &format!("/op/{name}/keys")).await);
        let document = site.get_json(&format!("/op/{name}/.well-known/openid-configuration")).await;
        let claims = payload(token);
        assert_eq!(claims["iss"], document["issuer"]);
        assert_eq!((&claims["sub"], &claims["email_verified"]), (&json!("op-alice"), &json!(true)));
        let info: Value = site
            .bearer(&format!("/op/{name}/userinfo"), text(&answer, "access_token"))
            .await
            .json()
            .await
            .expect("JSON");
        assert_eq!(info["sub"], claims["sub"]);
    }
}

#[tokio::test]
async fn client_authentication_is_limited_where_announced() {
    let site = site().await;
    assert_eq!(sign_in(&site, "basiconly", true).await.0, 401);
    assert_eq!(sign_in(&site, "basiconly", false).await.0, 200);
    assert_eq!(sign_in(&site, "postonly", false).await.0, 401);
    assert_eq!(sign_in(&site, "postonly", true).await.0, 200);
}

#[tokio::test]
async fn token_of_one_provider_is_worth_nothing_at_another() {
    let site = site().await;
    let (_, answer) = sign_in(&site, "plain", true).await;
    let token = text(&answer, "access_token");
    assert_eq!(site.bearer("/op/plain/userinfo", token).await.status(), 200);
    assert_eq!(site.bearer("/op/pkce/userinfo", token).await.status(), 401);
    assert_eq!(site.bearer("/v1.0/me", token).await.status(), 401);
}
