//! The text behind an address in the configuration: `file://`, `http(s)://` or `base64://` (contract §4.5).

use crate::client::Outbound;
use crate::error::OutboundError;
use crate::stamp::Stamp;
use base64::prelude::{BASE64_STANDARD, Engine};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use thiserror::Error;
use tokio::time::Instant;

/// Kratos: what was fetched counts for an hour.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// After a failed refresh the old copy serves this long before the next try.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Addresses come from the configuration alone, so this is never reached; it bounds memory all the same.
const ENTRIES_MAX: usize = 1024;

/// Why a source gave no text. The texts are for the operator; base64 content is never quoted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    #[error("unknown scheme: in source {source_url:?}: allowed schemes: http, https, file, base64")]
    UnknownScheme { source_url: String },
    #[error("read file: file://{path}: {why}")]
    File { path: String, why: String },
    #[error("base64decode: base64://[redacted]: {why}")]
    Base64 { why: String },
    #[error("expected http response status code 200 but got {status} when fetching: {place}")]
    Status { status: u16, place: String },
    #[error(transparent)]
    Fetch(#[from] OutboundError),
    #[error("{place} holds more than {limit} bytes")]
    TooLarge { place: String, limit: usize },
    #[error("{place} is not UTF-8 text")]
    NotText { place: String },
}

/// Reads sources and remembers them as long as that is safe: files until they change, web addresses for an
/// hour, failures never.
#[derive(Debug)]
pub struct Sources {
    outbound: Outbound,
    /// Files by path that are not looked at again.
    kept: HashMap<String, Arc<str>>,
    files: Mutex<HashMap<String, FileCopy>>,
    fetched: Arc<Mutex<HashMap<String, Slot>>>,
}

type Slot = Arc<tokio::sync::Mutex<Option<WebCopy>>>;

#[derive(Debug)]
struct FileCopy {
    stamp: Stamp,
    text: Arc<str>,
}

#[derive(Debug)]
struct WebCopy {
    text: Arc<str>,
    fresh_until: Instant,
}

impl Sources {
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, kept: HashMap::new(), files: Mutex::default(), fetched: Arc::default() }
    }

    /// The same sources, but these files stay as they are given here, by the path after `file://`: an edit shows once
    /// somebody has looked at it. What came from the web is shared between both.
    pub fn keeping(&self, files: HashMap<String, Arc<str>>) -> Self {
        Self {
            outbound: self.outbound.clone(),
            kept: files,
            files: Mutex::default(),
            fetched: Arc::clone(&self.fetched),
        }
    }

    /// Asks for every web address again at its next use. The last good copy serves on if that fails.
    pub async fn expire(&self) {
        let slots: Vec<Slot> = lock(&self.fetched).values().cloned().collect();
        for slot in slots {
            if let Some(copy) = slot.lock().await.as_mut() {
                copy.fresh_until = Instant::now();
            }
        }
    }

    /// The text at `url`, at most `limit` bytes of it.
    ///
    /// # Errors
    /// When the scheme is unknown, the text can't be had, is too large, or is no text.
    pub async fn text(&self, url: &str, limit: usize) -> Result<Arc<str>, SourceError> {
        match url.split_once("://") {
            Some(("file", path)) => self.file(path, limit).await,
            Some(("base64", encoded)) => decode(encoded, limit),
            Some(("http" | "https", _)) => self.fetch(url, limit).await,
            _ => Err(SourceError::UnknownScheme { source_url: url.chars().take(200).collect() }),
        }
    }

    /// Kratos: the literal rest of the URL is the path, relative ones count from the working directory, and
    /// edits are live.
    async fn file(&self, path: &str, limit: usize) -> Result<Arc<str>, SourceError> {
        if let Some(text) = self.kept.get(path) {
            return within(text, limit, &format!("file://{path}"));
        }
        let failed = |e: std::io::Error| SourceError::File { path: path.to_owned(), why: plain(&e) };
        let meta = tokio::fs::metadata(Path::new(path)).await.map_err(failed)?;
        if meta.len() > limit as u64 {
            return Err(SourceError::TooLarge { place: format!("file://{path}"), limit });
        }
        let stamp = Stamp::of(&meta);
        if let Some(copy) = lock(&self.files).get(path)
            && copy.stamp == stamp
            && stamp.is_settled(SystemTime::now())
        {
            return Ok(copy.text.clone());
        }
        let bytes = tokio::fs::read(Path::new(path)).await.map_err(failed)?;
        if bytes.len() > limit {
            return Err(SourceError::TooLarge { place: format!("file://{path}"), limit });
        }
        let text = text(bytes, || format!("file://{path}"))?;
        let copy = FileCopy { stamp, text: text.clone() };
        let mut files = lock(&self.files);
        if files.len() >= ENTRIES_MAX {
            files.clear();
        }
        files.insert(path.to_owned(), copy);
        Ok(text)
    }

    async fn fetch(&self, url: &str, limit: usize) -> Result<Arc<str>, SourceError> {
        let slot = {
            let mut fetched = lock(&self.fetched);
            if fetched.len() >= ENTRIES_MAX {
                fetched.clear();
            }
            fetched.entry(url.to_owned()).or_default().clone()
        };
        // Held while fetching: a hundred logins at once make one request.
        let mut copy = slot.lock().await;
        if let Some(found) = copy.as_ref().filter(|c| c.fresh_until > Instant::now()) {
            return within(&found.text, limit, url);
        }
        match self.download(url, limit).await {
            Ok(text) => {
                let fresh_until = Instant::now() + FRESH;
                *copy = Some(WebCopy { text: text.clone(), fresh_until });
                Ok(text)
            }
            Err(error) => match copy.as_mut() {
                Some(old) => {
                    tracing::warn!(%error, "a source could not be refreshed; its last good copy serves on");
                    old.fresh_until = Instant::now() + PAUSE_AFTER_FAILURE;
                    within(&old.text, limit, url)
                }
                None => Err(error),
            },
        }
    }

    async fn download(&self, url: &str, limit: usize) -> Result<Arc<str>, SourceError> {
        let answer = self.outbound.get(url).purpose("source").limit(limit).redirects(5).retries(2).send().await?;
        if answer.status != 200 {
            return Err(SourceError::Status { status: answer.status, place: answer.place().to_owned() });
        }
        text(answer.body.to_vec(), || answer.place().to_owned())
    }
}

fn within(text: &Arc<str>, limit: usize, url: &str) -> Result<Arc<str>, SourceError> {
    if text.len() > limit {
        let place = url.split(['?', '#']).next().unwrap_or_default().to_owned();
        return Err(SourceError::TooLarge { place, limit });
    }
    Ok(text.clone())
}

/// Kratos: standard alphabet, padding required; line breaks inside are passed over.
fn decode(encoded: &str, limit: usize) -> Result<Arc<str>, SourceError> {
    let place = || "base64://[redacted]".to_owned();
    if encoded.len() / 4 * 3 > limit.saturating_add(3) {
        return Err(SourceError::TooLarge { place: place(), limit });
    }
    let compact: String = encoded.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = BASE64_STANDARD.decode(compact.as_bytes()).map_err(|e| SourceError::Base64 {
        why: match e {
            base64::DecodeError::InvalidByte(at, _) => {
                format!("illegal base64 data at input byte {at}")
            }
            _ => "illegal base64 data; the standard alphabet with padding is expected".to_owned(),
        },
    })?;
    let found = text(bytes, place)?;
    if found.len() > limit {
        return Err(SourceError::TooLarge { place: place(), limit });
    }
    Ok(found)
}

fn text(bytes: Vec<u8>, place: impl Fn() -> String) -> Result<Arc<str>, SourceError> {
    String::from_utf8(bytes).map(Arc::from).map_err(|_| SourceError::NotText { place: place() })
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
