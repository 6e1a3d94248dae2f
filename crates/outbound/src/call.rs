//! One call: what is sent, how long and how much is waited for, how often it is tried again, and what is counted of it.

use crate::client::Outbound;
use crate::error::{OutboundError, place};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::{Duration, Instant};
use tracing::Instrument as _;
use url::Url;

/// A call in the making. Redirects and retries are off until asked for.
#[must_use = "nothing is sent before send()"]
pub struct Call {
    outbound: Outbound,
    method: Method,
    url: Result<Url, OutboundError>,
    headers: HeaderMap,
    body: Option<Bytes>,
    timeout: Duration,
    limit: usize,
    redirects: u8,
    retries: u8,
    purpose: &'static str,
}

/// What came back: any status, a body within the limit.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    place: String,
}

impl Call {
    pub(crate) fn new(outbound: Outbound, method: Method, url: &str) -> Self {
        let rules = outbound.current();
        let policy = &rules.policy;
        Self {
            method,
            url: parse(url),
            headers: HeaderMap::new(),
            body: None,
            timeout: policy.timeout,
            limit: policy.body_max,
            redirects: 0,
            retries: 0,
            purpose: "other",
            outbound,
        }
    }

    /// Adds a header; a name or value that HTTP can't carry is left out and the call refused at `send`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let pair = (HeaderName::try_from(name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(mut value)) = pair {
            value.set_sensitive(name == AUTHORIZATION || name == COOKIE);
            self.headers.append(name, value);
        } else if self.url.is_ok() {
            self.url = Err(OutboundError::BadUrl {
                url: name.to_owned(),
                why: "it is no header that HTTP can carry".to_owned(),
            });
        }
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A form body; the pairs may hold secrets and are never logged.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.body(body)
    }

    /// A JSON body.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::to_vec(value).unwrap_or_default();
        self.body(body)
    }

    /// What it is for, in one word of a fixed list: the label `call` of metrics and traces.
    pub fn purpose(mut self, word: &'static str) -> Self {
        self.purpose = word;
        self
    }

    /// Sends the correlation id of the request that this call serves, so that the other side's log can be searched for
    /// it. Microsoft takes a UUID as `client-request-id` and answers with it.
    pub fn correlated(mut self) -> Self {
        if let Some(id) = bia_telemetry::request::id() {
            self = self.header("x-request-id", &id);
        }
        match bia_telemetry::request::id_as_uuid() {
            Some(id) => self.header("client-request-id", &id),
            None => self,
        }
    }

    /// For one try, body included.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Largest answer in bytes.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// How many redirects of a GET are followed; without this a redirect is an answer like any other.
    pub fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
        self
    }

    /// How often to try again after a broken connection, a 429 or a 5xx.
    pub fn retries(mut self, most: u8) -> Self {
        self.retries = most;
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer: any status is an answer.
    pub async fn send(self) -> Result<Answer, OutboundError> {
        let mut tried = 0;
        loop {
            let outcome = self.follow().await;
            let again = match &outcome {
                Ok(answer) => matches!(answer.status, 429 | 500 | 502..=599),
                Err(error) => error.is_passing(),
            };
            if !again || tried >= self.retries {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(100 << (2 * u32::from(tried.min(4))))).await;
            tried += 1;
        }
    }

    async fn follow(&self) -> Result<Answer, OutboundError> {
        let mut url = self.url.clone()?;
        let mut headers = self.headers.clone();
        let mut left = self.redirects;
        loop {
            let answer = self.once(&url, headers.clone()).await?;
            let Some(next) = redirect_target(&answer, &url) else {
                return Ok(answer);
            };
            if self.redirects == 0 || self.method != Method::GET {
                return Ok(answer);
            }
            if left == 0 {
                return Err(OutboundError::TooManyRedirects { place: place(&url) });
            }
            left -= 1;
            if next.origin() != url.origin() {
                // Credentials are meant for the first host alone.
                headers.remove(AUTHORIZATION);
                headers.remove(COOKIE);
            }
            url = next;
        }
    }

    /// One request and its answer, counted and timed.
    async fn once(&self, url: &Url, headers: HeaderMap) -> Result<Answer, OutboundError> {
        let call = self.purpose;
        let span = tracing::info_span!(
            target: bia_telemetry::trace::TARGET,
            "upstream call",
            otel.kind = "client",
            call,
            http.request.method = self.method.as_str(),
            http.response.status_code = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        let started = Instant::now();
        let answered = self.exchange(url, headers).instrument(span.clone()).await;
        let outcome = match &answered {
            Ok(answer) => status_class(answer.status),
            Err(error) => error.kind(),
        };
        if let Ok(answer) = &answered {
            span.record("http.response.status_code", i64::from(answer.status));
        }
        span.record("outcome", outcome);
        metrics::counter!("bia_upstream_calls_total", "call" => call, "outcome" => outcome).increment(1);
        metrics::histogram!("bia_upstream_call_duration_seconds", "call" => call)
            .record(started.elapsed().as_secs_f64());
        answered
    }

    async fn exchange(&self, url: &Url, headers: HeaderMap) -> Result<Answer, OutboundError> {
        let place = place(url);
        let client = self.outbound.client_for(url).await?;
        let mut request = client.request(self.method.clone(), url.clone()).headers(headers).timeout(self.timeout);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let failed = |e| OutboundError::from_reqwest(e, place.clone(), self.timeout);
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read(response, self.limit, &place, failed).await?;
        Ok(Answer { status, headers, body, place })
    }
}

const fn status_class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "other",
    }
}

/// Reads chunk by chunk and stops at the limit, so that a huge answer costs no more memory than that.
async fn read(
    response: reqwest::Response,
    limit: usize,
    place: &str,
    failed: impl Fn(reqwest::Error) -> OutboundError,
) -> Result<Bytes, OutboundError> {
    let too_large = || OutboundError::TooLarge { place: place.to_owned(), limit };
    if response.content_length().is_some_and(|n| n > limit as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(&failed)?;
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn redirect_target(answer: &Answer, from: &Url) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = from.join(answer.headers.get(LOCATION)?.to_str().ok()?).ok()?;
    // Never from https down to http, nor to another scheme.
    let same_or_better = target.scheme() == from.scheme() || target.scheme() == "https";
    same_or_better.then_some(target)
}

fn parse(text: &str) -> Result<Url, OutboundError> {
    let bad = |why: &str| OutboundError::BadUrl {
        url: text.split(['?', '#']).next().unwrap_or_default().chars().take(200).collect(),
        why: why.to_owned(),
    };
    let url = Url::parse(text).map_err(|e| bad(&e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https are called"));
    }
    Ok(url)
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's text, when it has one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whole seconds of `Retry-After`; dates are left out because nobody we call sends them.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it isn't; the error has the position, never the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutboundError> {
        serde_json::from_slice(&self.body).map_err(|e| OutboundError::Json {
            place: self.place.clone(),
            line: e.line(),
            column: e.column(),
        })
    }

    /// Host and path that answered, for error texts.
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// Neither headers nor bodies are shown: both carry secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("place", &self.place)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
