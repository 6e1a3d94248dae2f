use bia_fake_entra::{PLAIN_CLIENT_ID, PLAIN_CLIENT_SECRET};
use serde_json::{Value, json};

use crate::browser::{CALLBACK, Site, payload, returned, site, text};

async fn code(site: &Site, authorize: &str, scope: &str) -> String {
    let query = [
        ("client_id", PLAIN_CLIENT_ID),
        ("response_type", "code"),
        ("scope", scope),
        ("redirect_uri", CALLBACK),
        ("login_hint", "alice"),
        ("access_type", "offline"),
    ];
    let answer = site.http.get(site.url(authorize)).query(&query).send().await.expect("answer");
    returned(&answer)["code"].clone()
}

fn form(code: &str) -> [(&str, &str); 5] {
    [
        ("client_id", PLAIN_CLIENT_ID),
        ("client_secret", PLAIN_CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

#[tokio::test]
async fn google_gives_the_hosted_domain_and_offline_tokens() {
    let site = site().await;
    let document = site.get_json("/google/.well-known/openid-configuration").await;
    let code = code(&site, "/google/o/oauth2/v2/auth", "openid email profile").await;
    let answer: Value = site.post("/google/token", &form(&code)).await.json().await.expect("JSON");
    let claims = payload(text(&answer, "id_token"));
    assert!(site.is_signed(text(&answer, "id_token"), "/google/oauth2/v3/certs").await);
    assert_eq!(claims["iss"], document["issuer"]);
    assert_eq!((&claims["hd"], &claims["email_verified"]), (&json!("contoso.example"), &json!(true)));
    assert!(answer["refresh_token"].is_string() && claims["at_hash"].is_string());
    let info: Value =
        site.bearer("/google/v1/userinfo", text(&answer, "access_token")).await.json().await.expect("JSON");
    assert_eq!(info["sub"], claims["sub"]);
}

#[tokio::test]
async fn github_answers_errors_with_200_and_keeps_addresses_apart() {
    let site = site().await;
    let json_form = |form: Vec<(String, String)>| {
        site.http.post(site.url("/github/login/oauth/access_token")).header("accept", "application/json").form(&form)
    };
    let owned = |code: &str| form(code).map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let refused = json_form(owned("guessed")).send().await.expect("answer");
    assert_eq!(refused.status(), 200);
    assert_eq!(refused.json::<Value>().await.expect("JSON")["error"], "bad_verification_code");

    let first = code(&site, "/github/login/oauth/authorize", "user:email").await;
    let answer: Value = json_form(owned(&first)).send().await.expect("answer").json().await.expect("JSON");
    let token = text(&answer, "access_token");
    assert!(answer.get("id_token").is_none());
    let user: Value = site.bearer("/github/user", token).await.json().await.expect("JSON");
    assert_eq!((&user["login"], user["id"].is_u64()), (&json!("alice"), true));
    let emails: Value = site.bearer("/github/user/emails", token).await.json().await.expect("JSON");
    assert_eq!(
        emails[0],
        json!({ "email": "alice@contoso.example", "primary": true, "verified": true, "visibility": "private" })
    );

    let second = code(&site, "/github/login/oauth/authorize", "read:user").await;
    let answer = site.post("/github/login/oauth/access_token", &form(&second)).await.text().await.expect("text");
    assert!(answer.starts_with("access_token=gho_"));
    let token = answer.split(['=', '&']).nth(1).expect("token").to_owned();
    assert_eq!(site.bearer("/github/user/emails", &token).await.status(), 404);
    assert_eq!(site.get("/github/user").await.status(), 401);
}

#[tokio::test]
async fn gitlab_gives_userinfo_and_its_api_by_scope() {
    let site = site().await;
    let code = code(&site, "/gitlab/oauth/authorize", "openid read_user").await;
    let answer: Value = site.post("/gitlab/oauth/token", &form(&code)).await.json().await.expect("JSON");
    let claims = payload(text(&answer, "id_token"));
    assert!(site.is_signed(text(&answer, "id_token"), "/gitlab/oauth/discovery/keys").await);
    let token = text(&answer, "access_token");
    let info: Value = site.bearer("/gitlab/oauth/userinfo", token).await.json().await.expect("JSON");
    assert_eq!((&info["sub"], &info["nickname"]), (&claims["sub"], &json!("alice")));
    let user: Value = site.bearer("/gitlab/api/v4/user", token).await.json().await.expect("JSON");
    assert_eq!(user["id"].to_string(), info["sub"].as_str().expect("text"));
}
