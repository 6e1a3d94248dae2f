//! One simulated person: a browser with cookies, and the steps that it takes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, Response};
use serde_json::Value;
use url::Url;

use crate::provider::Provider;
use crate::server::Face;

/// A request that the server answered, with the time that it took without the stand-in's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
}

/// Cookies of one server; the stand-in is told who sits there.
pub(crate) struct Person<'a> {
    /// Who it is at the stand-in.
    pub(crate) key: String,
    client: &'a reqwest::Client,
    server: &'a Face,
    provider: &'a Provider,
    cookies: BTreeMap<String, String>,
    /// Of the flow that is being done.
    pub(crate) steps: Vec<Step>,
}

const HTML: &str = "text/html,application/xhtml+xml";
const JSON: &str = "application/json";
/// Kratos' name, which both servers use.
pub(crate) const SESSION_COOKIE: &str = "ory_kratos_session";

/// A client that follows no redirect and keeps its connections.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()?)
}

impl<'a> Person<'a> {
    pub(crate) fn new(key: String, client: &'a reqwest::Client, server: &'a Face, provider: &'a Provider) -> Self {
        Person { key, client, server, provider, cookies: BTreeMap::new(), steps: Vec::new() }
    }

    /// With the session of an earlier visit.
    pub(crate) fn with_session(mut self, cookie: &str) -> Self {
        self.cookies.insert(SESSION_COOKIE.to_owned(), cookie.to_owned());
        self
    }

    /// The session that the browser was told of.
    pub(crate) fn session(&self) -> Option<&str> {
        self.cookies.get(SESSION_COOKIE).map(String::as_str)
    }

    /// Login or registration from its first page to the session.
    pub(crate) async fn sign_in(&mut self, kind: &'static str, provider: &str) -> anyhow::Result<()> {
        let flow = self.begin(kind).await?;
        let action = text(&flow["ui"]["action"])?;
        let fields = [("provider", provider), ("csrf_token", csrf_token(&flow))];
        let at = self.ask("submit", Method::POST, &action, HTML, Some(&fields)).await?;
        let callback = self.authorize(&location(&at)?).await?;
        let code = callback.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
        let back = self.ask("callback", Method::GET, callback.as_str(), HTML, None).await?;
        if let (Some(code), Some(step)) = (code, self.steps.last_mut()) {
            step.took = step.took.saturating_sub(self.provider.take_token_time(&code));
        }
        let to = location(&back)?;
        if self.session().is_none() || to.host_str() != Some("app.example") {
            bail!("the callback led to {} and made no session", to.path());
        }
        Ok(())
    }

    /// Changes a trait in settings.
    pub(crate) async fn change_name(&mut self, name: &str) -> anyhow::Result<()> {
        let flow = self.begin("settings").await?;
        let action = text(&flow["ui"]["action"])?;
        let nodes = flow["ui"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let email = nodes.iter().find(|node| node["attributes"]["name"] == "traits.email");
        let email = email.and_then(|node| node["attributes"]["value"].as_str()).context("no e-mail in settings")?;
        let fields =
            [("method", "profile"), ("csrf_token", csrf_token(&flow)), ("traits.email", email), ("traits.name", name)];
        let back = self.ask("submit", Method::POST, &action, HTML, Some(&fields)).await?;
        let id = query(&location(&back)?, "flow").context("settings led nowhere")?;
        let flow = self.read("settings", &id).await?;
        if flow["state"] != "success" {
            bail!("settings were not saved");
        }
        Ok(())
    }

    /// Whether the server knows the session.
    pub(crate) async fn whoami(&mut self) -> anyhow::Result<bool> {
        let url = format!("{}/sessions/whoami", self.server.public);
        let answer = self.ask("whoami", Method::GET, &url, JSON, None).await?;
        match answer.status().as_u16() {
            200 => Ok(answer.json::<Value>().await?["active"] == true),
            401 => Ok(false),
            status => bail!("whoami answered {status}"),
        }
    }

    /// Signs out; the session has to be gone then.
    pub(crate) async fn log_out(&mut self) -> anyhow::Result<()> {
        let session = self.session().context("nobody is signed in")?.to_owned();
        let url = format!("{}/self-service/logout/browser", self.server.public);
        let answer = self.ask("logout", Method::GET, &url, JSON, None).await?;
        let url = text(&answer.json::<Value>().await?["logout_url"])?;
        self.ask("logout", Method::GET, &url, HTML, None).await?;
        self.cookies.insert(SESSION_COOKIE.to_owned(), session);
        if self.whoami().await? {
            bail!("whoami still knew a session after its logout");
        }
        self.cookies.remove(SESSION_COOKIE);
        Ok(())
    }

    async fn begin(&mut self, kind: &'static str) -> anyhow::Result<Value> {
        let url = format!("{}/self-service/{kind}/browser", self.server.public);
        let answer = self.ask("init", Method::GET, &url, HTML, None).await?;
        let id = query(&location(&answer)?, "flow").context("no flow began")?;
        self.read(kind, &id).await
    }

    async fn read(&mut self, kind: &str, id: &str) -> anyhow::Result<Value> {
        let url = format!("{}/self-service/{kind}/flows?id={id}", self.server.public);
        let answer = self.ask("read", Method::GET, &url, JSON, None).await?;
        if answer.status() != 200 {
            bail!("reading the {kind} flow answered {}", answer.status());
        }
        Ok(answer.json().await?)
    }

    /// The page of the provider, where this person needs no clicks; not measured.
    async fn authorize(&self, at: &Url) -> anyhow::Result<Url> {
        if at.origin() != Url::parse(self.provider.base_url())?.origin() {
            bail!("the form led to {} instead of the provider", at.path());
        }
        let cookie = format!("persona={}", self.key);
        location(&self.client.get(at.clone()).header("cookie", cookie).send().await?)
    }

    async fn ask(
        &mut self,
        name: &'static str,
        method: Method,
        url: &str,
        accept: &str,
        form: Option<&[(&str, &str)]>,
    ) -> anyhow::Result<Response> {
        let mut request = self.client.request(method, url).header("accept", accept);
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let began = Instant::now();
        let answer = request.send().await.map_err(|error| error.without_url())?;
        self.steps.push(Step { name, took: began.elapsed() });
        for value in answer.headers().get_all("set-cookie") {
            let text = value.to_str()?;
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').context("a cookie without a name")?;
            if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if answer.status().as_u16() >= 500 {
            bail!("{name} answered {}", answer.status());
        }
        Ok(answer)
    }
}

fn location(answer: &Response) -> anyhow::Result<Url> {
    let to = answer.headers().get("location").and_then(|value| value.to_str().ok());
    let to = to.with_context(|| format!("{} instead of a redirect", answer.status()))?;
    Ok(answer.url().join(to)?)
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("a member is missing")?.to_owned())
}

fn csrf_token(flow: &Value) -> &str {
    let nodes = flow["ui"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let node = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token");
    node.and_then(|node| node["attributes"]["value"].as_str()).unwrap_or_default()
}
