//! An error of the API, told to a visitor: what happened, what to do, and what support will ask for.

use crate::catalogue::Catalogues;
use crate::details::cut;
use crate::node::plain;
use serde::Serialize;
use serde_json::Value;

const MAX_TEXT: usize = 2000;

/// What the error page shows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorView {
    pub(crate) title: String,
    pub(crate) text: String,
    /// The server's own words, for support.
    pub(crate) reason: String,
    /// The same in the visitor's language, shown openly when the pages have no words for this error.
    pub(crate) said: String,
    pub(crate) is_explained: bool,
    pub(crate) code: String,
    pub(crate) id: String,
    pub(crate) message: String,
    /// With these an administrator finds the log lines.
    pub(crate) request: String,
    pub(crate) reference: String,
}

impl ErrorView {
    /// From what `GET /self-service/errors` answers, from an error body, or from the error alone.
    pub(crate) fn read(error: &Value, catalogues: &Catalogues, tag: &str) -> Self {
        let inner = if error["error"].is_object() { &error["error"] } else { error };
        let text = |key: &str| cut(&plain(&inner[key]), MAX_TEXT);
        let (id, code) = (text("id"), text("code"));
        let own = |kind: &str, part: &str| catalogues.text(tag, &format!("error.{kind}.{part}"), &|_| None);
        let kind = [id.as_str(), code.as_str()]
            .into_iter()
            .find(|kind| !kind.is_empty() && own(kind, "title").is_some())
            .unwrap_or("other");
        let is_explained = kind == id;
        Self {
            title: own(kind, "title").unwrap_or_default(),
            text: own(kind, "text").unwrap_or_default(),
            said: catalogues.get(tag).sentence(&text("reason")),
            reason: text("reason"),
            is_explained,
            message: text("message"),
            request: text("request"),
            // Inside of a container the outer id is the stored error's own.
            reference: if error["error"].is_object() { cut(&plain(&error["id"]), 100) } else { String::new() },
            code,
            id,
        }
    }
}
