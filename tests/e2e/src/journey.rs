//! One sign-in, step by step or as a whole.

use serde_json::Value;
use url::Url;

use crate::{Answer, Bia, Browser};

impl Browser {
    /// Begins a flow as a script does; the flow.
    pub async fn begin(&self, bia: &Bia, kind: &str) -> Value {
        self.get_json(format!("{}/self-service/{kind}/browser", bia.public)).await.expect(200)
    }

    /// Reads a flow.
    pub async fn flow(&self, bia: &Bia, kind: &str, id: &str) -> Value {
        self.get_json(format!("{}/self-service/{kind}/flows?id={id}", bia.public)).await.expect(200)
    }

    /// Presses a provider's button; the address at the provider.
    ///
    /// # Panics
    /// When that doesn't lead on, or in a way that makes a browser post the form once more (RFC 9700 4.12).
    pub async fn press(&self, flow: &Value, provider: &str) -> Url {
        let action = flow["ui"]["action"].as_str().expect("an action");
        let pressed = self.post_form(action, &[("provider", provider)]).await;
        assert_eq!(pressed.status, 303, "{pressed:?}");
        pressed.location()
    }

    /// Signs in at the provider, where the persona of this browser needs no clicks; the address of the callback.
    pub async fn authorize(&self, at: &Url) -> Url {
        self.get(at).await.location()
    }

    /// From a fresh login to the address of the callback, which nobody has opened yet.
    pub async fn to_callback(&self, bia: &Bia, provider: &str) -> Url {
        let flow = self.begin(bia, "login").await;
        let at = self.press(&flow, provider).await;
        self.authorize(&at).await
    }

    /// A whole login; the answer of the callback.
    pub async fn sign_in(&self, bia: &Bia, provider: &str) -> Answer {
        let flow = self.begin(bia, "login").await;
        self.go_on(&flow, provider).await
    }

    /// From a flow to the answer of the callback.
    pub async fn go_on(&self, flow: &Value, provider: &str) -> Answer {
        let at = self.press(flow, provider).await;
        let back = self.authorize(&at).await;
        self.get(back).await
    }

    /// A whole login that has to succeed.
    ///
    /// # Panics
    /// When it doesn't.
    pub async fn signed_in(&self, bia: &Bia, provider: &str) -> Value {
        let answer = self.sign_in(bia, provider).await;
        if answer.header("location") != "http://app.example/home" {
            panic!("{:#}", self.shown(bia, &answer).await);
        }
        self.whoami(bia).await.expect("a session")
    }

    /// The session, if there is one.
    pub async fn whoami(&self, bia: &Bia) -> Option<Value> {
        let answer = self.get_json(format!("{}/sessions/whoami", bia.public)).await;
        (answer.status == 200).then(|| answer.json())
    }

    /// What the visitor is shown where a redirect led: the flow, or the stored error under `error`.
    pub async fn shown(&self, bia: &Bia, answer: &Answer) -> Value {
        let to = answer.location();
        let query = |name: &str| to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let kind = to.path().trim_start_matches('/').to_owned();
        if kind == "error" {
            let id = query("id").expect("an id");
            return self.get_json(format!("{}/self-service/errors?id={id}", bia.public)).await.expect(200);
        }
        let id = query("flow").unwrap_or_else(|| panic!("no flow: {to}"));
        self.flow(bia, &kind, &id).await
    }
}

/// Every message id in a flow: of the form, of its fields and of their labels.
pub fn ids(flow: &Value) -> Vec<i64> {
    let mut found = Vec::new();
    let mut collect = |value: &Value| found.extend(value["id"].as_i64());
    let none = Vec::new();
    for message in flow["ui"]["messages"].as_array().unwrap_or(&none) {
        collect(message);
    }
    for node in nodes(flow) {
        collect(&node["meta"]["label"]);
        for message in node["messages"].as_array().unwrap_or(&none) {
            collect(message);
        }
    }
    found
}

/// The nodes of a flow.
pub fn nodes(flow: &Value) -> Vec<Value> {
    flow["ui"]["nodes"].as_array().cloned().unwrap_or_default()
}
