//! Writing sessions. Deactivating keeps the row, so that the admin API can still show it; cleanup removes it
//! once it has expired.

use crate::error::Result;
use crate::query::Query;
use crate::session_rows::{aal_text, checked_at_of, session_body, session_columns, session_of};
use crate::token_hash::TokenHash;
use crate::transaction::Transaction;
use bia_model::{Session, Timestamp};
use uuid::Uuid;

/// Which sessions a batch of the admin API names (contract §1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionSelection {
    Sessions(Vec<Uuid>),
    Identities(Vec<Uuid>),
    AllIdentities,
}

on_both! {
    /// Keeps a new session under the hash of its token.
    pub async fn insert_session(sql, session: &Session, token_hash: &TokenHash) -> Result<()> {
        let body = session_body(session)?;
        let query = Query::new(
            "insert_session",
            "INSERT INTO sessions (id, token_hash, identity_id, active, issued_at, expires_at, \
             authenticated_at, aal, upstream_provider, upstream_sid, checked_at, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(session.id)
        .bind(token_hash.as_bytes().as_slice())
        .bind(session.identity_id)
        .bind(session.active)
        .bind(session.issued_at)
        .bind(session.expires_at)
        .bind(session.authenticated_at)
        .bind(aal_text(session.aal))
        .bind(session.upstream.as_ref().map(|upstream| upstream.provider.as_str()))
        .bind(session.upstream.as_ref().and_then(|upstream| upstream.sid.as_deref()))
        .bind(checked_at_of(session))
        .bind(body.as_str());
        sql.execute(query).await.map(drop)
    }

    /// Moves the end of a session; false when there is none. Never moves it back: of two requests that
    /// extend at the same time, the later end stays.
    pub async fn extend_session(sql, id: Uuid, expires_at: Timestamp) -> Result<bool> {
        let query = Query::new(
            "extend_session",
            "UPDATE sessions SET expires_at = CASE WHEN expires_at < $2 THEN $2 ELSE expires_at END \
             WHERE id = $1",
        )
        .bind(id)
        .bind(expires_at);
        Ok(sql.execute(query).await? > 0)
    }

    /// Ends a session; false when it wasn't there or had ended.
    pub async fn deactivate_session(sql, id: Uuid) -> Result<bool> {
        let query = Query::new(
            "deactivate_session",
            "UPDATE sessions SET active = $2 WHERE id = $1 AND active <> $2",
        )
        .bind(id)
        .bind(false);
        Ok(sql.execute(query).await? > 0)
    }

    /// Ends a session if it is that identity's; somebody else's is left alone.
    pub async fn deactivate_session_of(sql, identity_id: Uuid, id: Uuid) -> Result<bool> {
        let query = Query::new(
            "deactivate_session_of",
            "UPDATE sessions SET active = $3 WHERE id = $1 AND identity_id = $2 AND active <> $3",
        )
        .bind(id)
        .bind(identity_id)
        .bind(false);
        Ok(sql.execute(query).await? > 0)
    }

    /// Ends all sessions of an identity, but for the one to keep; says how many.
    pub async fn deactivate_other_sessions(sql, identity_id: Uuid, keep: Option<Uuid>) -> Result<u64> {
        let query = Query::new(
            "deactivate_other_sessions",
            "UPDATE sessions SET active = $3 WHERE identity_id = $1 AND id <> $2 AND active <> $3",
        )
        .bind(identity_id)
        // The nil id is nobody's.
        .bind(keep.unwrap_or_else(Uuid::nil))
        .bind(false);
        sql.execute(query).await
    }

    /// Ends the sessions of an identity that came through one provider; says how many.
    pub async fn deactivate_sessions_of_link(sql, identity_id: Uuid, provider: &str) -> Result<u64> {
        let query = Query::new(
            "deactivate_sessions_of_link",
            "UPDATE sessions SET active = $3 \
             WHERE identity_id = $1 AND upstream_provider = $2 AND active <> $3",
        )
        .bind(identity_id)
        .bind(provider)
        .bind(false);
        sql.execute(query).await
    }

    /// Ends the sessions that a provider knows by its own session id; says how many.
    pub async fn deactivate_sessions_by_upstream_sid(sql, provider: &str, sid: &str) -> Result<u64> {
        let query = Query::new(
            "deactivate_sessions_by_upstream_sid",
            "UPDATE sessions SET active = $3 \
             WHERE upstream_sid = $2 AND upstream_provider = $1 AND active <> $3",
        )
        .bind(provider)
        .bind(sid)
        .bind(false);
        sql.execute(query).await
    }

    /// Removes a session's row; false when there was none.
    pub async fn delete_session(sql, id: Uuid) -> Result<bool> {
        let query = Query::new("delete_session", "DELETE FROM sessions WHERE id = $1").bind(id);
        Ok(sql.execute(query).await? > 0)
    }

    /// Removes all sessions of an identity; says how many.
    pub async fn delete_sessions_of(sql, identity_id: Uuid) -> Result<u64> {
        let query = Query::new("delete_sessions_of", "DELETE FROM sessions WHERE identity_id = $1")
            .bind(identity_id);
        sql.execute(query).await
    }

    /// Ends up to `limit` of the selected sessions that haven't ended; says how many.
    pub async fn disable_sessions(sql, selection: &SessionSelection, limit: u32) -> Result<u64> {
        let mut query = Query::assembled("disable_sessions", "UPDATE sessions SET active = ");
        query.push_arg(false);
        query.push(" WHERE id IN (SELECT id FROM sessions WHERE active = ");
        query.push_arg(true);
        if !push_selection(&mut query, selection, limit) {
            return Ok(0);
        }
        sql.execute(query).await
    }

    /// Removes up to `limit` of the selected sessions; says how many.
    pub async fn delete_sessions(sql, selection: &SessionSelection, limit: u32) -> Result<u64> {
        let mut query = Query::assembled(
            "delete_sessions",
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE 1 = 1",
        );
        if !push_selection(&mut query, selection, limit) {
            return Ok(0);
        }
        sql.execute(query).await
    }
}

impl Transaction {
    /// Changes what a session says of its sign-in: level, time, methods, devices and the provider's side. The row is
    /// read within this unit and nobody else changes it until the unit ends, so that two changes at once both stay.
    /// Whether and until when the session counts is not written: an end that was moved or brought about meanwhile
    /// holds. Answers the session as it is now, without its identity; `None` when there is none or it has ended.
    pub async fn change_session(&mut self, id: Uuid, change: impl FnOnce(&mut Session)) -> Result<Option<Session>> {
        // SQLite has one writer, and this unit is it.
        const FIND: &str = concat!("SELECT ", session_columns!(), " FROM sessions s WHERE s.id = $1");
        const FIND_AND_LOCK: &str =
            concat!("SELECT ", session_columns!(), " FROM sessions s WHERE s.id = $1 FOR UPDATE");
        let query = Query::by_dialect("find_session_for_update", FIND, FIND_AND_LOCK).bind(id);
        let Some(row) = self.fetch_optional(query).await? else {
            return Ok(None);
        };
        let stored = session_of(&row, false)?;
        if !stored.active {
            return Ok(None);
        }
        let mut changed = stored.clone();
        change(&mut changed);
        let changed = Session {
            id,
            identity_id: stored.identity_id,
            active: stored.active,
            issued_at: stored.issued_at,
            expires_at: stored.expires_at,
            identity: None,
            ..changed
        };
        let body = session_body(&changed)?;
        let query = Query::new(
            "change_session",
            "UPDATE sessions SET authenticated_at = $2, aal = $3, upstream_provider = $4, upstream_sid = $5, \
             checked_at = $6, body = $7 WHERE id = $1",
        )
        .bind(id)
        .bind(changed.authenticated_at)
        .bind(aal_text(changed.aal))
        .bind(changed.upstream.as_ref().map(|upstream| upstream.provider.as_str()))
        .bind(changed.upstream.as_ref().and_then(|upstream| upstream.sid.as_deref()))
        .bind(checked_at_of(&changed))
        .bind(body.as_str());
        self.execute(query).await?;
        Ok(Some(changed))
    }
}

/// Completes the inner `SELECT`; false when the selection names nothing.
fn push_selection(query: &mut Query<'_>, selection: &SessionSelection, limit: u32) -> bool {
    match selection {
        SessionSelection::Sessions(ids) | SessionSelection::Identities(ids) if ids.is_empty() => {
            return false;
        }
        SessionSelection::Sessions(ids) => {
            query.push(" AND id IN ");
            query.push_list(ids.iter().copied());
        }
        SessionSelection::Identities(ids) => {
            query.push(" AND identity_id IN ");
            query.push_list(ids.iter().copied());
        }
        SessionSelection::AllIdentities => {}
    }
    query.push(" ORDER BY id LIMIT ");
    query.push_arg(limit);
    query.push(")");
    true
}
