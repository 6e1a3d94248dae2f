//! `/schemas`: identity schemas for user interfaces.

use crate::answer;
use crate::call::Call;
use crate::paging::{self, Page};
use crate::route::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_identity::SchemasError;
use bia_model::{ApiError, IdentitySchema};
use serde_json::json;

/// `GET /schemas`
pub(crate) async fn list_identity_schemas(call: Call) -> Answer {
    let schemas = &call.deps().schemas;
    let ids: Vec<String> = schemas.ids().map(str::to_owned).collect();
    let page = Page::mixed(&call.query);
    let (skipped, size) =
        (usize::try_from(page.offset()).unwrap_or(usize::MAX), usize::try_from(page.size).unwrap_or(1));
    let mut list = Vec::new();
    for id in ids.iter().skip(skipped).take(size) {
        list.push(json!({ "id": id, "schema": find(&call, id).await?.document() }));
    }
    let mut response = answer::json(200, &list);
    let total = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    paging::numbered_links(&mut response, &call.path, &call.query, page, total, true);
    Ok(response)
}

/// `GET /schemas/{id}`, by plain id or its base64url form, which `schema_url` uses.
pub(crate) async fn get_identity_schema(call: Call) -> Answer {
    let asked = call.param("id");
    let decoded =
        URL_SAFE_NO_PAD.decode(asked.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let known = |id: &str| call.deps().schemas.ids().any(|known| known == id);
    let id = decoded.filter(|id| !known(asked) && known(id)).unwrap_or_else(|| asked.to_owned());
    Ok(answer::json(200, find(&call, &id).await?.document()))
}

async fn find(call: &Call, id: &str) -> Result<IdentitySchema, ApiError> {
    call.deps().schemas.get(id).await.map_err(|error| match error {
        SchemasError::Unknown { id } => ApiError::not_found(format!("Identity schema `{id}` could not be found.")),
        error => {
            tracing::error!(%error, "identity schema can't be used");
            ApiError::upstream(format!("Identity schema `{id}` can not be read right now."))
        }
    })
}
