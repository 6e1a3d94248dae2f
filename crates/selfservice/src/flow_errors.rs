//! Errors that a page shows after a redirect (Kratos: `selfservice/errorx`).

use crate::context::{Context, InitQuery};
use crate::deps::Deps;
use crate::error::store_error;
use crate::outcome::{Outcome, Reply};
use bia_model::{ApiError, Timestamp};
use bia_store::{SelfServiceError, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

/// Holds the correlation id in a stored error. Kratos' answer has `error.request` only when the request brought one, so
/// this one is for the built-in page and never part of that answer.
const CORRELATION: &str = "correlation_id";

/// Keeps an error for the error page; answers the id under which it can be read.
///
/// # Errors
/// When the database can't take it; the caller then answers with the error itself.
pub async fn keep(deps: &Deps, error: &ApiError, now: Timestamp) -> Result<Uuid, StoreError> {
    let id = Uuid::new_v4();
    let mut body = serde_json::to_value(error).unwrap_or_default();
    if let (Some(body), Some(correlation)) = (body.as_object_mut(), bia_telemetry::request::id()) {
        body.insert(CORRELATION.to_owned(), correlation.into());
    }
    tracing::info!(error_id = %id, status = error.code, "somebody is led to the error page");
    let row = SelfServiceError { id, body, created_at: now, updated_at: now, seen_at: None };
    deps.store.insert_self_service_error(&row).await?;
    Ok(id)
}

/// `getFlowError`. Not bound to a browser, as in Kratos: it holds nothing that its visitor may not know.
pub async fn get(deps: &Deps, context: &Context, query: &InitQuery) -> Reply {
    let id = query.non_empty("id").or_else(|| query.non_empty("error"));
    if id == Some("stub:500") {
        return Outcome::Json { status: 200, body: stub() }.into();
    }
    let parsed = id.and_then(|id| Uuid::parse_str(id).ok()).unwrap_or(Uuid::nil());
    match deps.store.see_self_service_error(parsed, context.now).await {
        Ok(Some(mut found)) => {
            if let Some(body) = found.body.as_object_mut() {
                body.shift_remove(CORRELATION);
            }
            let body = json!({
                "id": found.id,
                "error": found.body,
                "created_at": found.created_at,
                "updated_at": found.updated_at,
            });
            Outcome::Json { status: 200, body }.into()
        }
        Ok(None) => Outcome::RefusedJson(ApiError::no_such_row()).into(),
        Err(error) => Outcome::RefusedJson(store_error(&error)).into(),
    }
}

/// What the built-in error page shows of an error: the same, and always the id by which the log can be searched.
pub async fn shown(deps: &Deps, context: &Context, query: &InitQuery) -> Value {
    let id = query.non_empty("id").or_else(|| query.non_empty("error")).and_then(|id| Uuid::parse_str(id).ok());
    if let Some(id) = id
        && let Ok(Some(mut found)) = deps.store.see_self_service_error(id, context.now).await
    {
        if let Some(body) = found.body.as_object_mut()
            && let Some(correlation) = body.shift_remove(CORRELATION)
        {
            body.insert("request".to_owned(), correlation);
        }
        return json!({ "id": found.id, "error": found.body, "created_at": found.created_at });
    }
    match get(deps, context, query).await.outcome {
        Outcome::Json { body, .. } => body,
        Outcome::RefusedJson(error) => json!({ "error": error }),
        _ => json!({ "error": ApiError::no_such_row() }),
    }
}

/// An example for people who build an error page.
fn stub() -> Value {
    // Kratos: its example was never stored, so it carries the zero time of Go.
    let never = Timestamp::from_secs(-62_135_596_800);
    json!({
        "id": Uuid::new_v4(),
        "error": ApiError::internal("This is a stub error."),
        "created_at": never,
        "updated_at": never,
    })
}
