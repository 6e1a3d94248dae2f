use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_fake_entra::{AppleKey, Client};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::browser::{CALLBACK, Site, payload, returned, site, text};

fn secret(pair: &EcdsaKeyPair, team: &str, expires_at: i64) -> String {
    let header = json!({ "alg": "ES256", "kid": "KEY0000001" });
    let claims = json!({
        "iss": team, "sub": "apple-app", "aud": "https://appleid.apple.com", "iat": 1_800_000_000, "exp": expires_at,
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(&claims));
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).expect("signature");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn authorize(site: &Site, mode: &str) -> reqwest::Response {
    let query = [
        ("client_id", "apple-app"),
        ("response_type", "code"),
        ("response_mode", mode),
        ("scope", "name email"),
        ("redirect_uri", CALLBACK),
        ("login_hint", "alice"),
        ("nonce", "n"),
    ];
    site.http.get(site.url("/apple/auth/authorize")).query(&query).send().await.expect("answer")
}

#[tokio::test]
async fn apple_wants_form_post_and_a_signed_secret() {
    let site = site().await;
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("key");
    let key = AppleKey {
        team_id: "TEAM000001".into(),
        key_id: "KEY0000001".into(),
        public_point: pair.public_key().as_ref().to_vec(),
    };
    let control = site.entra.control();
    control.put_client(Client { apple: Some(key), ..Client::new("apple-app", "unused") });
    control.set_clock(Some(1_800_000_000));

    assert_eq!(returned(&authorize(&site, "query").await)["error"], "invalid_request");
    let page = authorize(&site, "form_post").await.text().await.expect("text");
    let value = |name: &str| {
        let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("input");
        rest.split('"').next().expect("value").to_owned()
    };
    assert!(value("user").contains("Adams"));
    let code = value("code");
    let exchange = async |secret: &str| {
        let form = [
            ("client_id", "apple-app"),
            ("client_secret", secret),
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
        ];
        let answer = site.post("/apple/auth/token", &form).await;
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    for bad in [
        "unused".to_owned(),
        secret(&pair, "OTHER", 1_800_000_300),
        secret(&pair, "TEAM000001", 1_799_999_999),
        secret(&pair, "TEAM000001", 1_900_000_000),
    ] {
        assert_eq!(exchange(&bad).await, (401, json!({ "error": "invalid_client" })));
    }
    let (status, answer) = exchange(&secret(&pair, "TEAM000001", 1_800_000_300)).await;
    assert_eq!(status, 200);
    let claims = payload(text(&answer, "id_token"));
    assert_eq!((&claims["email"], &claims["nonce"]), (&json!("alice@contoso.example"), &json!("n")));
    assert!(claims.get("name").is_none());
}
