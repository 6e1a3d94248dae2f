//! What a server answered.

use http::HeaderMap;
use serde_json::Value;
use url::Url;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// What was asked.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// With every `Set-Cookie` as sent.
    pub headers: HeaderMap,
    /// As text.
    pub body: String,
}

impl Answer {
    pub(crate) async fn read(url: Url, response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { url, status, headers, body: response.text().await? })
    }

    /// A header's first value; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where the redirect leads.
    ///
    /// # Panics
    /// When it is no redirect.
    #[track_caller]
    pub fn location(&self) -> Url {
        assert!((300..400).contains(&self.status), "no redirect: {self:?}");
        self.url.join(self.header("location")).expect("a location")
    }

    /// The body.
    ///
    /// # Panics
    /// When it is no JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// `error.id` of the body, or of an error that was fetched from the store; empty without one.
    #[track_caller]
    pub fn error_id(&self) -> String {
        self.json()["error"]["id"].as_str().unwrap_or_default().to_owned()
    }

    /// The JSON, if the status is as expected.
    ///
    /// # Panics
    /// When it isn't.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Names of the cookies that the answer sets or clears.
    pub fn cookie_names(&self) -> Vec<String> {
        let values = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        values.filter_map(|text| Some(text.split_once('=')?.0.to_owned())).collect()
    }
}
