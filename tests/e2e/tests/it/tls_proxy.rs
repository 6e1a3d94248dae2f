//! Behind a proxy that ends TLS and says nothing about it: the configured public address is all there is.

use std::sync::Arc;

use bia_e2e::{Browser, Site, free_port};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const CERTIFICATE: &str = include_str!("../../fixtures/cert.pem");
const KEY: &str = include_str!("../../fixtures/key.pem");

/// Takes TLS off and passes everything else on, byte by byte.
async fn end_tls(listener: TcpListener, to: String) {
    let chain: Vec<CertificateDer<'static>> =
        rustls_pemfile::certs(&mut CERTIFICATE.as_bytes()).map(|one| one.expect("a certificate")).collect();
    let key: PrivateKeyDer<'static> =
        rustls_pemfile::private_key(&mut KEY.as_bytes()).expect("readable").expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, to) = (acceptor.clone(), to.clone());
        tokio::spawn(async move {
            let mut outside = acceptor.accept(stream).await?;
            let mut inside = TcpStream::connect(to).await?;
            tokio::io::copy_bidirectional(&mut outside, &mut inside).await
        });
    }
}

#[tokio::test]
async fn a5_behind_a_tls_ending_proxy_the_callback_is_the_public_https_address_byte_for_byte() {
    let mut site = Site::new().await;
    let inside = site.config["serve"]["public"]["port"].as_u64().expect("a port");
    let outside = free_port();
    site.public = format!("https://localhost:{outside}");
    let public = site.public.clone();
    site.change(json!({ "dev": false, "serve": { "public": { "base_url": format!("{public}/") } } }));
    let bia = site.start().await;
    let listener = TcpListener::bind(("127.0.0.1", outside)).await.expect("a listener");
    let proxy = tokio::spawn(end_tls(listener, format!("127.0.0.1:{inside}")));

    let alice = Browser::trusting(CERTIFICATE);
    alice.set_cookie(&site.stand_in(), "persona", "alice");
    let flow = alice.begin(&bia, "login").await;
    assert_eq!(
        flow["ui"]["action"],
        format!("{public}/self-service/login?flow={}", flow["id"].as_str().expect("an id"))
    );
    let sent = alice.press(&flow, "microsoft").await;
    let callback = format!("{public}/self-service/methods/oidc/callback/microsoft");
    // As written in the address, before anything decodes it: this is what the provider compares.
    let written = callback.replace(':', "%3A").replace('/', "%2F");
    let query = sent.query().expect("a query");
    assert!(query.split('&').any(|pair| pair == format!("redirect_uri={written}")), "{query}");
    let answer = alice.go_on(&flow, "microsoft").await;
    assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(!cookies.is_empty() && cookies.iter().all(|cookie| cookie.contains("; Secure")), "{cookies:?}");
    assert!(alice.whoami(&bia).await.is_some());

    // Past the proxy, under the inner name: the callback is the public one all the same.
    let begun =
        Browser::new().get_json(format!("http://127.0.0.1:{inside}/self-service/login/browser")).await.expect(200);
    assert!(begun["ui"]["action"].as_str().is_some_and(|action| action.starts_with(&public)), "{begun}");
    proxy.abort();
}
