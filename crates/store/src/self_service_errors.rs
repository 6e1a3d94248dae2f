//! Errors that the error page shows by id (contract §9).

use crate::error::{Result, StoreError};
use crate::query::{Query, Row};
use bia_model::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// One stored error. `body` is what the API shows as `error`.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfServiceError {
    pub id: Uuid,
    pub body: Value,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was first read.
    pub seen_at: Option<Timestamp>,
}

on_both! {
    /// Keeps an error for the page that the browser is sent to.
    pub async fn insert_self_service_error(sql, error: &SelfServiceError) -> Result<()> {
        let query = Query::new(
            "insert_self_service_error",
            "INSERT INTO self_service_errors (id, body, created_at, updated_at, seen_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(error.id)
        .bind(error.body.to_string())
        .bind(error.created_at)
        .bind(error.updated_at)
        .bind(error.seen_at);
        sql.execute(query).await.map(drop)
    }

    /// The error of that id; remembers when it was first seen.
    pub async fn see_self_service_error(sql, id: Uuid, now: Timestamp) -> Result<Option<SelfServiceError>> {
        let query = Query::new(
            "see_self_service_error",
            "UPDATE self_service_errors SET seen_at = COALESCE(seen_at, $2) WHERE id = $1 \
             RETURNING id, body, created_at, updated_at, seen_at",
        )
        .bind(id)
        .bind(now);
        sql.fetch_written(query).await?.first().map(error_of).transpose()
    }
}

fn error_of(row: &Row) -> Result<SelfServiceError> {
    Ok(SelfServiceError {
        id: row.uuid(0)?,
        body: serde_json::from_str(row.text(1)?).map_err(|error| StoreError::document("self-service error", &error))?,
        created_at: row.time(2)?,
        updated_at: row.time(3)?,
        seen_at: row.optional_time(4)?,
    })
}
