use std::net::SocketAddr;
use std::sync::Arc;

use bia_fake_entra::{
    CONTOSO_TENANT_ID, Endpoint, Options, RESERVED_CLIENT_ID, RESERVED_CLIENT_SECRET, RESERVED_TENANT_ID, StartError,
    TlsIdentity, start,
};
use serde_json::json;

use crate::browser::{Site, client, payload, site, site_with, text};

#[tokio::test]
async fn tls_serves_https_addresses() {
    let tls = TlsIdentity {
        certificate_pem: include_str!("localhost.pem").to_owned(),
        key_pem: include_str!("localhost-key.pem").to_owned(),
    };
    let entra = start(Options { tls: Some(tls), ..Options::default() }).await.expect("start");
    let root = reqwest::Certificate::from_pem(include_bytes!("localhost.pem")).expect("certificate");
    let http = client().tls_certs_only([root]).build().expect("client");
    let site = Site { entra, http };
    assert!(site.entra.base_url().starts_with("https://127.0.0.1:"));
    let document = site.get_json("/common/v2.0/.well-known/openid-configuration").await;
    assert_eq!(document["jwks_uri"], json!(site.url("/common/discovery/v2.0/keys")));
}

#[tokio::test]
async fn unusable_tls_identity_is_refused() {
    let tls = TlsIdentity { certificate_pem: "no".into(), key_pem: "no".into() };
    assert!(matches!(start(Options { tls: Some(tls), ..Options::default() }).await, Err(StartError::Tls(_))));
}

#[tokio::test]
async fn addresses_beyond_loopback_are_refused() {
    let address: SocketAddr = "0.0.0.0:0".parse().expect("address");
    let outcome = start(Options { address, ..Options::default() }).await;
    assert!(matches!(outcome, Err(StartError::NotLoopback(_))));
}

#[tokio::test]
async fn taken_port_is_reported() {
    let site = site().await;
    let outcome = start(Options { address: site.entra.address(), ..Options::default() }).await;
    assert!(matches!(outcome, Err(StartError::Bind { .. })));
}

#[tokio::test]
async fn port_is_free_after_shutdown() {
    let Site { entra, http } = site().await;
    let (address, url) = (entra.address(), format!("{}/health", entra.base_url()));
    assert_eq!(http.get(&url).send().await.expect("answer").status(), 200);
    drop(http);
    entra.shutdown().await;
    assert!(client().build().expect("client").get(&url).send().await.is_err());
    start(Options { address, ..Options::default() }).await.expect("the port is free again").shutdown().await;
}

#[tokio::test]
async fn host_header_names_the_stand_in_as_the_real_host() {
    let site = site().await;
    let url = site.url("/common/v2.0/.well-known/openid-configuration");
    let answer = site.http.get(url).header("host", "login.example").send().await.expect("answer");
    let document: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(document["issuer"], "http://login.example/{tenantid}/v2.0");
}

#[tokio::test]
async fn try_out_uses_the_reserved_tenant_and_client_and_tests_do_not() {
    let dev = site_with(Options::dev()).await;
    let client_id = [("client_id", RESERVED_CLIENT_ID), ("login_hint", "alice")];
    let code = dev.code("common", &client_id).await;
    let changes = [("client_id", RESERVED_CLIENT_ID), ("client_secret", RESERVED_CLIENT_SECRET)];
    let (_, answer) = dev.redeem("common", &code, &changes).await;
    let claims = payload(text(&answer, "id_token"));
    assert_eq!((&claims["tid"], &claims["aud"]), (&json!(RESERVED_TENANT_ID), &json!(RESERVED_CLIENT_ID)));
    let tests = site().await;
    assert_eq!(tests.claims_of("alice").await["tid"], CONTOSO_TENANT_ID);
    assert!(tests.entra.control().client(RESERVED_CLIENT_ID).is_none());
}

#[tokio::test]
async fn calls_are_counted_by_endpoint_and_show_no_values_in_debug() {
    let site = site().await;
    site.sign_in("common", "alice", &[]).await;
    let control = site.entra.control();
    assert_eq!((control.count(Endpoint::Authorize), control.count(Endpoint::Token)), (1, 1));
    let call = control.calls().into_iter().find(|call| call.endpoint == Endpoint::Token).expect("call");
    assert_eq!(call.form["client_secret"], bia_fake_entra::TEST_CLIENT_SECRET);
    assert!(!format!("{call:?}").contains(bia_fake_entra::TEST_CLIENT_SECRET));
    control.clear_log();
    assert_eq!(control.count(Endpoint::Token), 0);
}

#[tokio::test]
async fn bodies_beyond_a_mebibyte_are_refused() {
    let site = site().await;
    let body = "x".repeat((1 << 20) + 1);
    let answer = site.http.post(site.url("/common/oauth2/v2.0/token")).body(body).send().await.expect("answer");
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn tokens_are_given_again_under_load_only_where_asked_and_never_with_a_nonce() {
    let reusing = site_with(Options { reuse_tokens: true, ..Options::default() }).await;
    let first = reusing.sign_in("common", "load-1", &[("nonce", "")]).await;
    let second = reusing.sign_in("common", "load-1", &[("nonce", "")]).await;
    assert_eq!(first["id_token"], second["id_token"]);
    assert_ne!(reusing.sign_in("common", "load-1", &[]).await["id_token"], first["id_token"]);
    let honest = site().await;
    let first = honest.sign_in("common", "load-1", &[("nonce", "")]).await;
    assert_ne!(honest.sign_in("common", "load-1", &[("nonce", "")]).await["id_token"], first["id_token"]);
}

#[tokio::test]
async fn many_sign_ins_at_once_do_not_mix() {
    let site = Arc::new(site().await);
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                let who = format!("load-{number}");
                (site.claims_of(&who).await["email"].clone(), json!(format!("{who}@contoso.example")))
            })
        })
        .collect();
    for task in tasks {
        let (found, expected) = task.await.expect("task");
        assert_eq!(found, expected);
    }
}
