//! `bia.capture: on`: a redacted record of each sign-in that the mapper or the identity schema stopped, in the log.

use crate::deps::Deps;
use bia_config::OidcProvider;
use bia_model::capture::Capture;
use bia_model::{Claims, Identity};

/// A longer line would not survive the way through most log collectors.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Records what the mapper was given, so that `bia mapper run --capture` can replay it. `why` is the kind of failure
/// and the line of the mapper.
pub(crate) fn record(
    deps: &Deps,
    provider: &OidcProvider,
    why: (&str, Option<u64>),
    claims: &Claims,
    identity: Option<&Identity>,
) {
    if deps.config.bia.capture == bia_config::Capture::Off {
        return;
    }
    let claims = serde_json::to_value(claims).unwrap_or_default();
    let identity = identity.map(super::claims_to_identity::current);
    let capture = Capture::new(&provider.id, why.0, why.1, &claims, identity.as_ref());
    match serde_json::to_string(&capture) {
        Ok(text) if text.len() <= TEXT_BYTES_MAX => {
            tracing::warn!(target: "bia::capture", provider = %provider.id, capture = text, "a failed sign-in, redacted");
        }
        _ => {
            tracing::warn!(target: "bia::capture", provider = %provider.id, "a failed sign-in is too large to be recorded")
        }
    }
}
