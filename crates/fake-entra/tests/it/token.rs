use bia_fake_entra::{CONTOSO_TENANT_ID, Client, TEST_CLIENT_ID, TEST_CLIENT_SECRET, TEST_EXPIRED_SECRET};
use serde_json::json;

use crate::browser::{CALLBACK, VERIFIER, header, payload, s256, site, text};

#[tokio::test]
async fn code_with_the_right_verifier_gives_a_verifiable_token() {
    let site = site().await;
    let challenge = s256(VERIFIER);
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256"), ("login_hint", "alice")];
    let code = site.code("common", &pkce).await;
    let (status, answer) = site.redeem("common", &code, &[("code_verifier", VERIFIER)]).await;
    assert_eq!(status, 200);
    let token = text(&answer, "id_token");
    assert!(site.is_signed(token, "/common/discovery/v2.0/keys").await);
    let claims = payload(token);
    assert_eq!(claims["nonce"], "the-nonce");
    assert_eq!(claims["tid"], CONTOSO_TENANT_ID);
    assert_eq!(claims["aud"], TEST_CLIENT_ID);
    assert_eq!(claims["iss"], json!(format!("{}/{CONTOSO_TENANT_ID}/v2.0", site.entra.base_url())));
    assert_eq!(claims["ver"], "2.0");
}

#[tokio::test]
async fn code_is_refused_without_its_verifier_and_stays_good_for_the_right_one() {
    let site = site().await;
    let challenge = s256(VERIFIER);
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256"), ("login_hint", "alice")];
    let code = site.code("common", &pkce).await;
    let wrong = "another-verifier-another-verifier-another-verif";
    for attempt in ["", wrong, challenge.as_str()] {
        let (status, answer) = site.redeem("common", &code, &[("code_verifier", attempt)]).await;
        assert_eq!((status, &answer["error_codes"][0]), (400, &json!(501481)), "{attempt}");
    }
    assert_eq!(site.redeem("common", &code, &[("code_verifier", VERIFIER)]).await.0, 200);
    assert_eq!(site.redeem("common", &code, &[("code_verifier", VERIFIER)]).await.1["error_codes"][0], 54005);
}

/// RFC 9700, 4.8.2: a verifier without a challenge means that somebody took the challenge out on the way.
#[tokio::test]
async fn verifier_for_a_code_without_a_challenge_is_refused() {
    let site = site().await;
    let code = site.code("common", &[("login_hint", "alice")]).await;
    let (status, answer) = site.redeem("common", &code, &[("code_verifier", VERIFIER)]).await;
    assert_eq!((status, text(&answer, "error")), (400, "invalid_grant"));
    assert_eq!(answer["error_codes"][0], 501481);
    // Refused is not used up.
    assert_eq!(site.redeem("common", &code, &[]).await.0, 200);
}

#[tokio::test]
async fn wrong_credentials_carry_entras_numbers() {
    let site = site().await;
    let code = site.code("common", &[("login_hint", "alice")]).await;
    for (changes, expected) in [
        (("client_secret", "wrong"), 7000215),
        (("client_secret", TEST_EXPIRED_SECRET), 7000222),
        (("client_secret", ""), 7000218),
        (("client_id", "nobody"), 700016),
        (("redirect_uri", "http://127.0.0.1/other"), 500112),
        (("grant_type", "password"), 70003),
        (("code", "guessed"), 9002313),
    ] {
        let (status, answer) = site.redeem("common", &code, &[changes]).await;
        assert!(status >= 400);
        assert_eq!(answer["error_codes"][0], expected, "{changes:?}");
        assert!(text(&answer, "error_description").starts_with(&format!("AADSTS{expected}: ")));
    }
}

#[tokio::test]
async fn basic_header_is_form_decoded() {
    let site = site().await;
    let issuer = site.entra.plain_issuer("basiconly");
    let authorize = format!(
        "{issuer}/authorize?client_id=plain+client%2Bodd&response_type=code&scope=openid&login_hint=alice&redirect_uri={CALLBACK}"
    );
    let answer = site.http.get(authorize).send().await.expect("answer");
    let code = crate::browser::returned(&answer)["code"].clone();
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let request = site.http.post(format!("{issuer}/token")).form(&form);
    let answer =
        request.basic_auth("plain+client%2Bodd", Some("s%25c%3Ar+e%2Bt%2F%26%3D")).send().await.expect("answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn codes_end_after_ten_minutes() {
    let site = site().await;
    let code = site.code("common", &[("login_hint", "alice")]).await;
    site.entra.control().advance_clock(601);
    assert_eq!(site.redeem("common", &code, &[]).await.1["error_codes"][0], 70008);
}

#[tokio::test]
async fn refresh_gives_the_same_subject_without_the_nonce_until_the_person_leaves() {
    let site = site().await;
    let first = site.sign_in("common", "alice", &[]).await;
    let form = [
        ("client_id", TEST_CLIENT_ID),
        ("client_secret", TEST_CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&first, "refresh_token")),
    ];
    let second: serde_json::Value = site.post("/common/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
    let (before, after) = (payload(text(&first, "id_token")), payload(text(&second, "id_token")));
    assert_eq!(before["sub"], after["sub"]);
    assert!(after.get("nonce").is_none());
    assert!(second["refresh_token"].is_string());

    site.entra.control().revoke_refresh_tokens("alice");
    let ended: serde_json::Value = site.post("/common/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
    assert_eq!((text(&ended, "error"), &ended["error_codes"][0]), ("invalid_grant", &json!(50173)));
    site.entra.control().disable_person("alice");
    let gone: serde_json::Value = site.post("/common/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
    assert_eq!((text(&gone, "error"), &gone["error_codes"][0]), ("invalid_grant", &json!(50057)));
}

#[tokio::test]
async fn subject_differs_by_application_and_stays_the_same_within_one() {
    let site = site().await;
    site.entra.control().put_client(Client::new("other-app", "other-secret"));
    let first = site.claims_of("alice").await;
    assert_eq!(first["sub"], site.claims_of("alice").await["sub"]);
    let code = site.code("common", &[("login_hint", "alice"), ("client_id", "other-app")]).await;
    let other = [("client_id", "other-app"), ("client_secret", "other-secret")];
    let (_, answer) = site.redeem("common", &code, &other).await;
    assert_ne!(first["sub"], payload(text(&answer, "id_token"))["sub"]);
}

#[tokio::test]
async fn rotated_key_signs_at_once_and_the_old_one_stays_published() {
    let site = site().await;
    let old = site.sign_in("common", "alice", &[]).await;
    site.entra.control().rotate_keys();
    let new = site.sign_in("common", "alice", &[]).await;
    assert_ne!(header(text(&old, "id_token"))["kid"], header(text(&new, "id_token"))["kid"]);
    for answer in [&old, &new] {
        assert!(site.is_signed(text(answer, "id_token"), "/common/discovery/v2.0/keys").await);
    }
    site.entra.control().drop_old_keys();
    assert!(!site.is_signed(text(&old, "id_token"), "/common/discovery/v2.0/keys").await);
}

#[tokio::test]
async fn own_signing_key_is_found_under_the_application_id_only() {
    let site = site().await;
    let control = site.entra.control();
    let client = control.client(TEST_CLIENT_ID).expect("registered");
    control.put_client(Client { custom_signing_key: true, ..client });
    let answer = site.sign_in("common", "alice", &[]).await;
    let token = text(&answer, "id_token");
    assert!(!site.is_signed(token, "/common/discovery/v2.0/keys").await);
    assert!(site.is_signed(token, &format!("/common/discovery/v2.0/keys?appid={TEST_CLIENT_ID}")).await);
}

#[tokio::test]
async fn v1_endpoint_gives_v1_tokens() {
    let site = site().await;
    let query = [
        ("client_id", TEST_CLIENT_ID),
        ("response_type", "code"),
        ("scope", "openid"),
        ("redirect_uri", CALLBACK),
        ("login_hint", "alice"),
    ];
    let authorize = site.http.get(site.url("/common/oauth2/authorize")).query(&query).send().await.expect("answer");
    let code = crate::browser::returned(&authorize)["code"].clone();
    let form = [
        ("client_id", TEST_CLIENT_ID),
        ("client_secret", TEST_CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ];
    let answer: serde_json::Value = site.post("/common/oauth2/token", &form).await.json().await.expect("JSON");
    let claims = payload(text(&answer, "id_token"));
    assert_eq!(claims["iss"], json!(format!("https://sts.windows.net/{CONTOSO_TENANT_ID}/")));
    assert_eq!((&claims["ver"], &claims["upn"]), (&json!("1.0"), &json!("alice@contoso.example")));
}
