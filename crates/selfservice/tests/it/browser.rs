//! Somebody at a browser: keeps cookies, presses buttons, visits the provider, comes back.

use crate::bed::{Bed, PUBLIC};
use bia_identity::SessionCredentials;
use bia_model::{Flow, FlowType, Group, Identity, Session};
use bia_selfservice::{Body, Context, Csrf, InitQuery, Outcome, Reply, SubmitInput};
use bia_selfservice::{csrf, front_channel, login, logout, oidc, registration, settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::Url;
use uuid::Uuid;

pub(crate) type Pairs = Vec<(String, String)>;

/// A cookie jar, and whether its owner is a page (HTML) or a script (JSON).
pub(crate) struct Browser<'a> {
    bed: &'a Bed,
    csrf: String,
    browser_id: Option<String>,
    pub(crate) session_token: Option<String>,
    pub(crate) is_json: bool,
    /// The `Host` header that it sends.
    pub(crate) host: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(bed: &'a Bed) -> Self {
        let host = PUBLIC.trim_start_matches("http://").to_owned();
        Self { bed, csrf: csrf::new_token(), browser_id: None, session_token: None, is_json: false, host }
    }

    /// The facts of one request to a path of the public port.
    pub(crate) async fn context(&self, path: &str) -> Context {
        let shown = SessionCredentials { header: self.session_token.clone(), ..SessionCredentials::default() };
        let found = self.bed.deps.sessions.authenticate(&shown, self.bed.now()).await.unwrap();
        let (session, session_token) = found.map(|found| (found.session, found.token)).unzip();
        Context {
            now: self.bed.now(),
            request: bia_hooks::Request {
                method: "GET".to_owned(),
                url: format!("{PUBLIC}{path}"),
                headers: vec![("Host".to_owned(), self.host.clone())],
                cookies: Vec::new(),
            },
            is_json: self.is_json,
            accepts_json: self.is_json,
            is_browser: !self.is_json,
            csrf: Csrf { token: self.csrf.clone(), cookie_sent: true, any_cookie_sent: true, header: None },
            browser_id: self.browser_id.clone(),
            session,
            session_token,
            ip_address: Some("192.0.2.1".to_owned()),
            user_agent: Some("test".to_owned()),
            location: None,
            request_id: None,
        }
    }

    fn absorb(&mut self, mut reply: Reply) -> Answer {
        let effects = &mut reply.effects;
        if effects.end_session {
            self.session_token = None;
        }
        if let Some(session) = effects.session.take() {
            self.session_token = Some(session.token);
        }
        if effects.rotate_csrf {
            self.csrf = csrf::new_token();
        }
        if let Some(browser_id) = &effects.browser_id {
            self.browser_id = Some(browser_id.clone());
        }
        Answer(reply)
    }

    /// `GET /self-service/login/browser`.
    pub(crate) async fn begin_login(&mut self, query: &str) -> Answer {
        let context = self.context(&format!("/self-service/login/browser?{query}")).await;
        let reply =
            login::create_flow(&self.bed.deps, &context, FlowType::Browser, &InitQuery::new(pairs(query))).await;
        self.absorb(reply)
    }

    /// `GET /self-service/registration/browser`.
    pub(crate) async fn begin_registration(&mut self, query: &str) -> Answer {
        let context = self.context(&format!("/self-service/registration/browser?{query}")).await;
        let query = InitQuery::new(pairs(query));
        let reply = registration::create_flow(&self.bed.deps, &context, FlowType::Browser, &query).await;
        self.absorb(reply)
    }

    /// `GET /self-service/settings/browser`.
    pub(crate) async fn begin_settings(&mut self) -> Answer {
        let context = self.context("/self-service/settings/browser").await;
        let reply = settings::create_flow(&self.bed.deps, &context, FlowType::Browser, &InitQuery::default()).await;
        self.absorb(reply)
    }

    /// Submits a flow with these fields and the anti-CSRF token.
    pub(crate) async fn submit(&mut self, flow: &Flow, fields: &[(&str, &str)]) -> Answer {
        let token = csrf::mask(&self.csrf);
        let fields = [fields, &[("csrf_token", token.as_str())]].concat();
        self.submit_forged(flow, &fields).await
    }

    /// Submits a flow with these fields alone, as another site's page could make a browser do.
    pub(crate) async fn submit_forged(&mut self, flow: &Flow, fields: &[(&str, &str)]) -> Answer {
        let kind = flow.kind.as_str();
        let context = self.context(&format!("/self-service/{kind}?flow={}", flow.id)).await;
        let input = SubmitInput {
            flow: Some(flow.id.to_string()),
            query: vec![("flow".to_owned(), flow.id.to_string())],
            body: Body::Form(owned(fields)),
            is_get: false,
        };
        let deps = &self.bed.deps;
        let reply = match kind {
            "login" => login::submit(deps, &context, input).await,
            "registration" => registration::submit(deps, &context, input).await,
            _ => settings::submit(deps, &context, input).await,
        };
        self.absorb(reply)
    }

    /// Goes to the provider as that person; the parameters with which the provider sends the browser back.
    pub(crate) async fn visit(&self, url: &str, persona: &str) -> Visit {
        let cookie = format!("persona={persona}");
        let answer = self.bed.deps.outbound.get(url).header("cookie", &cookie).send().await.unwrap();
        let page = String::from_utf8_lossy(&answer.body);
        let location = answer.header("location").map(str::to_owned).or_else(|| posted(&page));
        let location = location.unwrap_or_else(|| panic!("the provider answered {}: {page}", answer.status));
        let back = Url::parse(&location).unwrap();
        let query = back.query_pairs().into_owned().collect();
        Visit { provider: back.path().rsplit_once("callback/").map(|(_, id)| id.to_owned()), query, url: location }
    }

    /// Comes back from the provider.
    pub(crate) async fn call_back(&mut self, visit: &Visit) -> Answer {
        self.call_back_while(visit, std::future::ready(())).await
    }

    /// Comes back, and something happens after the server has read the session and before it goes on.
    pub(crate) async fn call_back_while(&mut self, visit: &Visit, meanwhile: impl Future<Output = ()>) -> Answer {
        let path = Url::parse(&visit.url).unwrap();
        let context = self.context(&format!("{}?{}", path.path(), path.query().unwrap_or_default())).await;
        meanwhile.await;
        let reply = oidc::callback(&self.bed.deps, &context, visit.provider.as_deref(), visit.query.clone()).await;
        self.absorb(reply)
    }

    /// Follows the address to a provider and comes back, as often as the server sends it away.
    pub(crate) async fn follow(&mut self, mut answer: Answer, persona: &str) -> Answer {
        for _ in 0..4 {
            let Some(url) = answer.away() else { return answer };
            let visit = self.visit(&url, persona).await;
            answer = self.call_back(&visit).await;
        }
        panic!("the server sends the browser away again and again");
    }

    /// Login page, button, provider, and back.
    pub(crate) async fn sign_in(&mut self, provider: &str, persona: &str) -> Answer {
        let flow = self.begin_login("").await.flow();
        self.press(&flow, provider, persona).await
    }

    /// Registration page, button, provider, and back.
    pub(crate) async fn sign_up(&mut self, provider: &str, persona: &str) -> Answer {
        let flow = self.begin_registration("").await.flow();
        self.press(&flow, provider, persona).await
    }

    /// Presses a provider's button and follows where it leads.
    pub(crate) async fn press(&mut self, flow: &Flow, provider: &str, persona: &str) -> Answer {
        let answer = self.submit(flow, &[("provider", provider), ("method", "oidc")]).await;
        self.follow(answer, persona).await
    }

    /// Settings page, link button, provider, and back.
    pub(crate) async fn link(&mut self, provider: &str, persona: &str) -> Answer {
        let flow = self.begin_settings().await.flow();
        let answer = self.submit(&flow, &[("link", provider)]).await;
        self.follow(answer, persona).await
    }

    /// Signs out; where that leads.
    pub(crate) async fn sign_out(&mut self) -> Option<String> {
        let context = self.context("/self-service/logout/browser").await;
        let created = logout::create_url(&self.bed.deps, &context, &InitQuery::default()).await;
        let Outcome::Json { body, .. } = created.outcome else { panic!("no logout URL") };
        let query = format!("token={}", body["logout_token"].as_str().unwrap());
        let context = self.context(&format!("/self-service/logout?{query}")).await;
        let reply = logout::perform(&self.bed.deps, &context, &InitQuery::new(pairs(&query))).await;
        match self.absorb(reply).0.outcome {
            Outcome::Done { return_to } => return_to,
            other => panic!("not signed out: {other:?}"),
        }
    }

    /// The frame that a provider's sign-out page loads.
    pub(crate) async fn load_logout_frame(&mut self, provider: &str, query: &str) -> Answer {
        let context = self.context("/self-service/methods/oidc/logout").await;
        let query = InitQuery::new(pairs(query));
        let reply = front_channel::front_channel_logout(&self.bed.deps, &context, provider, &query).await;
        self.absorb(reply)
    }

    /// Whoever this browser is signed in as.
    pub(crate) async fn session(&self) -> Option<Session> {
        self.context("/sessions/whoami").await.session
    }
}

/// The address that a page posts its hidden fields to, with the fields in the query: what the server makes of such a
/// POST (`response_mode: form_post`).
fn posted(page: &str) -> Option<String> {
    let attribute = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("{name}=\""))?;
        rest.split('"').next().map(|value| value.replace("&amp;", "&"))
    };
    let form = page.split_once("name=\"hiddenform\"")?.1;
    let mut to = Url::parse(&attribute(form, "action")?).ok()?;
    for input in form.split("<input ").skip(1) {
        to.query_pairs_mut().append_pair(&attribute(input, "name")?, &attribute(input, "value")?);
    }
    Some(to.into())
}

/// A way back from a provider.
pub(crate) struct Visit {
    /// The provider that the callback's path names.
    pub(crate) provider: Option<String>,
    pub(crate) query: Pairs,
    pub(crate) url: String,
}

/// What the server answered.
pub(crate) struct Answer(pub(crate) Reply);

impl Answer {
    /// The flow that the answer shows, whatever for.
    pub(crate) fn flow(self) -> Flow {
        match self.0.outcome {
            Outcome::FlowCreated(flow) | Outcome::FlowShown(flow) | Outcome::FormError { flow, .. } => *flow,
            other => panic!("no flow: {other:?}"),
        }
    }

    /// The address of a provider, when the browser is sent there.
    pub(crate) fn away(&self) -> Option<String> {
        match &self.0.outcome {
            Outcome::GoToProvider { url } => Some(url.clone()),
            _ => None,
        }
    }

    /// The parameters with which the browser is sent to a provider.
    pub(crate) fn away_query(&self) -> BTreeMap<String, String> {
        let url = self.away().unwrap_or_else(|| panic!("not sent away: {:?}", self.0.outcome));
        Url::parse(&url).unwrap().query_pairs().into_owned().collect()
    }

    /// Who is signed in now.
    pub(crate) fn expect_session(&self) -> (&Identity, &Session) {
        match &self.0.outcome {
            Outcome::SignedIn { session, .. } => (session.identity.as_ref().unwrap(), session),
            Outcome::Registered { identity, session: Some((session, _)), .. } => (identity, session),
            other => panic!("nobody is signed in: {other:?}"),
        }
    }

    /// The id of who is signed in now.
    pub(crate) fn identity_id(&self) -> Uuid {
        self.expect_session().0.id
    }

    pub(crate) fn is_registered(&self) -> bool {
        matches!(self.0.outcome, Outcome::Registered { .. })
    }

    /// Nobody was signed in, and no cookie says so.
    pub(crate) fn expect_nobody(&self) {
        assert!(self.0.effects.session.is_none(), "a session cookie was set");
        let signed_in = matches!(self.0.outcome, Outcome::SignedIn { .. } | Outcome::Registered { .. });
        assert!(!signed_in, "somebody is signed in: {:?}", self.0.outcome);
    }

    /// Ids and texts of the form's messages.
    pub(crate) fn messages(&self) -> Vec<(i64, String)> {
        match &self.0.outcome {
            Outcome::FormError { flow, .. } => {
                let own = flow.ui.messages.iter();
                let nodes = flow.ui.nodes.iter().flat_map(|node| &node.messages);
                own.chain(nodes).map(|message| (message.id, message.text.clone())).collect()
            }
            other => panic!("no form: {other:?}"),
        }
    }

    pub(crate) fn message_ids(&self) -> Vec<i64> {
        self.messages().into_iter().map(|(id, _)| id).collect()
    }

    /// The refusal that stops the flow altogether.
    pub(crate) fn error(&self) -> Value {
        match &self.0.outcome {
            Outcome::Refused { error, .. } | Outcome::RefusedJson(error) => serde_json::to_value(error).unwrap(),
            other => panic!("not refused: {other:?}"),
        }
    }
}

/// The providers whose buttons a flow shows.
pub(crate) fn buttons(flow: &Flow) -> Vec<String> {
    let own = flow.ui.nodes.iter().filter(|node| node.group == Group::Oidc);
    own.filter_map(|node| node.value_str()).map(str::to_owned).collect()
}

/// One node of a flow by group and name, as a client sees it.
pub(crate) fn node(flow: &Flow, group: &str, name: &str) -> Option<Value> {
    let nodes: Vec<Value> = flow.ui.nodes.iter().map(|node| json!(node)).collect();
    nodes.into_iter().find(|node| node["group"] == group && node["attributes"]["name"] == name)
}

fn pairs(query: &str) -> Pairs {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(name, _)| !name.is_empty()).collect()
}

fn owned(fields: &[(&str, &str)]) -> Pairs {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
