//! Flows. Every step of one reads and replaces the whole record.

use crate::error::{Result, StoreError};
use crate::query::{Query, Row};
use bia_model::{Flow, FlowKind};
use uuid::Uuid;

on_both! {
    /// Keeps a new flow.
    pub async fn insert_flow(sql, flow: &Flow) -> Result<()> {
        let body = body_of(flow)?;
        let query = Query::new(
            "insert_flow",
            "INSERT INTO flows (id, kind, expires_at, body) VALUES ($1, $2, $3, $4)",
        )
        .bind(flow.id)
        .bind(flow.kind.as_str())
        .bind(flow.expires_at)
        .bind(body.as_str());
        sql.execute(query).await.map(drop)
    }

    /// The flow of that id, if it is of that kind.
    pub async fn find_flow(sql, kind: FlowKind, id: Uuid) -> Result<Option<Flow>> {
        let query = Query::new("find_flow", "SELECT body FROM flows WHERE id = $1 AND kind = $2")
            .bind(id)
            .bind(kind.as_str());
        sql.fetch_optional(query).await?.as_ref().map(flow_of).transpose()
    }

    /// The flow of that id, whatever its kind.
    pub async fn find_flow_of_any_kind(sql, id: Uuid) -> Result<Option<Flow>> {
        let query = Query::new("find_flow_of_any_kind", "SELECT body FROM flows WHERE id = $1").bind(id);
        sql.fetch_optional(query).await?.as_ref().map(flow_of).transpose()
    }

    /// Replaces a flow.
    pub async fn update_flow(sql, flow: &Flow) -> Result<()> {
        let body = body_of(flow)?;
        let query = Query::new(
            "update_flow",
            "UPDATE flows SET kind = $2, expires_at = $3, body = $4 WHERE id = $1",
        )
        .bind(flow.id)
        .bind(flow.kind.as_str())
        .bind(flow.expires_at)
        .bind(body.as_str());
        match sql.execute(query).await? {
            0 => Err(StoreError::NotFound { what: "flow" }),
            _ => Ok(()),
        }
    }

    /// Removes a flow; false when there was none.
    pub async fn delete_flow(sql, id: Uuid) -> Result<bool> {
        let query = Query::new("delete_flow", "DELETE FROM flows WHERE id = $1").bind(id);
        Ok(sql.execute(query).await? > 0)
    }
}

fn body_of(flow: &Flow) -> Result<String> {
    serde_json::to_string(flow).map_err(|error| StoreError::document("flow", &error))
}

fn flow_of(row: &Row) -> Result<Flow> {
    serde_json::from_str(row.text(0)?).map_err(|error| StoreError::document("flow", &error))
}
