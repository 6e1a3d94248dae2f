//! Finding sessions. Whether one still counts is the caller's to decide: see `Session::is_active`.

use crate::error::Result;
use crate::query::Query;
use crate::session_rows::{RawSession, raw_session_of, session_columns, session_of};
use crate::token_hash::TokenHash;
use bia_model::{Session, Timestamp};
use uuid::Uuid;

/// What every request of a signed-in person costs: one statement, two index look-ups.
const BY_TOKEN: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", i.body FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE s.token_hash = $1"
);

on_both! {
    /// The session of a token, with its identity.
    pub async fn find_session_by_token_hash(sql, hash: &TokenHash) -> Result<Option<Session>> {
        let query = Query::new("find_session_by_token_hash", BY_TOKEN).bind(hash.as_bytes().as_slice());
        let row = sql.fetch_optional(query).await?;
        row.map(|row| session_of(&row, true)).transpose()
    }

    /// As `find_session_by_token_hash`, leaving the documents unparsed.
    pub async fn find_raw_session_by_token_hash(sql, hash: &TokenHash) -> Result<Option<RawSession>> {
        let query = Query::new("find_session_by_token_hash", BY_TOKEN).bind(hash.as_bytes().as_slice());
        let row = sql.fetch_optional(query).await?;
        row.as_ref().map(raw_session_of).transpose()
    }

    /// The session of that id, with its identity.
    pub async fn find_session(sql, id: Uuid) -> Result<Option<Session>> {
        let query = Query::new(
            "find_session",
            concat!(
                "SELECT ",
                session_columns!(),
                ", i.body FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE s.id = $1"
            ),
        )
        .bind(id);
        let row = sql.fetch_optional(query).await?;
        row.map(|row| session_of(&row, true)).transpose()
    }

    /// Flagged sessions that a provider knows by its own session id (`sid`), without their identities.
    pub async fn find_sessions_by_upstream_sid(sql, provider: &str, sid: &str) -> Result<Vec<Session>> {
        let query = Query::new(
            "find_sessions_by_upstream_sid",
            concat!(
                "SELECT ",
                session_columns!(),
                " FROM sessions s WHERE s.upstream_sid = $1 AND s.upstream_provider = $2 \
                 AND s.active = $3 ORDER BY s.id LIMIT 1000"
            ),
        )
        .bind(sid)
        .bind(provider)
        .bind(true);
        let rows = sql.fetch_all(query).await?;
        rows.iter().map(|row| session_of(row, false)).collect()
    }
}

impl crate::Store {
    /// Takes up to `limit` live sessions of a provider that hold a refresh token and weren't checked since
    /// `checked_before`, and marks them as checked now, so that no other instance takes them, too.
    pub async fn take_sessions_for_recheck(
        &self,
        provider: &str,
        checked_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>> {
        // Two texts: PostgreSQL must step over rows that another instance is taking at this moment.
        let query = Query::by_dialect(
            "take_sessions_for_recheck",
            "UPDATE sessions SET checked_at = $3 WHERE id IN (SELECT d.id FROM sessions d \
             WHERE d.upstream_provider = $1 AND d.checked_at < $2 AND d.active = $5 \
             AND d.expires_at > $3 ORDER BY d.checked_at LIMIT $4) \
             RETURNING id, identity_id, active, issued_at, expires_at, authenticated_at, aal, \
             checked_at, body",
            "UPDATE sessions SET checked_at = $3 WHERE id IN (SELECT d.id FROM sessions d \
             WHERE d.upstream_provider = $1 AND d.checked_at < $2 AND d.active = $5 \
             AND d.expires_at > $3 ORDER BY d.checked_at LIMIT $4 FOR UPDATE SKIP LOCKED) \
             RETURNING id, identity_id, active, issued_at, expires_at, authenticated_at, aal, \
             checked_at, body",
        )
        .bind(provider)
        .bind(checked_before)
        .bind(now)
        .bind(limit)
        .bind(true);
        let rows = self.fetch_written(query).await?;
        rows.iter().map(|row| session_of(row, false)).collect()
    }
}
