//! A stand-in, a provider for it, and one whole sign-in.

use bia_config::OidcConfig;
use bia_fake_entra::{Control, FakeEntra, Options, TEST_CLIENT_ID, TEST_CLIENT_SECRET, start};
use bia_model::Timestamp;
use bia_outbound::{Outbound, Policy};
use bia_provider::{Authorization, AuthorizeRequest, ExchangeRequest, Provider, ProviderError, Providers, SignedIn};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::Url;

pub(crate) struct World {
    pub(crate) entra: FakeEntra,
    pub(crate) outbound: Outbound,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_timeout(Duration::from_secs(10)).await
    }

    pub(crate) async fn with_timeout(timeout: Duration) -> Self {
        let entra = start(Options::default()).await.expect("the stand-in starts");
        let outbound = Outbound::new(Policy { timeout, ..Policy::default() }).expect("a client");
        Self { entra, outbound }
    }

    pub(crate) fn control(&self) -> Control {
        self.entra.control()
    }

    /// A Microsoft provider for `common`, with `more` laid over it.
    pub(crate) fn microsoft(&self, more: Value) -> Arc<dyn Provider> {
        self.provider(self.microsoft_entry(more))
    }

    /// `p0`, `p1` and so on, one for each tenant.
    pub(crate) fn microsoft_entries(&self, tenants: &[&str]) -> Value {
        let entry = |(index, tenant): (usize, &&str)| {
            self.microsoft_entry(json!({ "id": format!("p{index}"), "microsoft_tenant": tenant }))
        };
        tenants.iter().enumerate().map(entry).collect()
    }

    fn microsoft_entry(&self, more: Value) -> Value {
        let base = self.entra.base_url();
        let mut entry = json!({
            "id": "microsoft", "provider": "microsoft", "client_id": TEST_CLIENT_ID, "client_secret": TEST_CLIENT_SECRET,
            "microsoft_tenant": "common", "mapper_url": "file://none", "scope": ["profile", "email"],
            "microsoft": { "authority_host": base, "graph_host": base },
        });
        lay_over(&mut entry, more);
        entry
    }

    pub(crate) fn provider(&self, entry: Value) -> Arc<dyn Provider> {
        let id = entry["id"].as_str().unwrap_or_default().to_owned();
        self.providers(json!([entry])).get(&id).expect("the provider is configured")
    }

    pub(crate) fn providers(&self, entries: Value) -> Providers {
        let config: OidcConfig = serde_json::from_value(json!({ "providers": entries })).expect("a configuration");
        Providers::new(&config, &public_url(), &self.outbound)
    }

    /// The whole way: authorize, the person at the stand-in, the code redeemed.
    pub(crate) async fn sign_in(&self, provider: &Arc<dyn Provider>, who: &str) -> Result<SignedIn, ProviderError> {
        let authorization = self.authorize(provider).await?;
        let code = self.code(&authorization, who).await;
        exchange(provider, &authorization, &code).await
    }

    pub(crate) async fn authorize(&self, provider: &Arc<dyn Provider>) -> Result<Authorization, ProviderError> {
        provider.authorize(AuthorizeRequest::new("opaque-state", &BTreeMap::new(), now())).await
    }

    pub(crate) async fn code(&self, authorization: &Authorization, who: &str) -> String {
        self.control().set_persona(Some(who));
        let answer = self.outbound.get(authorization.url.as_str()).send().await.expect("the authorize page answers");
        if let Some(location) = answer.header("location") {
            let target = Url::parse(location).expect("a URL");
            return query(&target, "code").unwrap_or_else(|| panic!("no code in {target}"));
        }
        // `form_post`: a page whose form the browser submits.
        let page = String::from_utf8_lossy(&answer.body).into_owned();
        let (_, rest) = page.split_once("name=\"code\" value=\"").unwrap_or_else(|| panic!("no code in the page"));
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

pub(crate) async fn exchange(
    provider: &Arc<dyn Provider>,
    authorization: &Authorization,
    code: &str,
) -> Result<SignedIn, ProviderError> {
    exchange_at(provider, authorization, code, now()).await
}

pub(crate) async fn exchange_at(
    provider: &Arc<dyn Provider>,
    authorization: &Authorization,
    code: &str,
    now: Timestamp,
) -> Result<SignedIn, ProviderError> {
    let request = ExchangeRequest {
        code,
        redirect_uri: &authorization.redirect_uri,
        pkce_verifier: authorization.pkce_verifier.as_deref(),
        nonce: authorization.nonce.as_deref(),
        iss: None,
        user: None,
        step_up: None,
        now,
    };
    provider.exchange(request).await
}

pub(crate) fn public_url() -> Url {
    Url::parse("http://127.0.0.1:4433/").expect("a URL")
}

pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("this millennium"))
}

pub(crate) fn lay_over(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                lay_over(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
