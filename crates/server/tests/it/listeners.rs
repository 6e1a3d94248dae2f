//! TLS, unix sockets, and a configuration that changes while connections are open.

use crate::client::send;
use crate::world::{World, config, deps};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bia_server::{Address, ListenError, Server, State};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// Self-signed for `localhost`, made for these tests and used nowhere else.
const CERTIFICATE: &[u8] = include_bytes!("fixtures/cert.pem");
const KEY: &[u8] = include_bytes!("fixtures/key.pem");

async fn asked(mut stream: impl AsyncRead + AsyncWrite + Unpin, target: &str) -> String {
    let text = format!("GET {target} HTTP/1.1\r\nhost: id.example\r\nconnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without a TLS farewell is an error of the last read only.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// Serves both ports with these keys until the test ends.
async fn serving(serve: Value) -> (Address, Address) {
    let config = Arc::new(config(&json!({ "serve": serve })));
    let bound = Server::bind(&config).await.unwrap();
    let addresses = (bound.public_address().clone(), bound.admin_address().clone());
    let state = State::new(Arc::new(deps(&config).await), "fingerprint");
    tokio::spawn(bound.serve(state, std::future::pending()));
    addresses
}

#[tokio::test]
async fn a_listener_with_a_certificate_speaks_tls_alone() {
    let inline = |pem: &[u8]| json!({ "base64": STANDARD.encode(pem) });
    let (public, _) =
        serving(json!({ "public": { "tls": { "cert": inline(CERTIFICATE), "key": inline(KEY) } } })).await;
    let Address::Tcp(address) = public else { panic!("{public}") };
    let mut roots = RootCertStore::empty();
    roots.add(rustls_pemfile::certs(&mut &*CERTIFICATE).next().unwrap().unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    assert!(asked(stream, "/health/alive").await.starts_with("HTTP/1.1 200"));
    let plain = asked(TcpStream::connect(address).await.unwrap(), "/health/alive").await;
    assert!(!plain.contains("200 OK"), "{plain}");
}

#[tokio::test]
async fn a_unix_socket_serves_its_port() {
    let path = std::env::temp_dir().join(format!("bia-{}.sock", uuid::Uuid::new_v4()));
    let (public, admin) = serving(json!({ "admin": { "host": format!("unix:{}", path.display()) } })).await;
    assert_eq!(admin, Address::Unix(path.clone()));
    assert!(!admin.is_exposed() && !public.is_exposed());
    let answer = asked(UnixStream::connect(&path).await.unwrap(), "/admin/version").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_key() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&json!({}));
    config.serve.admin.port = taken.local_addr().unwrap().port();
    let error = Server::bind(&config).await.err().unwrap();
    assert!(matches!(error, ListenError::Bind { key: "serve.admin", .. }));
    assert!(error.to_string().starts_with("serve.admin: can't listen on 127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_new_configuration_counts_for_the_next_request_of_an_open_connection() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.admin).await.unwrap();
    stream.write_all(b"GET /health/config HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut first = [0; 4096];
    let mut seen = String::new();
    while !seen.ends_with("fingerprint") {
        let read = stream.read(&mut first).await.unwrap();
        assert_ne!(read, 0, "{seen}");
        seen.push_str(std::str::from_utf8(&first[..read]).unwrap());
    }
    let changed = Arc::new(config(&json!({ "revision": "r2", "session": { "cookie": { "name": "other" } } })));
    world.state.replace(Arc::new(deps(&changed).await), "ignored").unwrap();
    let second = asked(stream, "/health/config").await;
    assert!(second.ends_with("r2"), "{second}");
    let fresh = send(world.admin, "GET /health/config HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert_eq!(fresh.body, "r2");
}
