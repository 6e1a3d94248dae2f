//! Continuity containers: what was going on before the browser left for the provider (Kratos: `continuity`).

use crate::error::Result;
use crate::query::{Query, Row};
use bia_model::Timestamp;
use uuid::Uuid;

/// One container. `id` is the hash of the state (or a name), `binding` the hash of the browser's id or
/// `flow:<id>`; the payload is the caller's JSON, which the
/// database can read.
#[derive(Clone, PartialEq, Eq)]
pub struct Continuity {
    pub id: String,
    pub binding: String,
    pub name: String,
    pub identity_id: Option<Uuid>,
    pub payload: String,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Continuity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Continuity")
            .field("name", &self.name)
            .field("identity_id", &self.identity_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

on_both! {
    /// Keeps a container, in place of one of the same id and binding. One of another binding stays as it is
    /// and false is answered, so that a stranger can't replace a container whose id they learned.
    pub async fn put_continuity(sql, container: &Continuity) -> Result<bool> {
        let query = Query::new(
            "put_continuity",
            "INSERT INTO continuity (id, binding, name, identity_id, payload, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
             identity_id = excluded.identity_id, payload = excluded.payload, \
             expires_at = excluded.expires_at WHERE continuity.binding = excluded.binding",
        )
        .bind(container.id.as_str())
        .bind(container.binding.as_str())
        .bind(container.name.as_str())
        .bind(container.identity_id)
        .bind(container.payload.as_str())
        .bind(container.expires_at);
        Ok(sql.execute(query).await? > 0)
    }

    /// Looks at a container without using it up.
    pub async fn find_continuity(sql, id: &str) -> Result<Option<Continuity>> {
        let query = Query::new(
            "find_continuity",
            "SELECT id, binding, name, identity_id, payload, expires_at FROM continuity WHERE id = $1",
        )
        .bind(id);
        sql.fetch_optional(query).await?.as_ref().map(continuity_of).transpose()
    }

    /// Uses a container up: of any number of callers exactly one gets it, which is what makes a replayed
    /// callback fail. Only its own binding can take it, so a stranger who learned the id can't waste it.
    /// Expired ones are handed out, too; the caller looks at `expires_at`.
    pub async fn take_continuity(sql, id: &str, binding: &str) -> Result<Option<Continuity>> {
        let query = Query::new(
            "take_continuity",
            "DELETE FROM continuity WHERE id = $1 AND binding = $2 \
             RETURNING id, binding, name, identity_id, payload, expires_at",
        )
        .bind(id)
        .bind(binding);
        sql.fetch_written(query).await?.first().map(continuity_of).transpose()
    }
}

fn continuity_of(row: &Row) -> Result<Continuity> {
    Ok(Continuity {
        id: row.text(0)?.to_owned(),
        binding: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        identity_id: row.optional_uuid(3)?,
        payload: row.text(4)?.to_owned(),
        expires_at: row.time(5)?,
    })
}
