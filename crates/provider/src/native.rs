//! The rules for an ID token that an app submits itself (contract §3.8).

use crate::error::{ProviderError, Step};
use bia_model::{ApiError, Claims};

/// Kratos: whatever is wrong with the token is one and the same 403. An outage or the operator's rules stay what
/// they are.
pub(crate) fn not_verified(error: ProviderError) -> ProviderError {
    match error.step() {
        Step::IdToken | Step::Claims => error.with_api(ApiError::forbidden("Could not verify id_token")),
        _ => error,
    }
}

/// Kratos: a token with a nonce needs the same one beside it; a token without is taken from providers only whose
/// SDKs can't send one.
pub(crate) fn check_nonce(claims: &Claims, supplied: Option<&str>, may_lack: bool) -> Result<(), ProviderError> {
    let supplied = supplied.filter(|nonce| !nonce.is_empty());
    let refused =
        |reason: &str| Err(ProviderError::upstream(Step::IdToken, reason, "the nonce of a submitted ID token"));
    match (claims.nonce.as_str(), supplied) {
        ("", _) if may_lack => Ok(()),
        ("", _) => refused("No nonce was included in the id_token but is required by the provider"),
        (_, None) => refused("No nonce was provided but is required by the provider"),
        (claimed, Some(supplied)) if claimed != supplied => {
            refused("The supplied nonce does not match the nonce from the id_token")
        }
        _ => Ok(()),
    }
}
