//! A browser with cookies of its own that follows one redirect at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, Once};
use std::time::Duration;

use http::Method;
use serde_json::Value;
use url::Url;

use crate::Answer;

/// One visitor. Cookies are kept by origin, not by host as browsers do: here every server is 127.0.0.1.
pub struct Browser {
    client: reqwest::Client,
    cookies: Mutex<BTreeMap<(String, String), String>>,
    headers: Vec<(String, String)>,
}

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const JSON: &str = "application/json";

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser without cookies.
    pub fn new() -> Self {
        Self::with_client(|builder| builder)
    }

    /// A browser that trusts this certificate (PEM) and no other.
    ///
    /// # Panics
    /// When it is none.
    pub fn trusting(certificate: &str) -> Self {
        let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
        Self::with_client(|builder| builder.tls_certs_only([certificate]))
    }

    /// Somebody else, without cookies, over the same connections: for crowds.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { client: self.client.clone(), cookies: Mutex::default(), headers: self.headers.clone() }
    }

    fn with_client(change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // An earlier choice of the same is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(60));
        let client = change(builder).build().expect("a client");
        Self { client, cookies: Mutex::default(), headers: Vec::new() }
    }

    /// Sends this header with everything.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a cookie.
    pub fn cookie(&self, url: &str, name: &str) -> Option<String> {
        let key = (origin(&Url::parse(url).ok()?), name.to_owned());
        self.cookies.lock().expect("cookies").get(&key).cloned()
    }

    /// Plants a cookie, as somebody who can write cookies of this site could.
    pub fn set_cookie(&self, url: &str, name: &str, value: &str) {
        let key = (origin(&Url::parse(url).expect("a URL")), name.to_owned());
        self.cookies.lock().expect("cookies").insert(key, value.to_owned());
    }

    /// Loses a cookie.
    pub fn forget_cookie(&self, url: &str, name: &str) {
        let key = (origin(&Url::parse(url).expect("a URL")), name.to_owned());
        self.cookies.lock().expect("cookies").remove(&key);
    }

    /// Every cookie of a server.
    pub fn cookies(&self, url: &str) -> BTreeMap<String, String> {
        let own = origin(&Url::parse(url).expect("a URL"));
        let cookies = self.cookies.lock().expect("cookies");
        let ours = cookies.iter().filter(|((origin, _), _)| *origin == own);
        ours.map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }

    /// Opens a page.
    pub async fn get(&self, url: impl AsRef<str>) -> Answer {
        self.ask(Method::GET, url, HTML, Body::None).await.expect("an answer")
    }

    /// Asks as a script does.
    pub async fn get_json(&self, url: impl AsRef<str>) -> Answer {
        self.ask(Method::GET, url, JSON, Body::None).await.expect("an answer")
    }

    /// Submits a form.
    pub async fn post_form(&self, url: impl AsRef<str>, fields: &[(&str, &str)]) -> Answer {
        self.ask(Method::POST, url, HTML, Body::Form(fields)).await.expect("an answer")
    }

    /// Posts as a script does.
    pub async fn post_json(&self, url: impl AsRef<str>, body: &Value) -> Answer {
        self.ask(Method::POST, url, JSON, Body::Json(body)).await.expect("an answer")
    }

    /// Any other method, as a script.
    pub async fn call_json(&self, method: Method, url: impl AsRef<str>, body: Option<&Value>) -> Answer {
        self.ask(method, url, JSON, body.map_or(Body::None, Body::Json)).await.expect("an answer")
    }

    /// Opens a page of a server that may be gone.
    ///
    /// # Errors
    /// When there was no whole answer; nothing is known then of what the server did.
    pub async fn try_get(&self, url: impl AsRef<str>) -> reqwest::Result<Answer> {
        self.ask(Method::GET, url, HTML, Body::None).await
    }

    /// [`Browser::try_get`] as a script.
    ///
    /// # Errors
    /// As there.
    pub async fn try_get_json(&self, url: impl AsRef<str>) -> reqwest::Result<Answer> {
        self.ask(Method::GET, url, JSON, Body::None).await
    }

    /// [`Browser::try_get`] for a form.
    ///
    /// # Errors
    /// As there.
    pub async fn try_post_form(&self, url: impl AsRef<str>, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        self.ask(Method::POST, url, HTML, Body::Form(fields)).await
    }

    async fn ask(&self, method: Method, url: impl AsRef<str>, accept: &str, body: Body<'_>) -> reqwest::Result<Answer> {
        let url = Url::parse(url.as_ref()).expect("a URL");
        let mut request = self.client.request(method, url.clone()).header("accept", accept);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let cookies: Vec<String> =
            self.cookies(url.as_str()).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = match body {
            Body::None => request,
            Body::Form(fields) => request.form(fields),
            Body::Json(value) => request.json(value),
        };
        let answer = Answer::read(url, request.send().await?).await?;
        self.keep(&answer);
        Ok(answer)
    }

    fn keep(&self, answer: &Answer) {
        let origin = origin(&answer.url);
        let mut cookies = self.cookies.lock().expect("cookies");
        for value in answer.headers.get_all("set-cookie") {
            let text = value.to_str().expect("a cookie is text");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            let key = (origin.clone(), name.to_owned());
            if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
                cookies.remove(&key);
            } else {
                cookies.insert(key, value.to_owned());
            }
        }
    }
}

enum Body<'a> {
    None,
    Form(&'a [(&'a str, &'a str)]),
    Json(&'a Value),
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
