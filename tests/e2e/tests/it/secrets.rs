//! Secrets that rotate, restarts, and several instances over one database.

use bia_e2e::{Answer, Bia, Browser, Database, Site, free_port};
use serde_json::{Value, json};
use url::Url;

/// What people have in their hands while the secrets change.
struct Held {
    alice: Browser,
    session: Value,
    /// Somebody who is at the provider.
    bob: Browser,
    back: Url,
    init_code: String,
    return_to_code: String,
    tokens: Value,
}

async fn stored_tokens(bia: &Bia, identity: &Value) -> Value {
    let id = identity.as_str().expect("an id");
    let url = format!("{}/admin/identities/{id}?include_credential=oidc", bia.admin);
    Browser::new().get_json(url).await.expect(200)["credentials"]["oidc"]["config"]["providers"].clone()
}

/// A sign-in from an app, up to the code that the app gets; `(init code, return-to code)`.
async fn native(site: &Site, bia: &Bia, person: &str) -> (String, String) {
    let url = format!(
        "{}/self-service/login/api?return_session_token_exchange_code=true&return_to=app.example://signed-in",
        bia.public
    );
    let flow = Browser::new().get_json(url).await.expect(200);
    let action = flow["ui"]["action"].as_str().expect("an action");
    let body = json!({ "method": "oidc", "provider": "microsoft" });
    let away = Browser::new().post_json(action, &body).await.expect(422);
    let browser = site.browser(person);
    let at = Url::parse(away["redirect_browser_to"].as_str().expect("an address")).expect("a URL");
    let back = browser.authorize(&at).await;
    let done = browser.get(back).await.location();
    let code = done.query_pairs().find(|(key, _)| key == "code").unwrap_or_else(|| panic!("no code: {done}")).1;
    (flow["session_token_exchange_code"].as_str().expect("a code").to_owned(), code.into_owned())
}

async fn exchange(bia: &Bia, held: &Held) -> Answer {
    let (init, back) = (&held.init_code, &held.return_to_code);
    let url = format!("{}/sessions/token-exchange?init_code={init}&return_to_code={back}", bia.public);
    Browser::new().get_json(url).await
}

async fn hold(site: &Site, bia: &Bia) -> Held {
    let alice = site.browser("alice");
    let session = alice.signed_in(bia, "microsoft").await;
    let bob = site.browser("bob");
    let back = bob.to_callback(bia, "microsoft").await;
    site.browser("carol").signed_in(bia, "microsoft").await;
    let (init_code, return_to_code) = native(site, bia, "carol").await;
    let tokens = stored_tokens(bia, &session["identity"]["id"]).await;
    assert!(tokens[0]["initial_id_token"].as_str().is_some_and(|token| token.starts_with("ey")), "{tokens}");
    Held { alice, session, bob, back, init_code, return_to_code, tokens }
}

fn secrets(default: &[&str], cookie: &[&str], cipher: &[&str]) -> Value {
    json!({ "secrets": { "default": default, "cookie": cookie, "cipher": cipher } })
}

#[tokio::test]
async fn everything_made_under_the_old_secrets_opens_after_a_rotation() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    let held = hold(&site, &bia).await;
    assert_eq!(bia.stop().code, Some(0));
    site.change(secrets(
        &["a-new-default-secret-of-the-tests", "default-secret-of-the-tests"],
        &["a-new-cookie-secret-of-the-tests", "cookie-secret-of-the-tests"],
        &["new-cipher-secret-of-tests-32ch!", "cipher-secret-of-tests-32-chars!"],
    ));
    let bia = site.start().await;
    assert_eq!(held.alice.whoami(&bia).await.expect("the session")["id"], held.session["id"]);
    assert_eq!(stored_tokens(&bia, &held.session["identity"]["id"]).await, held.tokens);
    let done = held.bob.get(&held.back).await;
    assert_eq!(done.header("location"), "http://app.example/home", "{done:?}");
    let exchanged = exchange(&bia, &held).await.expect(200);
    assert!(exchanged["session_token"].as_str().is_some_and(|token| token.starts_with("ory_st_")));
    let logout = held.alice.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
    held.alice.get(logout["logout_url"].as_str().expect("a URL")).await;
    assert!(held.alice.whoami(&bia).await.is_none());
}

#[tokio::test]
async fn what_was_made_under_secrets_that_are_gone_opens_nothing() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    let held = hold(&site, &bia).await;
    bia.stop();
    site.change(secrets(
        &["a-new-default-secret-of-the-tests"],
        &["a-new-cookie-secret-of-the-tests"],
        &["new-cipher-secret-of-tests-32ch!"],
    ));
    let bia = site.start().await;
    assert!(held.alice.whoami(&bia).await.is_none());
    let refused = held.bob.get(&held.back).await;
    let shown = held.bob.shown(&bia, &refused).await;
    assert_eq!(shown["error"]["code"], 400, "{shown}");
    assert!(held.bob.whoami(&bia).await.is_none());
    // An undecryptable token is an empty one, as in Kratos; the rest of the credential stays.
    let tokens = stored_tokens(&bia, &held.session["identity"]["id"]).await;
    assert_eq!(tokens[0]["initial_id_token"], "");
    assert_eq!(tokens[0]["subject"], held.tokens[0]["subject"]);
}

#[tokio::test]
async fn a_restart_keeps_sessions_and_whoever_is_at_the_provider() {
    let site = Site::new().await;
    let bia = site.start().await;
    let held = hold(&site, &bia).await;
    bia.stop();
    let bia = site.start().await;
    assert_eq!(held.alice.whoami(&bia).await.expect("the session")["id"], held.session["id"]);
    assert_eq!(held.bob.get(&held.back).await.header("location"), "http://app.example/home");
    assert_eq!(exchange(&bia, &held).await.status, 200);
}

#[tokio::test]
async fn any_instance_goes_on_with_what_another_began() {
    // SQLite belongs to one process.
    let Some(database) = Database::create().await else { return };
    let mut site = Site::with(json!({ "dsn": database.dsn(None) })).await;
    let first = site.start().await;
    // The second one listens elsewhere, but is reached at the same base URL, as behind a load balancer.
    let (public, admin) = (free_port(), free_port());
    let own = (site.public.clone(), site.admin.clone());
    site.change(json!({ "serve": { "public": { "port": public }, "admin": { "port": admin } } }));
    site.admin = format!("http://127.0.0.1:{admin}");
    let second = site.start().await;
    let other = format!("http://127.0.0.1:{public}");
    let there = |url: &str| url.replace(&own.0, &other);
    let alice = site.browser("alice");
    let carry = |from: &str, to: &str| {
        for (name, value) in alice.cookies(from) {
            alice.set_cookie(to, &name, &value);
        }
    };
    let flow = alice.begin(&first, "login").await;
    carry(&own.0, &other);
    let action = there(flow["ui"]["action"].as_str().expect("an action"));
    let at = alice.post_form(action, &[("provider", "microsoft")]).await.location();
    let back = alice.authorize(&at).await;
    carry(&other, &own.0);
    let done = alice.get(&back).await;
    assert_eq!(done.header("location"), "http://app.example/home", "{done:?}");
    carry(&own.0, &other);
    let here = alice.whoami(&first).await.expect("a session");
    let there = alice.get_json(format!("{other}/sessions/whoami")).await.expect(200);
    assert_eq!(here["id"], there["id"]);
    assert_eq!((first.stop().code, second.stop().code), (Some(0), Some(0)));
    database.drop().await;
}
