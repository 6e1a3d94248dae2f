//! Server-side request forgery: addresses of the operator's own network, which only the server can reach.

use std::sync::{Arc, Mutex};

use bia_e2e::{Bia, Site};
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A service of the inner network that answers everything and remembers what it was asked.
struct Inside {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Inside {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                // Whatever was asked, and whether or not anybody waits for the answer.
                let length = stream.read(&mut request).await.unwrap_or_default();
                let line = String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or_default().to_owned();
                asked.lock().expect("requests").push(line);
                let _ = stream.write_all(ANSWER).await;
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

fn guarded(site: &Site, is_guarded: bool) -> Value {
    let own = format!("{}/**", site.stand_in());
    json!({ "clients": { "http": { "disallow_private_ip_ranges": is_guarded, "private_ip_exception_urls": [own] } } })
}

/// Tries to sign in; whether a session came of it.
async fn tried(site: &Site, bia: &Bia, person: &str, provider: &str) -> bool {
    let browser = site.browser(person);
    let flow = browser.begin(bia, "login").await;
    let action = flow["ui"]["action"].as_str().expect("an action");
    let pressed = browser.post_form(action, &[("provider", provider)]).await.location();
    if pressed.as_str().starts_with(&site.stand_in()) {
        let back = browser.authorize(&pressed).await;
        let done = browser.get(back).await;
        assert_eq!(done.status, 303, "{done:?}");
    }
    browser.whoami(bia).await.is_some()
}

/// Providers whose mapper, hook or issuer is inside.
fn aim_inside(site: &mut Site, inside: &Inside) {
    let at = |path: &str| format!("{}/{path}", inside.address);
    site.provider("work", json!({ "mapper_url": at("mapper.jsonnet") }));
    site.provider("partner", json!({ "issuer_url": inside.address }));
    let hook = json!({ "hook": "web_hook", "config": {
        "url": at("hook"), "method": "POST", "body": "base64://ZnVuY3Rpb24oY3R4KSB7fQ==",
    } });
    site.change(json!({ "selfservice": { "flows": { "registration": { "after": { "oidc": { "hooks": [
        hook, { "hook": "session" },
    ] } } } } } }));
}

#[tokio::test]
async fn mapper_hook_and_issuer_addresses_reach_nothing_inside_when_that_is_forbidden() {
    let inside = Inside::new().await;
    let mut site = Site::new().await;
    aim_inside(&mut site, &inside);
    site.change(guarded(&site, true));
    let bia = site.start().await;
    for provider in ["microsoft", "work", "partner"] {
        assert!(!tried(&site, &bia, "alice", provider).await, "{provider}");
    }
    assert_eq!(inside.requests(), [""; 0]);
    assert!(bia.log().contains("disallow_private_ip_ranges"), "{}", bia.log());
    bia.stop();
    // Without the rule each of them is called, so the above was the rule's doing.
    site.change(guarded(&site, false));
    let bia = site.start().await;
    for provider in ["microsoft", "work", "partner"] {
        // Somebody new: the hook is that of registrations, and refused people may exist by now.
        tried(&site, &bia, "bob", provider).await;
    }
    let asked = inside.requests();
    for path in ["/hook", "/mapper.jsonnet", "/.well-known/openid-configuration"] {
        assert!(asked.iter().any(|line| line.contains(path)), "nobody asked for {path}: {asked:?}");
    }
}

#[tokio::test]
async fn neither_a_redirect_nor_metadata_of_a_provider_leads_inside() {
    let inside = Inside::new().await;
    let mut site = Site::new().await;
    site.change(guarded(&site, true));
    site.provider("microsoft", json!({ "microsoft": { "profile": ["jobTitle"] } }));
    let issuer = format!("{}/op/plain", site.stand_in());
    let metadata = |token: &str, keys: &str| {
        json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": token, "jwks_uri": keys, "userinfo_endpoint": format!("{issuer}/userinfo"),
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    };
    let (token, keys) = (format!("{issuer}/token"), format!("{issuer}/keys"));
    let elsewhere = format!("{}/x", inside.address);
    let says = |body: Value| EndpointFault::Status {
        status: 200,
        retry_after: None,
        body: Some(body),
        headers: Default::default(),
    };
    let redirect = || EndpointFault::Redirect { to: elsewhere.clone() };
    let faults = [
        ("partner", Endpoint::Discovery, redirect()),
        ("partner", Endpoint::Discovery, says(metadata(&elsewhere, &keys))),
        ("partner", Endpoint::Discovery, says(metadata(&token, &elsewhere))),
        ("partner", Endpoint::Keys, redirect()),
        ("partner", Endpoint::Token, redirect()),
        ("microsoft", Endpoint::Discovery, redirect()),
        ("microsoft", Endpoint::Keys, redirect()),
        ("microsoft", Endpoint::Token, redirect()),
        ("microsoft", Endpoint::Graph, redirect()),
    ];
    for (provider, endpoint, fault) in faults {
        site.control().clear_faults();
        site.control().add_fault(Fault::at(endpoint, fault.clone()));
        let bia = site.start().await;
        assert!(!tried(&site, &bia, "alice", provider).await, "{provider} {endpoint:?} {fault:?}");
        assert_eq!(inside.requests(), [""; 0], "{provider} {endpoint:?} {fault:?}");
        bia.kill();
    }
}
