use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_fake_entra::{Certificate, Client, FederatedCredential, TEST_CLIENT_ID};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use serde_json::{Value, json};

use crate::browser::{Site, site};

const CERTIFICATE: &str = include_str!("client.pem");
const KEY: &[u8] = include_bytes!("client.pk8");
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn jwt(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let pair = RsaKeyPair::from_pkcs8(KEY).expect("key");
    let mut signature = vec![0; pair.public().modulus_len()];
    let padding: &dyn RsaEncoding = if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    pair.sign(padding, &SystemRandom::new(), input.as_bytes(), &mut signature).expect("signature");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn certificate() -> Certificate {
    Certificate::from_pem(CERTIFICATE).expect("certificate")
}

async fn prepared() -> Site {
    let site = site().await;
    let control = site.entra.control();
    let client = control.client(TEST_CLIENT_ID).expect("registered");
    let credential = |subject: &str, key| FederatedCredential {
        issuer: "https://token.example/issuer".into(),
        subject: subject.into(),
        key,
    };
    control.put_client(Client {
        certificates: vec![certificate()],
        federated: vec![credential("workload-1", Some(certificate().key)), credential("unchecked", None)],
        ..client
    });
    // A standing clock, so that the assertion's times are plain numbers.
    control.set_clock(Some(1_800_000_000));
    site
}

async fn exchange(site: &Site, assertion: &str) -> (u16, Value) {
    let code = site.code("common", &[("login_hint", "alice")]).await;
    let changes = [("client_secret", ""), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
    let (status, answer) = site.redeem("common", &code, &changes).await;
    (status, answer["error_codes"][0].clone())
}

fn claims(site: &Site) -> Value {
    json!({
        "aud": site.url("/common/oauth2/v2.0/token"), "iss": TEST_CLIENT_ID, "sub": TEST_CLIENT_ID,
        "exp": 1_800_000_300, "nbf": 1_800_000_000, "jti": "one",
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn assertion_of_a_registered_certificate_is_accepted() {
    let site = prepared().await;
    let certificate = certificate();
    let s256 = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": certificate.thumbprint_s256 });
    assert_eq!(exchange(&site, &jwt(&s256, &claims(&site))).await.0, 200);
    let s1 = json!({ "alg": "RS256", "x5t": certificate.thumbprint_s1 });
    assert_eq!(exchange(&site, &jwt(&s1, &claims(&site))).await.0, 200);
}

#[tokio::test]
async fn assertions_that_do_not_fit_are_refused() {
    let site = prepared().await;
    let certificate = certificate();
    let header = json!({ "alg": "PS256", "x5t#S256": certificate.thumbprint_s256 });
    let good = jwt(&header, &claims(&site));
    let mut broken = good.clone();
    broken.replace_range(
        good.len() - 40..good.len() - 39,
        if &good[good.len() - 40..good.len() - 39] == "A" { "B" } else { "A" },
    );
    let foreign_key = json!({ "alg": "PS256", "x5t#S256": "other" });
    let no_signature = json!({ "alg": "none", "x5t#S256": certificate.thumbprint_s256 });
    for (assertion, expected) in [
        (broken, 700027),
        (jwt(&foreign_key, &claims(&site)), 700027),
        (jwt(&no_signature, &claims(&site)), 700027),
        (jwt(&header, &with(claims(&site), "exp", json!(1_799_999_000))), 700024),
        (jwt(&header, &with(claims(&site), "nbf", json!(1_800_009_000))), 700024),
        (jwt(&header, &with(claims(&site), "aud", json!("https://elsewhere.example/common/oauth2/v2.0/token"))), 50027),
        (jwt(&header, &with(claims(&site), "sub", json!("another"))), 700021),
        ("not-a-jwt".to_owned(), 50027),
    ] {
        assert_eq!(exchange(&site, &assertion).await, (401, json!(expected)));
    }
}

#[tokio::test]
async fn federated_token_needs_issuer_subject_and_one_audience() {
    let site = prepared().await;
    let header = json!({ "alg": "RS256" });
    let token = |subject: &str, issuer: &str, audience: Value| {
        jwt(&header, &json!({ "iss": issuer, "sub": subject, "aud": audience, "exp": 1_800_000_060 }))
    };
    let (issuer, audience) = ("https://token.example/issuer", "api://AzureADTokenExchange");
    for (assertion, expected) in [
        (token("workload-1", issuer, json!(audience)), None),
        (token("unchecked", issuer, json!([audience])), None),
        (token("workload-2", issuer, json!(audience)), Some(700213)),
        (token("workload-1", "https://other.example", json!(audience)), Some(700211)),
        (token("workload-1", issuer, json!("api://other")), Some(700212)),
        (token("workload-1", issuer, json!([audience, "more"])), Some(700212)),
    ] {
        assert_eq!(exchange(&site, &assertion).await.1, json!(expected));
    }
}

#[test]
fn certificate_that_is_none_is_refused() {
    assert!(Certificate::from_pem("hello").is_err());
}
