//! Requests that a page of somebody else makes in a victim's browser, and flows that somebody else began for her.

use crate::raw;
use bia_e2e::{Bia, Browser, Site, nodes};
use http::Method;
use serde_json::{Value, json};
use url::Url;

fn action(flow: &Value) -> &str {
    flow["ui"]["action"].as_str().expect("an action")
}

fn token_of(flow: &Value) -> String {
    let nodes = nodes(flow);
    let node = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
    node["attributes"]["value"].as_str().expect("a token").to_owned()
}

/// The providers that are linked, as the settings show them.
async fn linked(browser: &Browser, bia: &Bia) -> Vec<String> {
    let settings = browser.begin(bia, "settings").await;
    let links = nodes(&settings).into_iter().filter(|node| node["attributes"]["name"] == "unlink");
    links.filter_map(|node| node["attributes"]["value"].as_str().map(str::to_owned)).collect()
}

async fn link(browser: &Browser, bia: &Bia, provider: &str) {
    let settings = browser.begin(bia, "settings").await;
    let at = browser.post_form(action(&settings), &[("link", provider)]).await.location();
    let back = browser.authorize(&at).await;
    browser.get(back).await;
}

#[tokio::test]
async fn a_page_of_somebody_else_neither_unlinks_nor_changes_the_profile() {
    let site = Site::new().await;
    let bia = site.start().await;
    let (alice, mallory) = (site.browser("alice"), site.browser("bob"));
    alice.signed_in(&bia, "microsoft").await;
    mallory.signed_in(&bia, "microsoft").await;
    link(&alice, &bia, "work").await;
    let before = linked(&alice, &bia).await;
    assert_eq!(before.len(), 2, "{before:?}");
    let hers = alice.begin(&bia, "settings").await;
    let his = mallory.begin(&bia, "settings").await;
    let (his_token, csrf) = (token_of(&his), "csrf_token");
    let attempts: [&[(&str, &str)]; 4] = [
        &[("unlink", "work")],
        &[("unlink", "work"), (csrf, &his_token)],
        &[("method", "profile"), ("traits.email", "mallory@evil.example")],
        &[("method", "profile"), ("traits.email", "mallory@evil.example"), (csrf, &his_token)],
    ];
    // Her browser sends her cookies along, whichever flow the page names.
    for flow in [&hers, &his] {
        for fields in attempts {
            alice.post_form(action(flow), fields).await;
        }
    }
    // With the attacker's own anti-CSRF cookie planted from a sibling domain, its token fits; the flow still does not.
    let (name, planted) =
        mallory.cookies(&bia.public).into_iter().find(|(name, _)| name.starts_with("csrf_token_")).expect("a cookie");
    let own = alice.cookie(&bia.public, &name).expect("a cookie");
    alice.set_cookie(&bia.public, &name, &planted);
    for fields in attempts {
        alice.post_form(action(&his), fields).await;
    }
    alice.set_cookie(&bia.public, &name, &own);
    assert_eq!(linked(&alice, &bia).await, before);
    let session = alice.whoami(&bia).await.expect("a session");
    assert_eq!(session["identity"]["traits"]["email"], "alice@contoso.example");
    // The same fields with her own token do what they say, or nothing above would have been shown.
    let fields = [("unlink", "work"), (csrf, &token_of(&hers))];
    alice.post_form(action(&hers), &fields).await;
    // What is left is the last way in, which has no button to unlink it.
    assert_eq!(linked(&alice, &bia).await, [""; 0]);
}

#[tokio::test]
async fn json_removes_a_link_without_a_token_and_what_other_sites_can_send_does_not() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    link(&alice, &bia, "work").await;
    let before = linked(&alice, &bia).await;
    assert_eq!(before.len(), 2, "{before:?}");
    let hers = alice.begin(&bia, "settings").await;
    let url = Url::parse(action(&hers)).expect("a URL");
    let target = format!("{}?{}", url.path(), url.query().expect("a flow"));
    let cookies: Vec<String> =
        alice.cookies(&bia.public).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let post = async |headers: &str, target: &str, body: &str| {
        let length = body.len();
        let head = format!("host: 127.0.0.1\r\nconnection: close\r\ncookie: {cookies}\r\ncontent-length: {length}");
        raw::send(&bia.public, &format!("POST {target} HTTP/1.1\r\n{head}\r\n{headers}\r\n{body}")).await
    };
    // A browser sends these for any page without asking: three media types, or none; never that of JSON.
    let json = r#"{"unlink":"work"}"#;
    let part = "--x\r\ncontent-disposition: form-data; name=\"unlink\"\r\n\r\nwork\r\n--x--\r\n";
    let in_query = format!("{target}&unlink=work");
    for (kind, target, body) in [
        ("content-type: text/plain\r\n", &target, json),
        ("content-type: text/plain; x=application/json\r\n", &target, json),
        ("content-type: application/x-www-form-urlencoded\r\n", &target, "unlink=work"),
        ("content-type: application/x-www-form-urlencoded\r\n", &target, json),
        ("content-type: multipart/form-data; boundary=x\r\n", &target, part),
        ("content-type: text/plain\r\n", &in_query, json),
        ("content-type: text/plain\r\n", &in_query, ""),
        ("", &target, json),
        ("", &in_query, ""),
    ] {
        for accept in ["application/json", "text/html"] {
            let answer = post(&format!("accept: {accept}\r\n{kind}"), target, body).await;
            assert!(answer.status >= 300, "{kind}{body}: {answer:?}");
            assert_eq!(linked(&alice, &bia).await, before, "{kind}{body}: {answer:?}");
        }
    }
    let done = post("accept: application/json\r\ncontent-type: application/json\r\n", &target, json).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(linked(&alice, &bia).await, [""; 0]);
}

#[tokio::test]
async fn an_attackers_flow_that_a_victim_finishes_signs_her_in_as_herself_and_the_attacker_not_at_all() {
    let site = Site::new().await;
    let bia = site.start().await;
    let (alice, mallory) = (site.browser("alice"), site.browser("mallory"));
    let flow = mallory.begin(&bia, "login").await;
    // Kratos: a submission needs no token; it ends at the provider, and then at a callback that knows its browser.
    let at = alice.post_form(action(&flow), &[("provider", "microsoft")]).await.location();
    let back = alice.authorize(&at).await;
    alice.get(&back).await;
    let session = alice.whoami(&bia).await.expect("a session");
    assert_eq!(session["identity"]["traits"]["email"], "alice@contoso.example");
    assert!(mallory.whoami(&bia).await.is_none());
    // The flow tells its beginner nothing about who finished it.
    let id = flow["id"].as_str().expect("an id");
    let read = mallory.get_json(format!("{}/self-service/login/flows?id={id}", bia.public)).await;
    assert!(!read.body.contains("alice"), "{read:?}");
}

#[tokio::test]
async fn an_apps_init_code_is_worth_nothing_without_the_code_that_went_through_the_browser() {
    let site = Site::new().await;
    let bia = site.start().await;
    let mallory = Browser::new();
    let query = "return_session_token_exchange_code=true&return_to=app.example://signed-in";
    let flow = mallory.get_json(format!("{}/self-service/login/api?{query}", bia.public)).await.expect(200);
    let init = flow["session_token_exchange_code"].as_str().expect("a code");
    let away =
        mallory.post_json(action(&flow), &json!({ "method": "oidc", "provider": "microsoft" })).await.expect(422);
    let at = Url::parse(away["redirect_browser_to"].as_str().expect("an address")).expect("a URL");
    // The victim follows a link to the provider, signs in there, and the second code goes to the app of her device.
    let alice = site.browser("alice");
    let back = alice.authorize(&at).await;
    let done = alice.get(&back).await;
    assert!(done.header("location").starts_with("app.example://signed-in"), "{done:?}");
    let code = done.location().query_pairs().find(|(key, _)| key == "code").expect("a code").1.into_owned();
    let exchange = |init: &str, code: &str| {
        let url = format!("{}/sessions/token-exchange?init_code={init}&return_to_code={code}", bia.public);
        async move { Browser::new().get_json(url).await }
    };
    for (init, code) in [
        (init, ""),
        (init, init),
        (init, "0"),
        ("", code.as_str()),
        (code.as_str(), code.as_str()),
        (code.as_str(), init),
    ] {
        let answer = exchange(init, code).await;
        assert!((400..500).contains(&answer.status) && !answer.body.contains("ory_st_"), "{answer:?}");
    }
    assert_eq!(exchange(init, &code).await.status, 200);
}

#[tokio::test]
async fn nobody_is_signed_out_by_a_link_of_somebody_else() {
    let site = Site::new().await;
    let bia = site.start().await;
    let (alice, mallory) = (site.browser("alice"), site.browser("bob"));
    alice.signed_in(&bia, "microsoft").await;
    mallory.signed_in(&bia, "microsoft").await;
    let logout = mallory.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
    let his = logout["logout_token"].as_str().expect("a token");
    for query in [format!("?token={his}"), "?token=x".to_owned(), "?token=".to_owned(), String::new()] {
        alice.get(format!("{}/self-service/logout{query}", bia.public)).await;
        assert!(alice.whoami(&bia).await.is_some(), "{query}");
    }
    // Scripts of another site come without the header that proves the cookie was read, and end no session either.
    let ids = alice.get_json(format!("{}/sessions", bia.public)).await;
    assert_eq!(ids.status, 200);
    for method in [Method::DELETE, Method::POST, Method::PUT, Method::PATCH] {
        let page = alice.call_json(method, format!("{}/self-service/logout/api", bia.public), Some(&json!({}))).await;
        assert!(page.status >= 400, "{page:?}");
    }
    assert!(alice.whoami(&bia).await.is_some());
}
