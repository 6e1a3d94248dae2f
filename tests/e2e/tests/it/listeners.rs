//! TLS and unix sockets, with a whole sign-in.

use std::os::unix::fs::PermissionsExt as _;

use bia_e2e::{Browser, Site};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

const CERTIFICATE: &str = include_str!("../../fixtures/cert.pem");
const KEY: &str = include_str!("../../fixtures/key.pem");

#[tokio::test]
async fn a_whole_sign_in_over_tls_uses_secure_cookies() {
    let mut site = Site::new().await;
    site.write("cert.pem", CERTIFICATE);
    site.write("key.pem", KEY);
    let port = site.config["serve"]["public"]["port"].as_u64().expect("a port");
    site.public = format!("https://localhost:{port}");
    site.change(json!({ "dev": false, "serve": { "public": {
        "base_url": format!("{}/", site.public),
        "tls": { "cert": { "path": "cert.pem" }, "key": { "path": "key.pem" } },
    } } }));
    let bia = site.start().await;
    let alice = Browser::trusting(CERTIFICATE);
    alice.set_cookie(&site.stand_in(), "persona", "alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(!cookies.is_empty() && cookies.iter().all(|cookie| cookie.contains("; Secure")), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| cookie.contains("; HttpOnly")), "{cookies:?}");
    assert!(alice.whoami(&bia).await.is_some());
    // Plain HTTP gets nothing on that port, and a client that does not trust the certificate neither.
    let plain = bia.public.replace("https://localhost", "http://127.0.0.1");
    assert!(Browser::new().try_get(format!("{plain}/health/alive")).await.is_err_and(|error| !error.is_connect()));
    assert!(Browser::new().try_get(format!("{}/health/alive", bia.public)).await.is_err());
}

#[tokio::test]
async fn the_admin_api_is_served_on_a_unix_socket_with_the_mode_asked_for() {
    let mut site = Site::new().await;
    let path = site.path("admin.sock");
    let host = format!("unix:{}", path.display());
    site.change(json!({ "serve": { "admin": { "host": host, "port": null, "socket": { "mode": 0o600 } } } }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    assert_eq!(path.metadata().expect("a socket").permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).await.expect("a connection");
    let request = "GET /admin/identities HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("alice@contoso.example"), "{answer}");
    assert_eq!(bia.stop().code, Some(0));
    assert!(!path.exists(), "the socket file was left");
}
