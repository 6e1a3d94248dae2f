//! What whoami answered, kept while session and identity are what they were.

use bia_store::RawSession;
use bytes::Bytes;
use http::HeaderMap;
use lru::LruCache;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Some two kilobytes each.
const ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Answers by session, those least asked for forgotten first. It belongs to one configuration.
pub(crate) struct WhoamiCache {
    entries: Mutex<LruCache<Uuid, Arc<Known>>>,
    /// Keyed at random, so that nobody can make two documents that look the same to it.
    hasher: RandomState,
}

/// An answer.
pub(crate) struct Known {
    /// Of the rows that it was made of.
    pub(crate) fingerprint: u64,
    pub(crate) body: Bytes,
    /// `bia.identity_headers`, filled.
    pub(crate) headers: HeaderMap,
}

impl WhoamiCache {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(LruCache::new(ENTRIES_MAX)), hasher: RandomState::new() }
    }

    pub(crate) fn fingerprint(&self, raw: &RawSession) -> u64 {
        self.hasher.hash_one(raw)
    }

    pub(crate) fn find(&self, session: Uuid, fingerprint: u64) -> Option<Arc<Known>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&session).filter(|known| known.fingerprint == fingerprint).cloned()
    }

    pub(crate) fn keep(&self, session: Uuid, known: Arc<Known>) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).put(session, known);
    }
}
