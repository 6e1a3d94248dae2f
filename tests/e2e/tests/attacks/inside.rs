//! Server-side request forgery: addresses of the operator's own network, which only the server can reach.

use std::sync::{Arc, Mutex};

use bia_e2e::{Bia, Site, populate};
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A service that gives everybody the same answer and remembers what it was asked: of the inner network, or one that leads there.
struct Inside {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Inside {
    async fn new() -> Self {
        Self::answering(ANSWER.to_owned()).await
    }

    /// A host that is allowed to be called, and sends whoever calls it to `target`.
    async fn redirecting(status: u16, target: &str) -> Self {
        let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {target}\r\n");
        Self::answering(format!("{head}content-length: 0\r\nconnection: close\r\n\r\n")).await
    }

    async fn answering(answer: String) -> Self {
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
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }

    /// How often it was asked for that path.
    fn times(&self, path: &str) -> usize {
        self.requests().iter().filter(|line| line.contains(path)).count()
    }
}

const ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

fn guarded(site: &Site, is_guarded: bool) -> Value {
    guarded_but_for(site, &[], is_guarded)
}

/// The stand-in is always an exception.
fn guarded_but_for(site: &Site, others: &[&Inside], is_guarded: bool) -> Value {
    let addresses = others.iter().map(|other| other.address.clone());
    let exceptions: Vec<String> =
        [site.stand_in()].into_iter().chain(addresses).map(|address| format!("{address}/**")).collect();
    json!({ "clients": {
        "http": { "disallow_private_ip_ranges": is_guarded, "private_ip_exception_urls": exceptions },
    } })
}

/// The hooks of a registration: a web hook at that address, then the session.
fn web_hook(url: &str) -> Value {
    let hook = json!({ "hook": "web_hook", "config": {
        "url": url, "method": "POST", "body": "base64://ZnVuY3Rpb24oY3R4KSB7fQ==",
    } });
    json!({ "selfservice": { "flows": { "registration": { "after": { "oidc": { "hooks": [
        hook, { "hook": "session" },
    ] } } } } } })
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
    site.change(web_hook(&at("hook")));
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

#[tokio::test]
async fn a_redirect_leads_neither_a_mapper_nor_a_web_hook_inside() {
    let inside = Inside::new().await;
    let found = Inside::redirecting(302, &format!("{}/found", inside.address)).await;
    let repeat = Inside::redirecting(307, &format!("{}/repeat", inside.address)).await;
    let mut site = Site::new().await;
    populate(site.control(), 8);
    let mut nobody_yet = (0..8).map(|index| format!("p{index}"));
    for is_guarded in [true, false] {
        site.change(guarded_but_for(&site, &[&found, &repeat], is_guarded));
        for (entrance, path) in [(&found, "/found"), (&repeat, "/repeat")] {
            site.provider("work", json!({ "mapper_url": format!("{}/mapper.jsonnet", entrance.address) }));
            site.change(web_hook(&format!("{}/hook", entrance.address)));
            let bia = site.start().await;
            for (provider, asks_for) in [("microsoft", "/hook"), ("work", "/mapper.jsonnet")] {
                // Somebody new each time: the hook is that of registrations.
                let person = nobody_yet.next().expect("somebody new");
                let (asked, reached) = (entrance.times(asks_for), inside.times(path));
                let is_in = tried(&site, &bia, &person, provider).await;
                let what = format!("{provider} {path} {is_guarded}: {:?}", inside.requests());
                assert!(entrance.times(asks_for) > asked, "the allowed host was not asked: {what}");
                if is_guarded {
                    assert!(!is_in, "{what}");
                    assert_eq!(inside.requests(), [""; 0], "{what}");
                } else {
                    // Without the rule both follow, so the above was the rule's doing.
                    assert!(inside.times(path) > reached, "{what}");
                }
            }
            bia.stop();
        }
    }
}

#[tokio::test]
async fn an_address_that_a_token_names_is_never_called() {
    // Nothing is forbidden here: who says where to fetch claims is the operator, whatever the provider's answer names.
    let inside = Inside::new().await;
    let mut site = Site::new().await;
    site.provider("microsoft", json!({ "microsoft": { "groups": { "on_overage": "graph" } } }));
    site.provider("partner", json!({ "claims_source": "userinfo" }));
    let distributed = json!({
        "_claim_names": { "groups": "src1", "email_verified": "src1", "phone_number": "src2" },
        "_claim_sources": {
            "src1": { "endpoint": format!("{}/claims", inside.address), "access_token": "a-token-for-a-stranger" },
            "src2": { "JWT": "eyJhbGciOiJub25lIn0.eyJwaG9uZV9udW1iZXIiOiIrMSA1NTUgMDEwMCJ9." },
        },
    });
    let members = distributed.as_object().expect("an object");
    site.control().overlay_claims(members.clone());
    site.control().overlay_userinfo(members.clone());
    let bia = site.start().await;
    for (person, provider) in [("alice", "microsoft"), ("bob", "partner")] {
        site.browser(person).signed_in(&bia, provider).await;
        assert_eq!(inside.requests(), [""; 0], "{provider}");
    }
    // Groups that the token left out come from the configured host.
    assert!(site.control().count(Endpoint::Graph) > 0, "nobody asked Graph");
}
