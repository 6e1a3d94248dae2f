//! Apps that wait at the token exchange: whose session they get, and whose never.

use crate::bed::Bed;
use crate::browser::{Browser, Visit};
use bia_model::{Flow, FlowType};
use bia_selfservice::{Body, InitQuery, Outcome, SubmitInput, login, token_exchange};
use serde_json::{Value, json};
use url::Url;

/// An app that began a login, and the address at the provider that it opens in a browser.
pub(crate) struct App<'a> {
    bed: &'a Bed,
    flow: Flow,
    pub(crate) away: String,
}

impl<'a> App<'a> {
    pub(crate) async fn begin(bed: &'a Bed) -> Self {
        Self::with(bed, "true").await
    }

    /// One whose callback answers to the app's own web view.
    pub(crate) async fn begin_without_exchange(bed: &'a Bed) -> Self {
        Self::with(bed, "false").await
    }

    async fn with(bed: &'a Bed, exchange: &str) -> Self {
        let name = "return_session_token_exchange_code";
        let context = bed.browser().context(&format!("/self-service/login/api?{name}={exchange}")).await;
        let query = InitQuery::new(vec![(name.to_owned(), exchange.to_owned())]);
        let begun = login::create_flow(&bed.deps, &context, FlowType::Api, &query).await;
        let Outcome::FlowCreated(flow) = begun.outcome else { panic!("no flow: {:?}", begun.outcome) };
        let input = SubmitInput {
            flow: Some(flow.id.to_string()),
            query: Vec::new(),
            body: Body::Json(json!({ "method": "oidc", "provider": "microsoft" }).to_string().into_bytes()),
            is_get: false,
        };
        let sent = login::submit(&bed.deps, &context, input).await;
        let Outcome::GoToProvider { url } = sent.outcome else { panic!("not sent away: {:?}", sent.outcome) };
        Self { bed, flow: *flow, away: url }
    }

    /// What the exchange answers to the app's own code and the one that came back through a browser.
    pub(crate) async fn exchange(&self, return_to_code: &str) -> (u16, Value) {
        let init = self.flow.session_token_exchange_code.clone().unwrap();
        let pairs = [("init_code", init), ("return_to_code", return_to_code.to_owned())];
        let query = InitQuery::new(pairs.map(|(name, value)| (name.to_owned(), value)).to_vec());
        let context = self.bed.browser().context("/sessions/token-exchange").await;
        match token_exchange::exchange(&self.bed.deps, &context, &query).await.outcome {
            Outcome::Json { status, body } => (status, body),
            Outcome::RefusedJson(error) => (error.code, json!(error)),
            other => panic!("no answer: {other:?}"),
        }
    }

    async fn holds_a_session(&self) -> bool {
        let found = self.bed.deps.store.find_token_exchange_by_flow(self.flow.id).await.unwrap().unwrap();
        found.session_id.is_some() || found.sealed_token.is_some()
    }
}

/// Comes back from the provider; the second code, if the browser is sent on with one.
pub(crate) async fn code_of(browser: &mut Browser<'_>, visit: &Visit) -> Option<String> {
    match browser.call_back(visit).await.0.outcome {
        Outcome::RedirectAll(to) => {
            let to = Url::parse(&to.to).unwrap();
            to.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
        }
        _ => None,
    }
}

#[tokio::test]
async fn an_app_gets_the_session_of_whoever_the_provider_names_and_not_the_browsers() {
    let bed = Bed::new().await;
    let mut bob = bed.signed_in("bob").await;
    let own = bob.session().await.unwrap();
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
    for persona in ["alice", "bob"] {
        let app = App::begin(&bed).await;
        let visit = bob.visit(&app.away, persona).await;
        let code = code_of(&mut bob, &visit).await.expect("the second code");
        let (status, body) = app.exchange(&code).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["session"]["identity"]["traits"]["email"], format!("{}", email(persona)));
        assert_ne!(body["session"]["id"], own.id.to_string(), "the browser's own session left the browser");
    }
    assert_eq!(bob.session().await.unwrap().id, own.id);
}

fn email(persona: &str) -> &'static str {
    if persona == "alice" { "alice@contoso.example" } else { "bob@fabrikam.example" }
}

#[tokio::test]
async fn a_signed_in_browser_that_is_led_to_a_callback_gives_its_session_to_no_app() {
    let bed = Bed::new().await;
    let mut alice = bed.signed_in("alice").await;
    // A made-up code at the callback of an app's sign-in, as a link of the app's owner.
    let app = App::begin(&bed).await;
    let state = Url::parse(&app.away).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let pairs = [("state", state), ("code", "made-up".to_owned())].map(|(name, value)| (name.to_owned(), value));
    let made_up = Visit {
        provider: Some("microsoft".to_owned()),
        query: pairs.to_vec(),
        url: "http://127.0.0.1:4433/self-service/methods/oidc/callback/microsoft".to_owned(),
    };
    let code = code_of(&mut alice, &made_up).await;
    assert!(!app.holds_a_session().await);
    if let Some(code) = code {
        let (status, body) = app.exchange(&code).await;
        assert_eq!((status, &body["session_token"]), (422, &Value::Null), "{body}");
    }
    // The same once more, when nothing waits for it any longer.
    let again = alice.call_back(&made_up).await;
    assert_eq!(again.error()["code"], 400);
    assert!(!app.holds_a_session().await);
}

#[tokio::test]
async fn a_callback_that_is_repeated_by_somebody_else_gives_their_session_to_no_app() {
    let bed = Bed::new().await;
    let app = App::begin(&bed).await;
    let mut own = bed.browser();
    let visit = own.visit(&app.away, "bob").await;
    let code = code_of(&mut own, &visit).await.expect("the second code");
    let before = app.exchange(&code).await;
    let mut alice = bed.signed_in("alice").await;
    let repeated = alice.call_back(&visit).await;
    assert_eq!(repeated.error()["code"], 400);
    assert_eq!(app.exchange(&code).await, before);
}
