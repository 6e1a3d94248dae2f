//! Who of the verified people may in: by app role, by group, by authentication context.

use crate::error::{ProviderError, Step};
use crate::request::{Facts, SignedIn};
use bia_config::OidcProvider;
use serde_json::Value;

const NOT_ASSIGNED: &str = "Your account has not been given access to this application. Please ask your administrator.";

/// `roles.allowed` and `microsoft.groups.allowed`: one of each that is configured.
pub(crate) fn check(config: &OidcProvider, signed_in: &SignedIn) -> Result<(), ProviderError> {
    let has_one = |claim: &str, allowed: &[String]| {
        let held = signed_in.claims.raw_claims.get(claim).and_then(Value::as_array);
        allowed.is_empty()
            || held.is_some_and(|list| list.iter().filter_map(Value::as_str).any(|h| allowed.iter().any(|a| a == h)))
    };
    if !has_one("roles", &config.roles.allowed) {
        let detail = "the person has none of the listed app roles; they are assigned under Enterprise applications";
        return Err(ProviderError::refused(Step::Policy, NOT_ASSIGNED, detail).with_config_key("roles.allowed"));
    }
    let groups = config.microsoft.groups.as_ref().map_or(&[][..], |g| &g.allowed);
    if !has_one("groups", groups) {
        let detail =
            "the person is in none of the listed groups, or the token carries no groups (groupMembershipClaims)";
        return Err(
            ProviderError::refused(Step::Policy, NOT_ASSIGNED, detail).with_config_key("microsoft.groups.allowed")
        );
    }
    Ok(())
}

/// A step-up counts only when the token names the context: the request alone proves nothing, since anybody can
/// edit an authorization URL.
pub(crate) fn check_step_up(asked: Option<&str>, facts: &Facts) -> Result<(), ProviderError> {
    match asked {
        Some(context) if !facts.acrs.iter().any(|held| held == context) => Err(ProviderError::refused(
            Step::Policy,
            "The additional verification was not completed. Please try again.",
            "the token's `acrs` does not name the authentication context that was asked for",
        )),
        _ => Ok(()),
    }
}
