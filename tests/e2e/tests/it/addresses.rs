//! The addresses that people are sent to, compared with Kratos' value by value, apart from PKCE and nonce.
//!
//! The contract suite leaves these strings out where they carry PKCE and nonce; this test holds the rest of them.

use std::collections::BTreeMap;

use bia_e2e::{Bia, Browser, Site, TEST_CLIENT_ID};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

/// What Bia adds.
const OURS: [&str; 3] = ["nonce", "code_challenge", "code_challenge_method"];

/// Sorted by name, as Kratos writes a query, spaces as `+`.
fn query(pairs: &[(&str, &str)]) -> String {
    let sorted: BTreeMap<&str, &str> = pairs.iter().copied().collect();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(sorted).finish()
}

/// The address without what Bia adds and without the state's value; PKCE and nonce are checked on the way.
#[track_caller]
fn stripped(address: &str) -> String {
    let mut url = Url::parse(address).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("code_challenge_method"), value("code_challenge").map(|_| "S256"));
    assert!(value("code_challenge").is_none_or(|challenge| challenge.len() == 43));
    assert!(value("nonce").is_none_or(|nonce| nonce.len() >= 22));
    let state = value("state").expect("a state");
    // Long enough that nobody guesses it, short enough for every proxy on the way.
    assert!((100..=1024).contains(&state.len()), "{}", state.len());
    let kept = pairs.iter().filter(|(key, _)| !OURS.contains(&key.as_str()));
    let kept = kept.map(|(key, value)| (key.as_str(), if key == "state" { "STATE" } else { value }));
    let mut kept: Vec<_> = kept.collect();
    let count = kept.len();
    kept.dedup_by_key(|(key, _)| *key);
    assert_eq!(kept.len(), count, "a parameter is there twice: {address}");
    url.set_query(Some(&query(&kept)));
    url.into()
}

/// The address of a submission by JSON: in the body, and the same one in the text.
async fn by_json(browser: &Browser, action: &str, body: &Value) -> String {
    let answer = browser.post_json(action, body).await;
    let body = answer.expect(422);
    let address = body["redirect_browser_to"].as_str().expect("an address");
    assert_eq!(
        body["error"]["reason"],
        format!("In order to complete this flow please redirect the browser to: {address}")
    );
    assert_eq!(body["error"]["id"], "browser_location_change_required");
    stripped(address)
}

/// The same by a form, where the address is in the header.
async fn by_form(browser: &Browser, action: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.post_form(action, fields).await;
    assert_eq!(answer.status, 303);
    stripped(answer.header("location"))
}

struct Case {
    extra: Value,
    form: &'static [(&'static str, &'static str)],
    parameters: &'static [(&'static str, &'static str)],
}

fn cases() -> Vec<Case> {
    let case = |extra, form, parameters| Case { extra, form, parameters };
    vec![
        case(json!({}), &[], &[]),
        case(
            json!({ "prompt": "select_account" }),
            &[("upstream_parameters.prompt", "select_account")],
            &[("prompt", "select_account")],
        ),
        case(
            json!({ "prompt": "login", "hd": "contoso.example", "auth_type": "reauthenticate", "acr_values": "c1 c2" }),
            &[
                ("upstream_parameters.prompt", "login"),
                ("upstream_parameters.hd", "contoso.example"),
                ("upstream_parameters.auth_type", "reauthenticate"),
                ("upstream_parameters.acr_values", "c1 c2"),
            ],
            &[("prompt", "login"), ("hd", "contoso.example"), ("auth_type", "reauthenticate"), ("acr_values", "c1 c2")],
        ),
        case(
            json!({ "login_hint": "alice@contoso.example", "lol": "x", "redirect_uri": "https://evil.example/" }),
            &[("upstream_parameters.login_hint", "alice@contoso.example"), ("upstream_parameters.redirect_uri", "x")],
            &[],
        ),
    ]
}

/// What Kratos would send for a Microsoft provider.
fn expected(site: &Site, provider: &str, extra: &[(&str, &str)]) -> String {
    let redirect = format!("{}/self-service/methods/oidc/callback/{provider}", site.public);
    let mut pairs = vec![
        ("client_id", TEST_CLIENT_ID),
        ("redirect_uri", redirect.as_str()),
        ("response_type", "code"),
        ("scope", "profile email openid"),
        ("state", "STATE"),
    ];
    pairs.extend(extra);
    format!("{}/common/oauth2/v2.0/authorize?{}", site.stand_in(), query(&pairs))
}

fn action(flow: &Value) -> &str {
    flow["ui"]["action"].as_str().expect("an action")
}

async fn begin_native(bia: &Bia, kind: &str) -> Value {
    Browser::new().get_json(format!("{}/self-service/{kind}/api", bia.public)).await.expect(200)
}

#[tokio::test]
async fn login_and_registration_send_what_kratos_sends_by_form_by_script_and_from_apps() {
    let site = Site::new().await;
    let bia = site.start().await;
    let browser = Browser::new();
    for kind in ["login", "registration"] {
        for case in cases() {
            let wanted = expected(&site, "microsoft", case.parameters);
            let body = json!({ "method": "oidc", "provider": "microsoft", "upstream_parameters": case.extra });
            let flow = browser.begin(&bia, kind).await;
            assert_eq!(by_json(&browser, action(&flow), &body).await, wanted, "{kind}");
            let flow = begin_native(&bia, kind).await;
            assert_eq!(by_json(&Browser::new(), action(&flow), &body).await, wanted, "{kind}, native");
            let flow = browser.begin(&bia, kind).await;
            let fields = [&[("provider", "microsoft")], case.form].concat();
            assert_eq!(by_form(&browser, action(&flow), &fields).await, wanted, "{kind}, form");
        }
    }
}

#[tokio::test]
async fn a_refresh_asks_for_the_password_again_unless_the_client_says_otherwise() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let refresh = format!("{}/self-service/login/browser?refresh=true", bia.public);
    let flow = alice.get_json(&refresh).await.expect(200);
    let body = json!({ "provider": "microsoft" });
    let wanted = expected(&site, "microsoft", &[("prompt", "login")]);
    assert_eq!(by_json(&alice, action(&flow), &body).await, wanted);
    let flow = alice.get_json(&refresh).await.expect(200);
    assert_eq!(by_form(&alice, action(&flow), &[("provider", "microsoft")]).await, wanted);
    let flow = alice.get_json(&refresh).await.expect(200);
    let body = json!({ "provider": "microsoft", "upstream_parameters": { "prompt": "none" } });
    let wanted = expected(&site, "microsoft", &[("prompt", "none")]);
    assert_eq!(by_json(&alice, action(&flow), &body).await, wanted);
}

#[tokio::test]
async fn linking_in_settings_sends_what_kratos_sends() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    for case in cases() {
        let wanted = expected(&site, "work", case.parameters);
        let flow = alice.begin(&bia, "settings").await;
        let body = json!({ "link": "work", "upstream_parameters": case.extra });
        assert_eq!(by_json(&alice, action(&flow), &body).await, wanted);
        let flow = alice.begin(&bia, "settings").await;
        let fields = [&[("link", "work")], case.form].concat();
        assert_eq!(by_form(&alice, action(&flow), &fields).await, wanted);
    }
}

#[tokio::test]
async fn claims_scopes_and_the_callback_without_an_id_are_sent_as_configured() {
    let mut site = Site::new().await;
    let claims = json!({ "id_token": { "email": { "essential": true }, "acr": { "values": ["c1"] } } });
    site.provider("microsoft", json!({ "requested_claims": claims, "scope": ["openid", "email", "User.Read"] }));
    site.provider("work", json!({ "pkce": "force" }));
    let bia = site.start().await;
    let browser = Browser::new();
    let flow = browser.begin(&bia, "login").await;
    let sent = by_json(&browser, action(&flow), &json!({ "provider": "microsoft" })).await;
    let sent: BTreeMap<_, _> = Url::parse(&sent).expect("a URL").query_pairs().into_owned().collect();
    assert_eq!(serde_json::from_str::<Value>(&sent["claims"]).expect("JSON"), claims);
    assert_eq!(sent["scope"], "openid email User.Read");
    let flow = browser.begin(&bia, "login").await;
    let sent = by_json(&browser, action(&flow), &json!({ "provider": "work" })).await;
    let generic = format!("{}/self-service/methods/oidc/callback", site.public);
    assert_eq!(
        Url::parse(&sent).expect("a URL").query_pairs().find(|(key, _)| key == "redirect_uri").expect("one").1,
        generic
    );
}

#[tokio::test]
async fn a_generic_provider_gets_pkce_only_where_kratos_sends_it_and_nothing_else_of_ours() {
    let mut site = Site::new().await;
    let announced = format!("{}/op/pkce", site.stand_in());
    for (id, changes) in [
        ("announced", json!({ "issuer_url": announced })),
        ("never", json!({ "issuer_url": announced, "pkce": "never" })),
        ("force", json!({ "pkce": "force" })),
    ] {
        let mut provider = site.config["selfservice"]["methods"]["oidc"]["config"]["providers"][2].clone();
        bia_e2e::merge(&mut provider, &changes);
        provider["id"] = id.into();
        site.provider(id, provider);
    }
    let bia = site.start().await;
    let browser = Browser::new();
    for (id, issuer, has_pkce, callback) in [
        ("partner", "plain", false, "/partner"),
        ("announced", "pkce", true, "/announced"),
        ("never", "pkce", false, "/never"),
        ("force", "plain", true, ""),
    ] {
        let flow = browser.begin(&bia, "login").await;
        let answer = browser.post_form(action(&flow), &[("provider", id)]).await;
        let sent: BTreeMap<_, _> = answer.location().query_pairs().into_owned().collect();
        assert_eq!(sent.contains_key("code_challenge"), has_pkce, "{id}");
        let redirect = format!("{}/self-service/methods/oidc/callback{callback}", site.public);
        let wanted = query(&[
            ("client_id", "plain-client"),
            ("redirect_uri", &redirect),
            ("response_type", "code"),
            ("scope", "profile email openid"),
            ("state", "STATE"),
        ]);
        let wanted = format!("{}/op/{issuer}/authorize?{wanted}", site.stand_in());
        assert_eq!(stripped(answer.header("location")), wanted, "{id}");
    }
}
