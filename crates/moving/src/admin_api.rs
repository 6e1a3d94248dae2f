//! The admin API on the other side: asked patiently, never faster than wished, never with our credentials elsewhere.

use crate::error::MovingError;
use bia_config::{ExposeSecret as _, SecretString};
use bia_outbound::{Answer, Call, Outbound};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// A page of 500 people with long traits and three upstream tokens each.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Whoever asks for more patience than this is down.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// A header for a proxy in front of the admin port, such as `Authorization`. Its value is never shown.
#[derive(Clone, Debug)]
pub struct Header {
    pub name: String,
    pub value: SecretString,
}

impl std::str::FromStr for Header {
    type Err = String;

    /// `Name: value`, as curl has it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: SecretString::from(value.trim()) })
            }
            _ => Err("a header looks like `Authorization: Bearer …`".to_owned()),
        }
    }
}

/// How the other side is treated.
#[derive(Clone, Debug)]
pub struct Pace {
    /// For one call, body included.
    pub timeout: Duration,
    /// How often one call is tried.
    pub attempts: u32,
    /// Before the second try; doubled before each further one. `Retry-After` wins.
    pub first_pause: Duration,
    /// Calls per second; as fast as it answers without.
    pub per_second: Option<f64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            attempts: 6,
            first_pause: Duration::from_millis(500),
            per_second: None,
        }
    }
}

/// One admin port.
pub struct AdminApi {
    outbound: Outbound,
    base: String,
    headers: Vec<Header>,
    pace: Pace,
    next_at: Mutex<Option<Instant>>,
}

impl AdminApi {
    /// `address` with or without a `/` or `/admin` at its end.
    ///
    /// # Errors
    /// When it is no address of a web server.
    pub fn new(outbound: Outbound, address: &str, headers: Vec<Header>, pace: Pace) -> Result<Self, MovingError> {
        let wrong = |why: &str| MovingError::Unexpected { place: "--admin-url".to_owned(), why: why.to_owned() };
        let url = Url::parse(address).map_err(|_| wrong("it is no URL such as http://127.0.0.1:4434"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong("it is no http(s) URL such as http://127.0.0.1:4434"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it has a query; give the address alone, such as http://127.0.0.1:4434"));
        }
        let base = url.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/admin").unwrap_or(base).to_owned();
        Ok(Self { outbound, base, headers, pace, next_at: Mutex::default() })
    }

    /// The address without user and password, for reports and cursors.
    pub fn name(&self) -> String {
        let Ok(mut url) = Url::parse(&self.base) else { return String::new() };
        // Both fail for addresses that have no such part.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.as_str().trim_end_matches('/').to_owned()
    }

    /// Reads; any status that is no success is an error, apart from 404.
    ///
    /// # Errors
    /// See [`MovingError`].
    pub async fn get(&self, path: &str) -> Result<Option<Answer>, MovingError> {
        let answer = self.ask(|| self.with_headers(self.outbound.get(self.url(path)))).await?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_success() => Ok(Some(answer)),
            _ => Err(refused(&answer)),
        }
    }

    /// A GET that leaves our headers at home and may be led elsewhere: the admin port sends schemas to the public one.
    pub(crate) async fn get_openly(&self, path: &str) -> Option<Answer> {
        let call = self.outbound.get(self.url(path)).limit(ANSWER_BYTES_MAX).timeout(self.pace.timeout).redirects(2);
        call.send().await.ok().filter(Answer::is_success)
    }

    /// Sends a body; any status is an answer. After an unclear failure it is sent again, so the caller has to make
    /// sense of "already there".
    ///
    /// # Errors
    /// When there was no answer at all.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer, MovingError> {
        let make = || self.outbound.call(method.parse().unwrap_or_default(), self.url(path));
        self.ask(|| self.with_headers(make()).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Never with redirects: another host must not get the credentials that are meant for this one.
    fn with_headers(&self, call: Call) -> Call {
        let call = call.limit(ANSWER_BYTES_MAX).timeout(self.pace.timeout);
        self.headers.iter().fold(call, |call, header| call.header(&header.name, header.value.expose_secret()))
    }

    async fn ask(&self, make: impl Fn() -> Call) -> Result<Answer, MovingError> {
        let (mut attempt, mut pause) = (0, self.pace.first_pause);
        loop {
            attempt += 1;
            self.wait_for_turn().await;
            let outcome = make().send().await;
            let asked_for = match &outcome {
                Ok(answer) if matches!(answer.status, 408 | 425 | 429 | 500..=599) => answer.retry_after(),
                Err(error) if error.is_passing() => None,
                _ => return Ok(outcome?),
            };
            if attempt >= self.pace.attempts {
                return Ok(outcome?);
            }
            tokio::time::sleep(asked_for.unwrap_or(pause).min(PAUSE_MAX)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn wait_for_turn(&self) {
        let Some(per_second) = self.pace.per_second.filter(|rate| *rate > 0.0) else { return };
        let mut next_at = self.next_at.lock().await;
        let now = Instant::now();
        let turn = next_at.unwrap_or(now).max(now);
        *next_at = Some(turn + Duration::from_secs_f64((1.0 / per_second).min(PAUSE_MAX.as_secs_f64())));
        drop(next_at);
        tokio::time::sleep_until(turn).await;
    }
}

/// Kratos' `error.message` is a fixed sentence, its `reason` may quote a value.
pub(crate) fn message(answer: &Answer) -> String {
    let body: Value = answer.json().unwrap_or_default();
    body.pointer("/error/message").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn refused(answer: &Answer) -> MovingError {
    let hint = match answer.status {
        401 | 403 => ". Something in front of the admin port asks who you are: give it a header with --header-file",
        300..=399 => ". It leads elsewhere: give the address of the admin port itself",
        405 | 406 => ". Is it the admin port (4434), not the public one (4433)?",
        _ => "",
    };
    MovingError::Refused { place: answer.place().to_owned(), status: answer.status, message: message(answer), hint }
}

/// The query of the `next` link in a `Link` header: page tokens of any age of Kratos are in it.
pub fn next_page(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let url = next.split_once('<')?.1.split_once('>')?.0;
    Some(url.split_once('?')?.1.to_owned())
}

/// For a segment of a path as well as for a query: a blank is `%20`, since `+` means a plus in a path.
pub fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_outbound::Policy;

    fn base(address: &str) -> Result<String, MovingError> {
        let outbound = Outbound::new(Policy::default()).expect("client");
        AdminApi::new(outbound, address, Vec::new(), Pace::default()).map(|api| api.base)
    }

    #[test]
    fn address_is_taken_in_the_spellings_in_use() {
        for text in ["http://k:4434", "http://k:4434/", "http://k:4434/admin", "http://k:4434/admin/"] {
            assert_eq!(base(text).expect("address"), "http://k:4434", "{text}");
        }
        assert_eq!(base("https://id.example/kratos/admin").expect("address"), "https://id.example/kratos");
        for text in ["k:4434", "127.0.0.1:4434", "ftp://k", "http://k?x=1", ""] {
            assert!(base(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_not_named() {
        let outbound = Outbound::new(Policy::default()).expect("client");
        let api = AdminApi::new(outbound, "http://u:secret@k:4434", Vec::new(), Pace::default()).expect("address");
        assert_eq!(api.name(), "http://k:4434");
    }

    #[test]
    fn next_page_is_read_from_links_of_every_age() {
        let keyset = "</admin/identities?page_size=2>; rel=\"first\",</admin/identities?page_size=2&page_token=a%2Bb>; rel=\"next\"";
        assert_eq!(next_page(keyset).as_deref(), Some("page_size=2&page_token=a%2Bb"));
        let numbered = "<http://k/admin/identities?page=2&per_page=2>; rel=\"next\"";
        assert_eq!(next_page(numbered).as_deref(), Some("page=2&per_page=2"));
        assert_eq!(next_page("</x?page_token=a>; rel=\"first\""), None);
    }

    #[test]
    fn a_blank_in_an_id_stays_a_blank_and_a_plus_a_plus() {
        assert_eq!(encoded("a b+c/d"), "a%20b%2Bc%2Fd");
    }

    #[test]
    fn a_header_hides_its_value() {
        let header: Header = "Authorization: Bearer abc".parse().expect("header");
        assert_eq!((header.name.as_str(), header.value.expose_secret()), ("Authorization", "Bearer abc"));
        assert!(!format!("{header:?}").contains("abc"));
        assert!("Authorization".parse::<Header>().is_err());
    }
}
