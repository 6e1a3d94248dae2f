//! Who exists: known and unknown people, sessions and flows get equal answers for equal work. Work is counted in
//! statements, because times on a busy machine prove nothing.

use std::collections::BTreeMap;

use bia_e2e::{Answer, Bia, Browser, Site, TEST_CLIENT_ID};
use http::Method;
use serde_json::{Value, json};
use url::Url;

/// How often each statement ran so far.
async fn statements(bia: &Bia) -> BTreeMap<String, u64> {
    let text = Browser::new().get(format!("{}/metrics/prometheus", bia.admin)).await.body;
    let lines = text.lines().filter_map(|line| line.strip_prefix("bia_store_operation_duration_seconds_count{"));
    lines
        .filter_map(|line| {
            let (labels, count) = line.rsplit_once(' ')?;
            Some((labels.to_owned(), count.parse().ok()?))
        })
        .collect()
}

/// What an answer tells a stranger: everything but what is random each time.
fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.body.clone())
}

/// Runs two requests and demands that neither their answers nor their statements differ.
async fn alike(bia: &Bia, case: &str, one: impl AsyncFn() -> (u16, String), two: impl AsyncFn() -> (u16, String)) {
    // The first of a kind may prepare what later ones find ready.
    one().await;
    let mut costs = Vec::new();
    // What the server does by the clock may fall into one of the two; a difference that is theirs comes each time.
    for _ in 0..3 {
        let (known, unknown) = (cost(bia, &one).await, cost(bia, &two).await);
        assert_eq!(known.0, unknown.0, "{case}");
        if known.1 == unknown.1 {
            return;
        }
        costs.push((known.1, unknown.1));
    }
    panic!("{case}: {costs:#?}");
}

/// The answer, and how often each statement ran for it.
async fn cost(bia: &Bia, request: &impl AsyncFn() -> (u16, String)) -> ((u16, String), BTreeMap<String, u64>) {
    let before = statements(bia).await;
    let answer = request().await;
    let after = statements(bia).await;
    assert!(!after.is_empty(), "nothing was counted");
    let grown = after.into_iter().map(|(name, count)| {
        let earlier = before.get(&name).copied().unwrap_or_default();
        (name, count - earlier)
    });
    (answer, grown.filter(|(_, count)| *count > 0).collect())
}

async fn make(bia: &Bia, email: &str) {
    let body = json!({ "schema_id": "default", "traits": { "email": email } });
    Browser::new().post_json(format!("{}/admin/identities", bia.admin), &body).await.expect(201);
}

#[tokio::test]
async fn a_typed_address_gets_the_same_answer_and_work_whether_or_not_somebody_has_it() {
    let mut site = Site::new().await;
    site.provider("microsoft", json!({ "microsoft": { "home_realm_domains": ["contoso.example"] } }));
    let bia = site.start().await;
    for email in ["known@contoso.example", "known@nowhere.example"] {
        make(&bia, email).await;
    }
    let ask = |address: &'static str| {
        let bia = &bia;
        async move || {
            let app = Browser::new();
            let flow = app.get_json(format!("{}/self-service/login/api", bia.public)).await.expect(200);
            let body = json!({ "method": "identifier_first", "identifier": address });
            let answer = app.post_json(flow["ui"]["action"].as_str().expect("an action"), &body).await;
            let shown = answer.json();
            let away = shown["redirect_browser_to"].as_str().map(|at| Url::parse(at).expect("a URL"));
            let kept = away.map(|at| {
                let own = ["state", "nonce", "code_challenge"];
                at.query_pairs()
                    .filter(|(name, _)| !own.contains(&&**name))
                    .map(|(k, v)| format!("{k}={v} "))
                    .collect::<String>()
            });
            let (messages, nodes) = (&shown["ui"]["messages"], &shown["ui"]["nodes"]);
            (answer.status, format!("{kept:?} {messages} {nodes}"))
        }
    };
    for domain in ["contoso", "nowhere"] {
        let (known, unknown) = match domain {
            "contoso" => ("known@contoso.example", "nobody@contoso.example"),
            _ => ("known@nowhere.example", "nobody@nowhere.example"),
        };
        alike(&bia, domain, ask(known), ask(unknown)).await;
    }
}

#[tokio::test]
async fn ids_and_codes_that_are_somebody_elses_look_like_ids_and_codes_that_are_not() {
    let site = Site::new().await;
    let bia = site.start().await;
    let (alice, bob) = (site.browser("alice"), site.browser("bob"));
    alice.signed_in(&bia, "microsoft").await;
    let hers = bob.signed_in(&bia, "microsoft").await["id"].as_str().expect("an id").to_owned();
    let random = "11111111-2222-4333-8444-555555555555";
    let end = |id: String| {
        let (alice, bia) = (&alice, &bia);
        async move || {
            let csrf = alice.begin(bia, "settings").await;
            let token = bia_e2e::nodes(&csrf)[0]["attributes"]["value"].as_str().unwrap_or_default().to_owned();
            let page = Browser::new().with_header("x-csrf-token", &token);
            for (name, value) in alice.cookies(&bia.public) {
                page.set_cookie(&bia.public, &name, &value);
            }
            told(&page.call_json(Method::DELETE, format!("{}/sessions/{id}", bia.public), None).await)
        }
    };
    alike(&bia, "a session's id", end(hers), end(random.to_owned())).await;
    assert!(bob.whoami(&bia).await.is_some());
    // A code that exists needs its other half.
    let native = "return_session_token_exchange_code=true";
    let flow = Browser::new().get_json(format!("{}/self-service/login/api?{native}", bia.public)).await.expect(200);
    let init = flow["session_token_exchange_code"].as_str().expect("a code").to_owned();
    let made_up = "A".repeat(init.len());
    let exchange = |init: String| {
        let bia = &bia;
        async move || {
            let url = format!("{}/sessions/token-exchange?init_code={init}&return_to_code=wrong", bia.public);
            told(&Browser::new().get_json(url).await)
        }
    };
    alike(&bia, "an init code", exchange(init), exchange(made_up)).await;
    // Signing out at the provider, in either form of a session there that nobody here has.
    let logout = |sid: &'static str| {
        let bia = &bia;
        async move || {
            let url = format!("{}/self-service/methods/oidc/logout/microsoft?sid={sid}", bia.public);
            told(&Browser::new().get(url).await)
        }
    };
    alike(&bia, "a sid", logout("00000000-0000-4000-8000-000000000001"), logout("x")).await;
}

#[tokio::test]
async fn whose_token_was_signed_out_or_made_up_learns_nothing_from_the_answer() {
    let site = Site::new().await;
    let bia = site.start().await;
    let mint = bia_fake_entra::Mint {
        person: "alice".to_owned(),
        client_id: TEST_CLIENT_ID.to_owned(),
        nonce: Some("n".to_owned()),
        ..bia_fake_entra::Mint::default()
    };
    let token = site.control().mint_id_token(&mint).expect("a token");
    let app = Browser::new();
    let flow = app.get_json(format!("{}/self-service/login/api", bia.public)).await.expect(200);
    let body = json!({ "method": "oidc", "provider": "microsoft", "id_token": token, "id_token_nonce": "n" });
    let signed_in = app.post_json(flow["ui"]["action"].as_str().expect("an action"), &body).await.expect(200);
    let ended = signed_in["session_token"].as_str().expect("a token").to_owned();
    let url = format!("{}/self-service/logout/api", bia.public);
    app.call_json(Method::DELETE, url, Some(&json!({ "session_token": ended }))).await.expect(204);
    let whoami = |token: String| {
        let bia = &bia;
        async move || {
            let holder = Browser::new().with_header("x-session-token", &token);
            let answer = holder.get_json(format!("{}/sessions/whoami", bia.public)).await;
            let Value::Object(mut error) = answer.json()["error"].clone() else { panic!("{answer:?}") };
            error.remove("request");
            (answer.status, json!(error).to_string())
        }
    };
    alike(&bia, "a session token", whoami(ended.clone()), whoami(format!("ory_st_{}", "A".repeat(ended.len() - 7))))
        .await;
}
