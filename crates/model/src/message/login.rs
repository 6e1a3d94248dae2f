//! Messages about flows, linking and the server itself.

use super::{Message, id};
use crate::flow::FlowKind;
use crate::timestamp::Timestamp;
use serde_json::json;

impl Message {
    pub fn sign_in() -> Self {
        Self::info(id::SIGN_IN, "Sign in")
    }

    pub fn login_continue() -> Self {
        Self::info(id::LOGIN_CONTINUE, "Continue")
    }

    pub fn sign_in_and_link() -> Self {
        Self::info(id::SIGN_IN_AND_LINK, "Sign in and link")
    }

    /// Account linking (contract §3.7.1): who claims the address, and where the person can prove it is theirs.
    pub fn link_account(
        duplicate_identifier: &str,
        provider: &str,
        new_login_url: &str,
        credential_types: &[String],
        providers: &[String],
    ) -> Self {
        let (who, at) = (quote(duplicate_identifier), quote(provider));
        Self::info(
            id::LINK_ACCOUNT,
            format!(
                "You tried to sign in with {who}, but that email is already used by another account. \
                 Sign in to your account with one of the options below to add your account {who} at {at} \
                 as another way to sign in."
            ),
        )
        .with_context(json!({
            "duplicateIdentifier": duplicate_identifier,
            "provider": provider,
            "newLoginUrl": new_login_url,
            "duplicate_identifier": duplicate_identifier,
            "new_login_url": new_login_url,
            "available_credential_types": credential_types,
            "available_providers": providers,
        }))
    }

    pub fn managed_by_organization() -> Self {
        Self::info(
            id::MANAGED_BY_ORGANIZATION,
            "Your account is managed by your organization. To change these settings, contact your organization administrator.",
        )
    }

    pub fn node_id() -> Self {
        Self::info(id::NODE_ID, "ID")
    }

    pub fn node_submit() -> Self {
        Self::info(id::NODE_SUBMIT, "Submit")
    }

    pub fn node_continue() -> Self {
        Self::info(id::NODE_CONTINUE, "Continue")
    }

    pub fn login_and_link_credential() -> Self {
        Self::info(id::LOGIN_AND_LINK_CREDENTIAL, "Login and link credential")
    }

    pub fn address_not_verified() -> Self {
        Self::error(id::ADDRESS_NOT_VERIFIED, "Account not active yet. Did you forget to verify your email address?")
    }

    pub fn duplicate_credentials_on_link() -> Self {
        Self::error(
            id::DUPLICATE_LINK,
            "An account with the same identifier (email, phone, username, ...) exists already. \
             Please sign in to your existing account to link your social profile.",
        )
    }

    /// A duplicate, with the ways in which the owner of the account can sign in. An empty `identifier` is described.
    pub fn duplicate_credentials_with_hints(
        credential_types: &[String],
        providers: &[String],
        identifier: &str,
    ) -> Self {
        let shown = match identifier {
            "" => "an email, phone, or username",
            identifier => identifier,
        };
        let mut text = format!("You tried signing in with {shown} which is already in use by another account.");
        if !credential_types.is_empty() {
            text.push_str(&format!(" You can sign in using {}.", ways(credential_types)));
        }
        if !providers.is_empty() {
            let names: Vec<_> = providers.iter().map(|name| title_case(name)).collect();
            text.push_str(&format!(
                " You can sign in using one of the following social sign in providers: {}.",
                names.join(", ")
            ));
        }
        Self::error(id::DUPLICATE_HINTS, text).with_context(json!({
            "available_credential_types": credential_types,
            "available_oidc_providers": providers,
            "credential_identifier_hint": identifier,
        }))
    }

    pub fn traits_mismatch() -> Self {
        Self::error(
            id::TRAITS_MISMATCH,
            "The provided traits do not match the traits previously associated with this flow.",
        )
    }

    /// Shown on the flow that replaces an expired one.
    pub fn flow_expired(kind: FlowKind, expired_at: Timestamp, now: Timestamp) -> Self {
        let id = match kind {
            FlowKind::Login => id::LOGIN_EXPIRED,
            FlowKind::Registration => id::REGISTRATION_EXPIRED,
            FlowKind::Settings => id::SETTINGS_EXPIRED,
        };
        let minutes = now.since(expired_at).as_secs_f64() / 60.0;
        let kind = kind.as_str();
        Self::error(id, format!("The {kind} flow expired {minutes:.2} minutes ago, please try again.")).with_context(
            json!({
                "expired_at": expired_at,
                "expired_at_unix": expired_at.secs(),
            }),
        )
    }

    /// Nobody felt responsible for what was submitted.
    pub fn no_strategy(kind: FlowKind) -> Self {
        let (id, what) = match kind {
            FlowKind::Login => (id::LOGIN_NO_STRATEGY, "log you in with"),
            FlowKind::Registration => (id::REGISTRATION_NO_STRATEGY, "sign you up with"),
            FlowKind::Settings => (id::SETTINGS_NO_STRATEGY, "update your settings"),
        };
        Self::error(id, format!("Could not find a strategy to {what}. Did you fill out the form correctly?"))
    }

    /// A failure of the server in its own words (5000001).
    pub fn system_generic(reason: &str) -> Self {
        Self::error(id::SYSTEM_GENERIC, reason).with_context(json!({ "reason": reason }))
    }

    pub fn no_methods() -> Self {
        Self::error(id::NO_METHODS, "No authentication methods are available. Please contact the system administrator.")
    }

    pub fn no_sso_provider() -> Self {
        Self::error(
            id::NO_SSO_PROVIDER,
            "Your organization requires SSO authentication, but no SSO provider is configured. Please contact the system administrator.",
        )
    }
}

fn quote(text: &str) -> String {
    crate::identity_schema::go_text::quote(text)
}

fn ways(credential_types: &[String]) -> String {
    let known = |kind: &String| match kind.as_str() {
        "password" => Some("your password"),
        "oidc" | "saml" => Some("social sign in"),
        "webauthn" => Some("your passkey or a security key"),
        "passkey" => Some("your passkey"),
        _ => None,
    };
    let mut ways: Vec<&str> = credential_types.iter().filter_map(known).collect();
    if ways.is_empty() {
        ways = credential_types.iter().map(String::as_str).collect();
    }
    let mut unique: Vec<String> = Vec::new();
    for way in ways {
        if !unique.iter().any(|known| known == way) {
            unique.push(way.to_owned());
        }
    }
    if let [_, .., last] = unique.as_mut_slice() {
        last.insert_str(0, "or ");
    }
    unique.join(", ")
}

/// Each word with a capital letter, the rest in lower case.
fn title_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut at_start = true;
    for c in name.chars() {
        let in_word = c.is_alphanumeric() || c == '_' || c == '\'';
        if in_word && at_start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        at_start = !in_word;
    }
    out
}
