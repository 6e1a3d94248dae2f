//! Errors that a page shows after a redirect (Kratos: `selfservice/errorx`).

use crate::context::{Context, InitQuery};
use crate::deps::Deps;
use crate::error::store_error;
use crate::outcome::{Outcome, Reply};
use bia_model::{ApiError, Timestamp};
use bia_store::{SelfServiceError, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

/// Keeps an error for the error page; answers the id under which it can be read.
///
/// # Errors
/// When the database can't take it; the caller then answers with the error itself.
pub async fn keep(deps: &Deps, error: &ApiError, now: Timestamp) -> Result<Uuid, StoreError> {
    let id = Uuid::new_v4();
    let body = serde_json::to_value(error).unwrap_or_default();
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
        Ok(Some(found)) => {
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
