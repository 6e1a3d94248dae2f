//! Scenes that end in a flow with messages or in an error; `catalogue` says which ids each has to produce.

use std::collections::{BTreeMap, BTreeSet};

use bia_e2e::{Answer, Bia, Browser, Site, ids};
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use http::Method;
use serde_json::{Value, json};

/// What one run of all scenes produced.
#[derive(Default)]
pub(crate) struct Produced {
    messages: BTreeMap<&'static str, BTreeSet<i64>>,
    errors: BTreeMap<&'static str, BTreeSet<(String, u16)>>,
}

impl Produced {
    /// A flow that a visitor was shown.
    fn flow(&mut self, scene: &'static str, flow: &Value) {
        self.messages.entry(scene).or_default().extend(ids(flow));
    }

    /// A JSON error with its status.
    fn error(&mut self, scene: &'static str, answer: &Answer) {
        let body = answer.json();
        assert_eq!(body["error"]["code"], answer.status, "{scene}: {body}");
        self.errors.entry(scene).or_default().insert((answer.error_id(), answer.status));
    }

    pub(crate) fn has_message(&self, scene: &str, id: i64) -> bool {
        self.messages.get(scene).is_some_and(|ids| ids.contains(&id))
    }

    pub(crate) fn has_error(&self, scene: &str, id: &str, status: u16) -> bool {
        self.errors.get(scene).is_some_and(|errors| errors.contains(&(id.to_owned(), status)))
    }

    /// For a failing test.
    pub(crate) fn describe(&self, scene: &str) -> String {
        format!("{:?} {:?}", self.messages.get(scene), self.errors.get(scene))
    }
}

const ORGANIZATION: &str = "0a9a0000-0000-4000-8000-000000000001";

/// Runs every scene; the servers differ in their configuration only.
pub(crate) async fn run() -> Produced {
    let mut produced = Produced::default();
    ordinary(&mut produced).await;
    bad_traits(&mut produced).await;
    conflicts(&mut produced).await;
    strict(&mut produced).await;
    short_lived(&mut produced).await;
    organizations(&mut produced).await;
    produced
}

fn action(flow: &Value) -> String {
    flow["ui"]["action"].as_str().expect("an action").to_owned()
}

fn csrf(flow: &Value) -> String {
    let nodes = bia_e2e::nodes(flow);
    let node = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
    node["attributes"]["value"].as_str().unwrap_or_default().to_owned()
}

/// Begins a flow with a query.
async fn begin(browser: &Browser, bia: &Bia, kind: &str, query: &str) -> Answer {
    browser.get_json(format!("{}/self-service/{kind}/browser?{query}", bia.public)).await
}

async fn ordinary(produced: &mut Produced) {
    let site = Site::new().await;
    let bia = site.start().await;
    let nobody = Browser::new();
    let login = nobody.begin(&bia, "login").await;
    produced.flow("login", &login);
    produced.flow("registration", &nobody.begin(&bia, "registration").await);
    let posted = nobody.post_json(action(&login), &json!({ "provider": "microsoft" })).await;
    produced.error("submit by a script", &posted);
    produced.flow("login, nothing chosen", &nobody.post_json(action(&login), &json!({})).await.expect(400));
    let registration = nobody.begin(&bia, "registration").await;
    produced.flow(
        "registration, nothing chosen",
        &nobody.post_json(action(&registration), &json!({ "traits": { "email": "a@b.example" } })).await.expect(400),
    );
    let body = json!({ "method": "profile", "csrf_token": csrf(&registration), "traits": { "email": "a@b.example" } });
    produced.flow("registration, second step", &nobody.post_json(action(&registration), &body).await.expect(400));
    let id = login["id"].as_str().expect("an id");
    let stranger = Browser::new().get_json(format!("{}/self-service/login/flows?id={id}", bia.public)).await;
    produced.error("a flow of another browser", &stranger);
    produced
        .error("settings of nobody", &nobody.get_json(format!("{}/self-service/settings/browser", bia.public)).await);
    produced.error("aal2 of nobody", &begin(&nobody, &bia, "login", "aal=aal2").await);
    produced.error("a foreign return_to", &begin(&nobody, &bia, "login", "return_to=https://evil.example/").await);
    produced.error("a login challenge without a server", &begin(&nobody, &bia, "login", "login_challenge=abc").await);

    site.control().add_fault(Fault::at(Endpoint::Authorize, EndpointFault::error("access_denied")).times(1));
    let denied = site.browser("alice");
    let answer = denied.sign_in(&bia, "microsoft").await;
    produced.flow("denied at the provider", &denied.shown(&bia, &answer).await);

    let norman = site.browser("noemail");
    let answer = norman.sign_in(&bia, "microsoft").await;
    produced.flow("a trait is missing", &norman.shown(&bia, &answer).await);

    let alice = site.browser("alice");
    let session = alice.signed_in(&bia, "microsoft").await;
    produced.flow("refresh", &begin(&alice, &bia, "login", "refresh=true").await.expect(200));
    produced.flow("second factor", &begin(&alice, &bia, "login", "aal=aal2").await.expect(200));
    produced.error("signed in already", &begin(&alice, &bia, "login", "").await);
    let settings = alice.begin(&bia, "settings").await;
    produced.flow("settings, nothing chosen", &alice.post_json(action(&settings), &json!({})).await.expect(400));
    let body = json!({ "method": "profile", "csrf_token": csrf(&settings), "traits": session["identity"]["traits"] });
    produced.flow("settings, saved", &alice.post_json(action(&settings), &body).await.expect(200));
    let settings = alice.begin(&bia, "settings").await;
    let at = alice.post_form(action(&settings), &[("link", "work")]).await.location();
    let back = alice.authorize(&at).await;
    let linked = alice.get(back).await;
    assert_eq!(linked.status, 303, "{linked:?}");
    produced.flow("settings with two links", &alice.begin(&bia, "settings").await);

    let bob = site.browser("bob");
    bob.signed_in(&bia, "microsoft").await;
    let id = settings["id"].as_str().expect("an id");
    produced.error(
        "settings of somebody else",
        &bob.get_json(format!("{}/self-service/settings/flows?id={id}", bia.public)).await,
    );
    // Bob sits down at the provider as Alice, whose account is linked to her.
    bob.set_cookie(&site.stand_in(), "persona", "alice");
    let settings = bob.begin(&bia, "settings").await;
    let at = bob.post_form(action(&settings), &[("link", "work")]).await.location();
    let back = bob.authorize(&at).await;
    let answer = bob.get(back).await;
    produced.flow("linking somebody else's account", &bob.shown(&bia, &answer).await);

    let id = session["identity"]["id"].as_str().expect("an id");
    let patch = json!([{ "op": "replace", "path": "/state", "value": "inactive" }]);
    let url = format!("{}/admin/identities/{id}", bia.admin);
    nobody.call_json(Method::PATCH, url, Some(&patch)).await.expect(200);
    let alice = site.browser("alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    produced.flow("disabled", &alice.shown(&bia, &answer).await);
}

/// Traits that the schema refuses, each with the id it has to give.
pub(crate) const BAD_TRAITS: [(&str, &str); 14] = [
    ("min length", r#"{"nick":"ab"}"#),
    ("max length", r#"{"nick":"abcdef"}"#),
    ("pattern", r#"{"code":"b"}"#),
    ("minimum", r#"{"age":1}"#),
    ("maximum", r#"{"age":11}"#),
    ("exclusive minimum", r#"{"size":3}"#),
    ("exclusive maximum", r#"{"size":9}"#),
    ("multiple of", r#"{"step":7}"#),
    ("min items", r#"{"tags":["a"]}"#),
    ("max items", r#"{"tags":["a","b","c","d"]}"#),
    ("unique items", r#"{"tags":["a","a"]}"#),
    ("wrong type", r#"{"nick":["a"]}"#),
    ("const", r#"{"terms":"no"}"#),
    ("phone", r#"{"phone":"nobody"}"#),
];

async fn bad_traits(produced: &mut Produced) {
    let mut site = Site::new().await;
    site.write("odd.schema.json", &odd_schema());
    site.change(json!({ "identity": { "schemas": [
        { "id": "default", "url": "file://person.schema.json" },
        { "id": "odd", "url": "file://odd.schema.json", "selfservice_selectable": true },
    ] } }));
    let bia = site.start().await;
    for (scene, traits) in BAD_TRAITS {
        let mut traits: Value = serde_json::from_str(traits).expect("JSON");
        traits["email"] = "somebody@contoso.example".into();
        produced.flow(scene, &submit_traits(&bia, "", &traits).await);
    }
    produced.flow("e-mail", &submit_traits(&bia, "", &json!({ "email": "nobody" })).await);
    let place = json!({ "place": { "planet": "Mars" } });
    produced.flow("const of an object", &submit_traits(&bia, "identity_schema=odd", &place).await);
}

fn odd_schema() -> String {
    json!({
        "$id": "https://example.com/odd.schema.json", "type": "object",
        "properties": { "traits": { "type": "object", "properties": {
            "place": { "type": "object", "const": { "planet": "Earth" } },
        } } },
    })
    .to_string()
}

async fn submit_traits(bia: &Bia, query: &str, traits: &Value) -> Value {
    let browser = Browser::new();
    let flow = begin(&browser, bia, "registration", query).await.expect(200);
    let body = json!({ "method": "profile", "csrf_token": csrf(&flow), "traits": traits });
    browser.post_json(action(&flow), &body).await.expect(400)
}

async fn conflicts(produced: &mut Produced) {
    let site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    site.browser("bob").signed_in(&bia, "microsoft").await;
    // Another account with Alice's address.
    let second = site.browser("alice2");
    let answer = second.sign_in(&bia, "work").await;
    let flow = second.shown(&bia, &answer).await;
    produced.flow("the address is taken", &flow);
    // It is confirmed by somebody whose address it isn't.
    second.set_cookie(&site.stand_in(), "persona", "bob");
    let answer = second.go_on(&flow, "microsoft").await;
    produced.flow("confirmed by somebody else", &second.shown(&bia, &answer).await);
}

/// Second factors, verified addresses and privileged sessions are demanded, and registration is closed in the end.
async fn strict(produced: &mut Produced) {
    let mut site = Site::new().await;
    site.provider("microsoft", json!({ "microsoft": { "step_up_context": "c1" } }));
    site.provider("work", json!({ "subject_source": "me", "scope": ["User.Read"] }));
    site.change(json!({ "selfservice": { "flows": {
        "login": { "after": { "oidc": { "hooks": [{ "hook": "require_verified_address" }] } } },
        "settings": { "privileged_session_max_age": "1ms", "required_aal": "aal1" },
    } } }));
    let bia = site.start().await;
    let alice = site.browser("alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    assert_eq!(answer.header("location"), "http://app.example/home");
    produced.error("whoami below the required level", &alice.get_json(format!("{}/sessions/whoami", bia.public)).await);
    let settings = alice.begin(&bia, "settings").await;
    let old = alice.post_json(action(&settings), &json!({ "link": "partner" })).await;
    produced.error("linking with an old session", &old);

    let unverified = site.browser("alice");
    let answer = unverified.sign_in(&bia, "microsoft").await;
    produced.flow("an unverified address", &unverified.shown(&bia, &answer).await);
    let back = unverified.to_callback(&bia, "microsoft").await;
    produced.error("an unverified address, by a script", &unverified.get_json(back).await);

    site.control().add_fault(Fault::at(Endpoint::Graph, EndpointFault::status(500)));
    let unlucky = site.browser("bob");
    let back = unlucky.to_callback(&bia, "work").await;
    produced.error("Graph is broken", &unlucky.get_json(back).await);

    bia.stop();
    site.change(json!({ "selfservice": { "flows": { "registration": { "enabled": false } } } }));
    let bia = site.start().await;
    produced.error("registration is closed", &begin(&Browser::new(), &bia, "registration", "").await);
}

/// Flows that expire within three seconds.
async fn short_lived(produced: &mut Produced) {
    let flows = ["login", "registration", "settings"].map(|kind| (kind.to_owned(), json!({ "lifespan": "3s" })));
    let flows: serde_json::Map<String, Value> = flows.into_iter().collect();
    let site = Site::with(json!({ "selfservice": { "flows": flows } })).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let nobody = Browser::new();
    let old = [
        ("login expired", "login", &nobody, nobody.begin(&bia, "login").await),
        ("registration expired", "registration", &nobody, nobody.begin(&bia, "registration").await),
        ("settings expired", "settings", &alice, alice.begin(&bia, "settings").await),
    ];
    for (scene, kind, browser, flow) in old {
        // Until then a submission without a choice is refused for another reason.
        let gone = loop {
            let answer = browser.post_json(action(&flow), &json!({ "csrf_token": csrf(&flow) })).await;
            if answer.status == 410 {
                break answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        produced.error(scene, &gone);
        let next = gone.json()["use_flow_id"].as_str().expect("a new flow").to_owned();
        produced.flow(scene, &browser.flow(&bia, kind, &next).await);
    }
}

/// An organisation's own connection, and one that is found by the domain of an address.
async fn organizations(produced: &mut Produced) {
    let mut site = Site::new().await;
    site.write(
        "anonymous.schema.json",
        &odd_schema().replace(r#""const":{"planet":"Earth"}"#, r#""additionalProperties":true"#),
    );
    let mut provider = site.config["selfservice"]["methods"]["oidc"]["config"]["providers"][0].clone();
    provider["id"] = "fabrikam".into();
    provider["organization_id"] = ORGANIZATION.into();
    let callback = format!("{}/self-service/methods/oidc/organization/{ORGANIZATION}/callback/fabrikam", site.public);
    site.control().set_redirect_uris(Some(vec![callback]));
    site.provider("fabrikam", provider);
    site.provider("work", json!({ "microsoft": { "home_realm_domains": ["contoso.example"] } }));
    site.change(json!({ "identity": { "schemas": [
        { "id": "default", "url": "file://person.schema.json" },
        { "id": "odd", "url": "file://anonymous.schema.json", "selfservice_selectable": true },
    ] } }));
    let bia = site.start().await;
    let bob = site.browser("bob");
    let query = format!("organization={ORGANIZATION}");
    produced.flow("the domain decides", &begin(&Browser::new(), &bia, "login", "").await.expect(200));
    let nameless = begin(&Browser::new(), &bia, "login", "identity_schema=odd").await.expect(200);
    produced.flow("the domain decides, no trait identifies", &nameless);
    let flow = begin(&bob, &bia, "login", &query).await.expect(200);
    let answer = bob.go_on(&flow, "fabrikam").await;
    assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    produced.flow("settings of an organisation", &begin(&bob, &bia, "settings", &query).await.expect(200));
}
