//! Answers and tokens that belong to another provider, application, person or sign-in.

use std::collections::BTreeMap;

use bia_e2e::{Answer, Bia, Browser, Site, TEST_CLIENT_ID, ids};
use bia_fake_entra::{Call, Endpoint, IdTokenFault, Mint, PLAIN_CLIENT_ID};
use serde_json::{Value, json};
use url::Url;

const HOME: &str = "http://app.example/home";

/// A generic provider of the stand-in under this id.
fn add(site: &mut Site, id: &str, op: &str, extra: Value) {
    let mut provider = site.config["selfservice"]["methods"]["oidc"]["config"]["providers"][2].clone();
    bia_e2e::merge(&mut provider, &json!({ "id": id, "issuer_url": format!("{}/op/{op}", site.stand_in()) }));
    bia_e2e::merge(&mut provider, &extra);
    site.provider(id, provider);
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn without(url: &Url, names: &[&str]) -> Url {
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| !names.contains(&key.as_str())).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(kept);
    changed
}

async fn pressed(browser: &Browser, bia: &Bia, provider: &str) -> Url {
    let flow = browser.begin(bia, "login").await;
    browser.press(&flow, provider).await
}

async fn nobody(browser: &Browser, bia: &Bia, answer: &Answer) -> Value {
    let shown = browser.shown(bia, answer).await;
    assert!(browser.whoami(bia).await.is_none(), "{shown}");
    shown
}

/// Token requests that arrived, by the path of the provider that got them.
fn redeemed(site: &Site) -> Vec<Call> {
    site.control().calls().into_iter().filter(|call| call.endpoint == Endpoint::Token).collect()
}

/// What a provider under an attacker's hand does: it sends the browser on to an honest one, with the state it was given.
fn led_on(site: &Site, at: &Url, honest: &str, redirect_uri: &str) -> Url {
    let mut onward = Url::parse(&format!("{}/op/{honest}/authorize", site.stand_in())).expect("a URL");
    onward
        .query_pairs_mut()
        .append_pair("client_id", PLAIN_CLIENT_ID)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid profile email")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", &parameter(at, "state").expect("a state"));
    onward
}

#[tokio::test]
async fn mix_up_a_code_of_an_honest_provider_is_not_sent_to_the_attackers() {
    let mut site = Site::new().await;
    add(&mut site, "evil", "second", json!({}));
    let bia = site.start().await;
    let alice = site.browser("alice");
    let own = format!("{}/self-service/methods/oidc/callback/partner", bia.public);
    // What is registered at the honest provider is the honest callback alone.
    site.control().set_redirect_uris(Some(vec![own.clone()]));
    let at = pressed(&alice, &bia, "evil").await;
    let back = alice.authorize(&led_on(&site, &at, "plain", &own)).await;
    assert!(parameter(&back, "code").is_some());
    let answer = alice.get(&back).await;
    assert_eq!(nobody(&alice, &bia, &answer).await["error"]["code"], 400);
    let evil = own.replace("/partner", "/evil");
    let shown = alice.get(led_on(&site, &at, "plain", &evil)).await;
    assert!(
        shown.header("location").is_empty() && shown.body.contains("redirect URI"),
        "not registered there: {shown:?}"
    );
    assert!(redeemed(&site).is_empty());
}

#[tokio::test]
async fn mix_up_at_a_shared_callback_is_seen_by_who_says_to_answer() {
    let mut site = Site::new().await;
    for (id, op) in [("honest", "named"), ("evil", "second")] {
        add(&mut site, id, op, json!({ "pkce": "force" }));
    }
    let bia = site.start().await;
    let shared = format!("{}/self-service/methods/oidc/callback", bia.public);
    let alice = site.browser("alice");
    let at = pressed(&alice, &bia, "evil").await;
    assert_eq!(parameter(&at, "redirect_uri").as_deref(), Some(shared.as_str()));
    let back = alice.authorize(&led_on(&site, &at, "named", &shared)).await;
    assert_eq!(parameter(&back, "iss"), Some(format!("{}/op/named", site.stand_in())));
    let answer = alice.get(&back).await;
    assert_eq!(ids(&nobody(&alice, &bia, &answer).await)[0], 4_000_001);
    // Who promises to name himself is not believed without it, nor under another name.
    for change in [None, Some("/op/second"), Some("/op/named/")] {
        let back = alice.to_callback(&bia, "honest").await;
        let mut changed = without(&back, &["iss"]);
        if let Some(path) = change {
            changed.query_pairs_mut().append_pair("iss", &format!("{}{path}", site.stand_in()));
        }
        let answer = alice.get(&changed).await;
        assert_eq!(ids(&nobody(&alice, &bia, &answer).await)[0], 4_000_001, "{change:?}");
    }
    assert!(redeemed(&site).is_empty(), "no code left the house");
    assert_eq!(alice.sign_in(&bia, "honest").await.header("location"), HOME);
}

#[tokio::test]
async fn pkce_downgrade_a_stripped_challenge_leaves_a_code_that_nobody_can_use() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let at = pressed(&alice, &bia, "microsoft").await;
    assert_eq!(parameter(&at, "code_challenge_method").as_deref(), Some("S256"));
    let back = alice.authorize(&without(&at, &["code_challenge", "code_challenge_method"])).await;
    let answer = alice.get(&back).await;
    nobody(&alice, &bia, &answer).await;
    // The verifier goes along whatever became of the challenge: a provider that heard of none has to refuse it
    // (RFC 9700 4.8), and the ID token still has to hold this sign-in's nonce.
    let sent = redeemed(&site);
    assert!(sent[0].form.get("code_verifier").is_some_and(|verifier| verifier.len() >= 43), "{sent:?}");
    // `plain` gives the verifier away in the address; a challenge of another verifier fits none of ours.
    for change in
        [("code_challenge_method", "plain"), ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    {
        let alice = site.browser("alice");
        let at = pressed(&alice, &bia, "microsoft").await;
        let mut changed = without(&at, &[change.0]);
        changed.query_pairs_mut().append_pair(change.0, change.1);
        let back = alice.authorize(&changed).await;
        let answer = alice.get(&back).await;
        nobody(&alice, &bia, &answer).await;
    }
}

#[tokio::test]
async fn a_client_switches_neither_pkce_nor_nonce_nor_state_off() {
    let site = Site::new().await;
    let bia = site.start().await;
    let browser = Browser::new();
    let names = [
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "state",
        "redirect_uri",
        "client_id",
        "response_type",
        "response_mode",
        "scope",
        "claims",
        "request",
        "request_uri",
    ];
    let flow = browser.begin(&bia, "login").await;
    let evil: BTreeMap<&str, &str> = names.iter().map(|name| (*name, "evil-text-of-a-client")).collect();
    let body = json!({ "provider": "microsoft", "upstream_parameters": evil });
    let answer = browser.post_json(flow["ui"]["action"].as_str().expect("an action"), &body).await.expect(422);
    let at = Url::parse(answer["redirect_browser_to"].as_str().expect("an address")).expect("a URL");
    assert!(!at.as_str().contains("evil-text"), "{at}");
    for name in ["code_challenge", "code_challenge_method", "nonce", "state"] {
        assert!(parameter(&at, name).is_some(), "{name}: {at}");
    }
}

#[tokio::test]
async fn tokens_in_the_address_of_a_callback_are_nobody() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let at = pressed(&alice, &bia, "microsoft").await;
    let back = alice.authorize(&at).await;
    // Right in everything, also in the nonce of this very sign-in: only the place is wrong.
    let mint = Mint {
        person: "alice".to_owned(),
        client_id: TEST_CLIENT_ID.to_owned(),
        nonce: parameter(&at, "nonce"),
        ..Mint::default()
    };
    let token = site.control().mint_id_token(&mint).expect("a token");
    // The implicit and hybrid flows put tokens there, where anybody can write them.
    let mut implicit = without(&back, &["code"]);
    implicit.query_pairs_mut().append_pair("id_token", &token).append_pair("access_token", "x");
    let answer = alice.get(&implicit).await;
    nobody(&alice, &bia, &answer).await;
    assert!(redeemed(&site).is_empty());
}

#[tokio::test]
async fn a_token_that_an_app_submits_is_of_this_application_and_this_app_alone() {
    let site = Site::new().await;
    let bia = site.start().await;
    let good = Mint {
        person: "alice".to_owned(),
        client_id: TEST_CLIENT_ID.to_owned(),
        nonce: Some("nonce-of-the-app".to_owned()),
        ..Mint::default()
    };
    let with = |fault: IdTokenFault| Mint { fault: Some(fault), ..good.clone() };
    let cases = [
        ("another application", Mint { client_id: "00000000-0000-4000-8000-00000000beef".to_owned(), ..good.clone() }),
        ("another nonce", Mint { nonce: Some("nonce-of-somebody".to_owned()), ..good.clone() }),
        ("no nonce", Mint { nonce: None, ..good.clone() }),
        ("another provider", Mint { plain_provider: Some("plain".to_owned()), ..good.clone() }),
        ("a foreign host", Mint { base_url: "https://login.evil.example".to_owned(), ..good.clone() }),
        ("no signature", with(IdTokenFault::AlgNone)),
        ("a stranger's key", with(IdTokenFault::StrangerSameKid)),
        ("a changed signature", with(IdTokenFault::BadSignature)),
        ("another audience", with(IdTokenFault::WrongAud { value: None })),
    ];
    for (case, mint) in cases {
        let token = site.control().mint_id_token(&mint).expect(case);
        let answer = submit(&bia, "microsoft", &token).await;
        assert!(answer.status >= 400, "{case}: {answer:?}");
        assert!(!answer.body.contains("session_token"), "{case}");
    }
    let token = site.control().mint_id_token(&good).expect("a token");
    let signed_in = submit(&bia, "microsoft", &token).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    // Every provider believes its own tokens alone.
    let answer = submit(&bia, "partner", &token).await;
    assert_eq!(answer.status, 403, "{answer:?}");
}

async fn submit(bia: &Bia, provider: &str, token: &str) -> Answer {
    let app = Browser::new();
    let flow = app.get_json(format!("{}/self-service/login/api", bia.public)).await.expect(200);
    let body = json!({
        "method": "oidc", "provider": provider, "id_token": token, "id_token_nonce": "nonce-of-the-app",
        "traits": {},
    });
    app.post_json(flow["ui"]["action"].as_str().expect("an action"), &body).await
}

#[tokio::test]
async fn parameters_that_come_twice_are_not_read_by_turns() {
    let site = Site::new().await;
    let bia = site.start().await;
    // Her state with both codes, in either order: at most her own code under her own state signs her in.
    for first_is_foreign in [true, false] {
        let (alice, mallory) = (site.browser("alice"), site.browser("mallory"));
        let own = alice.to_callback(&bia, "microsoft").await;
        let foreign = mallory.to_callback(&bia, "microsoft").await;
        let mut mixed = without(&own, &["code"]);
        let (hers, his) = (parameter(&own, "code").expect("a code"), parameter(&foreign, "code").expect("a code"));
        let codes = if first_is_foreign { [his, hers] } else { [hers, his] };
        mixed.query_pairs_mut().extend_pairs(codes.iter().map(|code| ("code", code)));
        alice.get(&mixed).await;
        let session = alice.whoami(&bia).await;
        let email = session.as_ref().and_then(|session| session["identity"]["traits"]["email"].as_str());
        assert!(email.is_none_or(|email| email == "alice@contoso.example"), "{session:?}");
        assert!(mallory.whoami(&bia).await.is_none());
    }
}
