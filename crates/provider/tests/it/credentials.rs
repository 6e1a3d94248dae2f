//! Secrets in order, from a file, a certificate, a federated token.

use crate::support::World;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_fake_entra::{
    Certificate, Client, Endpoint, EndpointFault, Fault, FederatedCredential, TEST_CLIENT_ID, TEST_CLIENT_SECRET,
    TEST_EXPIRED_SECRET,
};
use ring::signature::{RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};
use std::io::Write;

const CERTIFICATE: &str = include_str!("client.pem");
/// The same certificate; its key is encrypted by what `openssl pkcs8 -topk8` uses today.
const ENCRYPTED: &str = include_str!("client-encrypted.pem");
const PASSWORD: &str = "open sesame";

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn secrets_are_tried_in_order_and_each_once() {
    let world = World::new().await;
    let provider = world.microsoft(json!({
        "client_secret": null, "client_secrets": [TEST_EXPIRED_SECRET, "wrong", TEST_CLIENT_SECRET],
    }));
    world.sign_in(&provider, "alice").await.expect("the third secret fits");
    assert_eq!(world.control().count(Endpoint::Token), 3);
    let provider = world.microsoft(json!({ "client_secret": null, "client_secrets": ["wrong", TEST_EXPIRED_SECRET] }));
    world.control().clear_log();
    world.sign_in(&provider, "alice").await.expect_err("none fits");
    assert_eq!(world.control().count(Endpoint::Token), 2);
}

#[tokio::test]
async fn another_secret_is_not_tried_when_the_code_is_refused() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "client_secrets": ["second"] }));
    world.control().add_fault(Fault::at(Endpoint::Token, EndpointFault::aadsts("invalid_grant", 54005, "used")));
    world.sign_in(&provider, "alice").await.expect_err("the code was refused");
    assert_eq!(world.control().count(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_changed_secret_file_counts_at_the_next_sign_in() {
    let world = World::new().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "wrong").unwrap();
    let provider = world.microsoft(json!({ "client_secret": null, "client_secret_file": file.path() }));
    world.sign_in(&provider, "alice").await.expect_err("a wrong secret");
    std::fs::write(file.path(), format!("{TEST_CLIENT_SECRET}\n")).unwrap();
    world.sign_in(&provider, "alice").await.expect("the new content");
    std::fs::remove_file(file.path()).unwrap();
    let error = world.sign_in(&provider, "alice").await.expect_err("no file");
    assert!(error.log_fields().iter().any(|(name, value)| *name == "config_key" && value == "client_secret_file"));
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_that_its_public_key_verifies() {
    let world = World::new().await;
    let uploaded = Certificate::from_pem(CERTIFICATE).unwrap();
    world
        .control()
        .put_client(Client { certificates: vec![uploaded.clone()], ..Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET) });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(CERTIFICATE.as_bytes()).unwrap();
    let provider = world
        .microsoft(json!({ "client_secret": null, "microsoft": { "client_certificate": { "file": file.path() } } }));
    world.sign_in(&provider, "alice").await.expect("the stand-in accepts it");
    world.sign_in(&provider, "alice").await.expect("and a second one");
    let calls = world.control().calls();
    let sent: Vec<_> = calls.iter().filter(|c| c.endpoint == Endpoint::Token).collect();
    let assertion = &sent[0].form["client_assertion"];
    assert!(!sent[0].form.contains_key("client_secret") && sent[0].authorization.is_none());
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let (header, claims) = (decoded(header), decoded(claims));
    assert_eq!(header["alg"], "PS256");
    assert_eq!(header["x5t#S256"].as_str(), uploaded.thumbprint_s256.as_deref());
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(TEST_CLIENT_ID), Some(TEST_CLIENT_ID)));
    assert_eq!(claims["aud"], format!("{}/common/oauth2/v2.0/token", world.entra.base_url()));
    let lifespan = claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap();
    assert!((300..=600).contains(&lifespan));
    let key = RsaPublicKeyComponents { n: &uploaded.key.modulus, e: &uploaded.key.exponent };
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(&RSA_PSS_2048_8192_SHA256, signed.as_bytes(), &signature).expect("a PS256 signature");
    let second = &sent[1].form["client_assertion"];
    let jti = |token: &str| decoded(token.split('.').nth(1).unwrap())["jti"].clone();
    assert_ne!(jti(assertion), jti(second), "each assertion is used once");
}

/// Signs in with that file as certificate; tells what the log got to read when it failed.
async fn sign_in_with(world: &World, content: &[u8], password: Option<&str>) -> Result<(), String> {
    let uploaded = Certificate::from_pem(CERTIFICATE).unwrap();
    world
        .control()
        .put_client(Client { certificates: vec![uploaded], ..Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET) });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate");
    std::fs::write(&file, content).unwrap();
    let mut certificate = json!({ "file": file });
    if let Some(password) = password {
        let file = folder.path().join("password");
        std::fs::write(&file, format!("{password}\r\n")).unwrap();
        certificate["password_file"] = json!(file);
    }
    let provider =
        world.microsoft(json!({ "client_secret": null, "microsoft": { "client_certificate": certificate } }));
    world.sign_in(&provider, "alice").await.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_encrypted_key_is_opened_with_the_password_in_its_file() {
    let world = World::new().await;
    sign_in_with(&world, ENCRYPTED.as_bytes(), Some(PASSWORD)).await.expect("the password fits");
    let windows = ENCRYPTED.replace('\n', "\r\n");
    sign_in_with(&world, windows.as_bytes(), Some(PASSWORD)).await.expect("with the line ends of Windows");
    let error = sign_in_with(&world, ENCRYPTED.as_bytes(), Some("opensesame")).await.expect_err("another password");
    assert!(error.contains("the password does not fit") && !error.contains("opensesame"), "{error}");
    let error = sign_in_with(&world, ENCRYPTED.as_bytes(), None).await.expect_err("no password");
    assert!(error.contains("password_file"), "{error}");
    let damaged = ENCRYPTED.replacen("\nMII", "\nMIA", 1);
    sign_in_with(&world, damaged.as_bytes(), Some(PASSWORD)).await.expect_err("a damaged key");
}

#[tokio::test]
async fn a_certificate_can_be_inspected_before_anybody_signs_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    std::fs::write(&file, CERTIFICATE).unwrap();
    let config = serde_json::from_value(json!({ "file": file })).unwrap();
    let info = bia_provider::inspect_certificate(&config).await.unwrap();
    let uploaded = Certificate::from_pem(CERTIFICATE).unwrap();
    assert_eq!(Some(info.thumbprint), uploaded.thumbprint_s256);
    assert_eq!(info.portal_thumbprint.len(), 40);
    assert!(info.not_after > crate::support::now().secs());
    std::fs::remove_file(&file).unwrap();
    assert!(bia_provider::inspect_certificate(&config).await.is_err());
}

#[cfg(feature = "pfx")]
#[tokio::test]
async fn a_pkcs12_file_signs_like_its_pem_form() {
    let world = World::new().await;
    for file in [&include_bytes!("client.p12")[..], &include_bytes!("client-legacy.p12")[..]] {
        sign_in_with(&world, file, Some(PASSWORD)).await.expect("the password fits");
        let error = sign_in_with(&world, file, Some("other")).await.expect_err("another password");
        assert!(error.contains("the password does not fit"), "{error}");
        sign_in_with(&world, &file[..file.len() / 2], Some(PASSWORD)).await.expect_err("half a file");
    }
}

#[cfg(not(feature = "pfx"))]
#[tokio::test]
async fn a_pkcs12_file_is_refused_with_the_command_that_turns_it_into_pem() {
    let world = World::new().await;
    let error = sign_in_with(&world, include_bytes!("client.p12"), Some(PASSWORD)).await.expect_err("no feature");
    assert!(error.contains("openssl pkcs12 -in"), "{error}");
}

#[tokio::test]
async fn a_federated_token_is_sent_unchanged_and_read_again_each_time() {
    let world = World::new().await;
    let trusted =
        FederatedCredential { issuer: "https://k8s.example".to_owned(), subject: "pod".to_owned(), key: None };
    world.control().put_client(Client { federated: vec![trusted], ..Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET) });
    let token = |id: &str| {
        let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": "k" }).to_string());
        let exp = crate::support::now().secs() + 3600;
        let claims = json!({ "iss": "https://k8s.example", "sub": "pod", "aud": "api://AzureADTokenExchange", "exp": exp, "jti": id });
        format!("{header}.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let provider =
        world.microsoft(json!({ "client_secret": null, "microsoft": { "federated_token_file": file.path() } }));
    let mut expected = Vec::new();
    for id in ["first", "second"] {
        expected.push(token(id));
        std::fs::write(file.path(), format!("{}\n", token(id))).unwrap();
        world.sign_in(&provider, "alice").await.unwrap_or_else(|e| panic!("{id}: {e}"));
    }
    let calls = world.control().calls();
    let sent: Vec<_> = calls.iter().filter_map(|call| call.form.get("client_assertion").cloned()).collect();
    assert_eq!(sent, expected);
    std::fs::remove_file(file.path()).unwrap();
    assert_eq!(world.sign_in(&provider, "alice").await.unwrap_err().to_api().code, 500);
}

#[tokio::test]
async fn several_connections_share_one_registration() {
    let world = World::new().await;
    let base = world.entra.base_url();
    let hosts = json!({ "authority_host": base, "graph_host": base });
    let providers = world.providers(json!([
        { "id": "main", "provider": "microsoft", "client_id": TEST_CLIENT_ID, "client_secret": TEST_CLIENT_SECRET,
          "microsoft_tenant": "common", "mapper_url": "file://none", "microsoft": hosts },
        { "id": "contoso", "aliases": ["azure"], "provider": "microsoft", "credentials_from": "main",
          "microsoft_tenant": "contoso.example", "mapper_url": "file://none", "microsoft": hosts },
        { "id": "off", "enabled": false, "provider": "microsoft", "client_id": "x",
          "microsoft_tenant": "common", "mapper_url": "file://none" },
    ]));
    let contoso = providers.get("azure").expect("found by its alias");
    assert_eq!(contoso.id(), "contoso");
    world.sign_in(&contoso, "alice").await.expect("with the other's secret");
    assert!(providers.get("off").is_none());
    assert_eq!(providers.iter().map(|p| p.id().to_owned()).collect::<Vec<_>>(), ["main", "contoso"]);
}
