//! Two instances on one database behind one address without sticky sessions, as replicas behind a load balancer are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bia_e2e::{Answer, Bia, Browser, Database, Site, free_port, nodes};
use http::Method;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Carries each new connection to the next instance in turn, or all of them to one.
struct Balancer {
    address: String,
    chosen: Arc<AtomicUsize>,
    carrying: JoinHandle<()>,
}

/// Both, in turn.
const IN_TURN: usize = usize::MAX;

impl Balancer {
    async fn before(ports: [u16; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let chosen = Arc::new(AtomicUsize::new(IN_TURN));
        let choice = Arc::clone(&chosen);
        let carrying = tokio::spawn(async move {
            let mut carried = JoinSet::new();
            let mut turn = 0;
            while let Ok((mut here, _)) = listener.accept().await {
                let index = match choice.load(Ordering::SeqCst) {
                    IN_TURN => {
                        turn += 1;
                        turn % 2
                    }
                    index => index,
                };
                let port = ports[index];
                carried.spawn(async move {
                    let Ok(mut there) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    // Whoever goes away first ends both.
                    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
                });
            }
        });
        Self { address, chosen, carrying }
    }

    fn choose(&self, index: usize) {
        self.chosen.store(index, Ordering::SeqCst);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// Two running instances whose `public` is the balancer's address.
struct Pair {
    // Before the folder that they run in.
    instances: [Bia; 2],
    site: Site,
    balancer: Balancer,
}

impl Pair {
    async fn start(extra: Value) -> Self {
        let mut site = Site::with(extra).await;
        let ports = [free_port(), free_port()];
        let balancer = Balancer::before(ports).await;
        site.public.clone_from(&balancer.address);
        let base_url = format!("{}/", balancer.address);
        site.change(json!({ "serve": { "public": { "base_url": base_url, "port": ports[0] } } }));
        let first = site.start().await;
        let admin = free_port();
        site.admin = format!("http://127.0.0.1:{admin}");
        site.change(json!({ "serve": { "public": { "port": ports[1] }, "admin": { "port": admin } } }));
        let second = site.start().await;
        Self { site, instances: [first, second], balancer }
    }

    /// A new connection for each request, so that the next one reaches the other instance.
    fn browser(&self, person: &str) -> Browser {
        self.site.browser(person).with_header("connection", "close")
    }

    /// Whoami of that instance alone.
    async fn whoami_at(&self, index: usize, browser: &Browser) -> Answer {
        self.balancer.choose(index);
        let answer = browser.get_json(format!("{}/sessions/whoami", self.balancer.address)).await;
        self.balancer.choose(IN_TURN);
        answer
    }

    /// Both have made the answer, so that each may have kept it.
    async fn known_at_both(&self, browser: &Browser) -> Value {
        let first = self.whoami_at(0, browser).await.expect(200);
        assert_eq!(self.whoami_at(1, browser).await.expect(200), first);
        first
    }

    /// How many requests of the public port each has answered.
    async fn served(&self) -> [u64; 2] {
        let mut served = [0; 2];
        for (count, bia) in served.iter_mut().zip(&self.instances) {
            let text = Browser::new().get(format!("{}/admin/metrics/prometheus", bia.admin)).await.body;
            let lines = text.lines().filter(|line| line.starts_with("bia_http_requests_total{"));
            let public = lines.filter(|line| line.contains(r#"port="public""#));
            *count = public.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum();
        }
        served
    }

    async fn links(&self, index: usize, session: &Value) -> Vec<String> {
        let id = session["identity"]["id"].as_str().expect("an id");
        let url = format!("{}/admin/identities/{id}?include_credential=oidc", self.instances[index].admin);
        let identity = Browser::new().get_json(url).await.expect(200);
        let links = identity["credentials"]["oidc"]["config"]["providers"].as_array().cloned().unwrap_or_default();
        links.iter().filter_map(|link| link["provider"].as_str().map(str::to_owned)).collect()
    }
}

/// Every step of every journey reaches the other instance than the one before.
async fn every_journey_works(pair: &Pair) {
    let bia = &pair.instances[0];
    // Three people, so that a step that one instance got comes to the other one, too.
    for (round, person) in ["alice", "bob", "carol"].into_iter().enumerate() {
        let browser = pair.browser(person);
        if round % 2 == 1 {
            browser.get(format!("{}/health/alive", bia.public)).await.expect(200);
        }
        let flow = browser.begin(bia, "registration").await;
        let done = browser.go_on(&flow, "microsoft").await;
        assert_eq!(done.header("location"), "http://app.example/home", "{done:?}");
        let registered = pair.known_at_both(&browser).await;

        let again = pair.browser(person);
        let session = again.signed_in(bia, "microsoft").await;
        assert_eq!(session["identity"]["id"], registered["identity"]["id"]);

        let settings = again.begin(bia, "settings").await;
        let action = settings["ui"]["action"].as_str().expect("an action");
        let at = again.post_form(action, &[("link", "partner")]).await.location();
        let back = again.authorize(&at).await;
        assert_eq!(again.get(back).await.status, 303);
        for index in [0, 1] {
            assert_eq!(pair.links(index, &session).await.len(), 2);
        }
        let settings = again.begin(bia, "settings").await;
        let action = settings["ui"]["action"].as_str().expect("an action");
        let nodes = nodes(&settings);
        let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
        let body = json!({ "unlink": "partner", "csrf_token": token["attributes"]["value"] });
        again.post_json(action, &body).await.expect(200);
        for index in [0, 1] {
            assert_eq!(pair.links(index, &session).await, ["microsoft"]);
        }
    }
}

async fn an_error_of_one_is_shown_by_the_other(pair: &Pair) {
    for (made_at, read_at) in [(0, 1), (1, 0)] {
        let browser = pair.browser("alice");
        pair.balancer.choose(made_at);
        let url =
            format!("{}/self-service/methods/oidc/callback/microsoft?code=none&state=none", pair.balancer.address);
        let refused = browser.get(url).await;
        pair.balancer.choose(read_at);
        let shown = browser.shown(&pair.instances[0], &refused).await;
        assert_eq!(shown["error"]["code"], 400, "{shown}");
        pair.balancer.choose(IN_TURN);
    }
}

async fn what_one_ends_or_changes_the_other_knows(pair: &Pair) {
    for (at, other) in [(0, 1), (1, 0)] {
        let bia = &pair.instances[at];
        let alice = pair.browser("alice");
        alice.signed_in(bia, "microsoft").await;
        let session = pair.known_at_both(&alice).await;

        let id = session["identity"]["id"].as_str().expect("an id");
        let nick = format!("nick{at}");
        let patch = json!([{ "op": "add", "path": "/traits/nick", "value": nick }]);
        let url = format!("{}/admin/identities/{id}", bia.admin);
        Browser::new().call_json(Method::PATCH, url, Some(&patch)).await.expect(200);
        for index in [other, at] {
            let changed = pair.whoami_at(index, &alice).await.expect(200);
            assert_eq!(changed["identity"]["traits"]["nick"], nick, "instance {index}");
        }

        pair.balancer.choose(at);
        let logout = alice.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
        // A second browser with the same cookies, because the first one forgets them.
        let thief = pair.browser("alice");
        for (name, value) in alice.cookies(&bia.public) {
            thief.set_cookie(&bia.public, &name, &value);
        }
        alice.get(logout["logout_url"].as_str().expect("a URL")).await;
        for index in [other, at] {
            assert_eq!(pair.whoami_at(index, &thief).await.status, 401, "instance {index}");
        }

        let alice = pair.browser("alice");
        let session = alice.signed_in(bia, "microsoft").await;
        pair.known_at_both(&alice).await;
        let url = format!("{}/admin/sessions/{}", bia.admin, session["id"].as_str().expect("an id"));
        Browser::new().call_json(Method::DELETE, url, None).await.expect(204);
        for index in [other, at] {
            assert_eq!(pair.whoami_at(index, &alice).await.status, 401, "instance {index}");
        }
    }
}

async fn two_behind_one_address(extra: Value) {
    let pair = Pair::start(extra).await;
    every_journey_works(&pair).await;
    let served = pair.served().await;
    // Each of the three makes a dozen requests.
    assert!(served.iter().all(|count| *count > 15), "the balancer was none: {served:?}");
    an_error_of_one_is_shown_by_the_other(&pair).await;
    what_one_ends_or_changes_the_other_knows(&pair).await;
    for bia in pair.instances {
        assert_eq!(bia.stop().code, Some(0));
    }
}

#[tokio::test]
async fn two_instances_behind_one_address_are_one_server_on_sqlite() {
    two_behind_one_address(json!({})).await;
}

#[tokio::test]
async fn two_instances_behind_one_address_are_one_server_on_postgres() {
    let Some(database) = Database::create().await else { return };
    two_behind_one_address(json!({ "dsn": database.dsn(None) })).await;
    database.drop().await;
}
