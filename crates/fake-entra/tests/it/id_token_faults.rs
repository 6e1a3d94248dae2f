use bia_fake_entra::{Fault, IdTokenFault, TEST_CLIENT_ID, TEST_CLIENT_SECRET};
use serde_json::{Map, Value, json};

use crate::browser::{Site, header, payload, site, text};

const KEYS: &str = "/common/discovery/v2.0/keys";

async fn with_fault(site: &Site, fault: IdTokenFault) -> Value {
    site.entra.control().add_fault(Fault::id_token(fault).times(1));
    site.sign_in("common", "alice", &[]).await
}

#[tokio::test]
async fn signature_faults_are_what_they_say() {
    let site = site().await;
    let published = site.entra.control().key_ids();
    let kid = |token: &str| header(token).get("kid").and_then(Value::as_str).map(str::to_owned);

    let answer = with_fault(&site, IdTokenFault::BadSignature).await;
    assert_eq!(kid(text(&answer, "id_token")).as_ref(), published.first());
    assert!(!site.is_signed(text(&answer, "id_token"), KEYS).await);

    let answer = with_fault(&site, IdTokenFault::StrangerSameKid).await;
    assert_eq!(kid(text(&answer, "id_token")).as_ref(), published.first());
    assert!(!site.is_signed(text(&answer, "id_token"), KEYS).await);

    let answer = with_fault(&site, IdTokenFault::UnknownKey).await;
    assert!(!published.contains(&kid(text(&answer, "id_token")).expect("kid")));
    assert!(!site.is_signed(text(&answer, "id_token"), KEYS).await);

    let answer = with_fault(&site, IdTokenFault::NoKid).await;
    assert_eq!(kid(text(&answer, "id_token")), None);

    let answer = with_fault(&site, IdTokenFault::RotatedKey).await;
    assert!(!published.contains(&kid(text(&answer, "id_token")).expect("kid")));
    assert!(site.is_signed(text(&answer, "id_token"), KEYS).await);

    let honest = site.sign_in("common", "alice", &[]).await;
    assert!(site.is_signed(text(&honest, "id_token"), KEYS).await);
}

#[tokio::test]
async fn algorithm_faults_are_what_they_say() {
    let site = site().await;
    let answer = with_fault(&site, IdTokenFault::AlgNone).await;
    let token = text(&answer, "id_token");
    assert_eq!(header(token)["alg"], "none");
    assert!(token.ends_with('.'));

    let answer = with_fault(&site, IdTokenFault::Hs256 { value: None }).await;
    let token = text(&answer, "id_token");
    assert_eq!(header(token)["alg"], "HS256");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, TEST_CLIENT_SECRET.as_bytes());
    use base64::Engine as _;
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert!(ring::hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
}

#[tokio::test]
async fn claim_faults_are_what_they_say_and_well_signed() {
    let site = site().await;
    site.entra.control().set_clock(Some(1_800_000_000));
    let value = || Some("wrong".to_owned());
    let overlay = json!({ "roles": ["Owner"] }).as_object().cloned().expect("object");
    for (fault, name, expected) in [
        (IdTokenFault::WrongNonce, "nonce", json!("not-the-nonce-that-was-sent")),
        (IdTokenFault::NoNonce, "nonce", Value::Null),
        (IdTokenFault::WrongAud { value: value() }, "aud", json!("wrong")),
        (IdTokenFault::WrongIss { value: value() }, "iss", json!("wrong")),
        (IdTokenFault::WrongTid { value: value() }, "tid", json!("wrong")),
        (IdTokenFault::Expired { seconds: Some(10) }, "exp", json!(1_799_999_990)),
        (IdTokenFault::NotYetValid { seconds: Some(10) }, "nbf", json!(1_800_000_010)),
        (IdTokenFault::FutureIat { seconds: Some(10) }, "iat", json!(1_800_000_010)),
        (IdTokenFault::AudArray, "aud", json!([TEST_CLIENT_ID, "another-audience"])),
        (IdTokenFault::Claims { claims: overlay, drop: vec![] }, "roles", json!(["Owner"])),
        (IdTokenFault::Claims { claims: Map::new(), drop: vec!["iss".into()] }, "iss", Value::Null),
    ] {
        let answer = with_fault(&site, fault.clone()).await;
        let token = text(&answer, "id_token");
        assert_eq!(payload(token).get(name).cloned().unwrap_or_default(), expected, "{fault:?}");
        assert!(site.is_signed(token, KEYS).await, "{fault:?}");
    }
}

#[tokio::test]
async fn default_wrong_values_differ_from_the_right_ones() {
    let site = site().await;
    let honest = site.claims_of("alice").await;
    for (fault, name) in [
        (IdTokenFault::WrongAud { value: None }, "aud"),
        (IdTokenFault::WrongIss { value: None }, "iss"),
        (IdTokenFault::WrongTid { value: None }, "tid"),
    ] {
        let answer = with_fault(&site, fault).await;
        assert_ne!(payload(text(&answer, "id_token"))[name], honest[name]);
    }
}

#[tokio::test]
async fn missing_and_unreadable_tokens_are_possible() {
    let site = site().await;
    assert!(with_fault(&site, IdTokenFault::NoIdToken).await.get("id_token").is_none());
    assert_eq!(text(&with_fault(&site, IdTokenFault::NotJwt).await, "id_token"), "this-is-not-a-jwt");
}

#[tokio::test]
async fn overlays_hold_until_reset() {
    let site = site().await;
    let control = site.entra.control();
    control.overlay_claims(json!({ "xms_edov": "1" }).as_object().cloned().expect("object"));
    control.drop_claims(&["email"]);
    control.set_token_lifetime(60);
    let claims = site.claims_of("alice").await;
    assert_eq!(claims["xms_edov"], "1");
    assert!(claims.get("email").is_none());
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|issued| issued + 60));
    control.reset();
    assert_eq!(site.claims_of("alice").await["email"], "alice@contoso.example");
}
