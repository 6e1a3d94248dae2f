//! `identity_schema` of a flow's initialisation: which schema a new identity will have.

use crate::context::InitQuery;
use crate::deps::Deps;
use bia_model::ApiError;

/// The requested schema, when it exists and clients may choose it.
///
/// # Errors
/// 400 for a schema that doesn't exist or isn't `selfservice_selectable`.
pub(crate) fn of(deps: &Deps, query: &InitQuery) -> Result<Option<String>, ApiError> {
    let Some(requested) = query.non_empty("identity_schema") else {
        return Ok(None);
    };
    if requested == deps.schemas.default_id() {
        return Ok(Some(requested.to_owned()));
    }
    match deps.schemas.is_selectable(requested) {
        Some(true) => Ok(Some(requested.to_owned())),
        Some(false) => Err(ApiError::bad_request(format!(
            "Requested identity schema \"{requested}\" is not enabled for self-service flows."
        ))),
        None => {
            let shown: String = requested.chars().filter(|c| !c.is_control()).take(100).collect();
            Err(ApiError::bad_request(format!("Requested identity schema \"{shown}\" does not exist.")))
        }
    }
}
