//! Numbered messages (Kratos: `text/id.go`). Ids and texts are public API: user interfaces translate by id.

mod login;
mod traits;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    Info,
    Error,
    Success,
}

/// A text for the visitor with the number that translations are keyed by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: i64,
    pub text: String,
    #[serde(rename = "type")]
    pub message_type: MessageType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

/// The numbers, named. One list so that a test can pin them.
pub mod id {
    pub const SIGN_IN: i64 = 1_010_001;
    pub const SIGN_IN_WITH: i64 = 1_010_002;
    pub const REFRESH: i64 = 1_010_003;
    pub const SECOND_FACTOR: i64 = 1_010_004;
    pub const LOGIN_CONTINUE: i64 = 1_010_013;
    pub const LINK_ACCOUNT: i64 = 1_010_016;
    pub const SIGN_IN_AND_LINK: i64 = 1_010_017;
    pub const CONFIRM_WITH: i64 = 1_010_018;
    pub const SIGN_UP: i64 = 1_040_001;
    pub const SIGN_UP_WITH: i64 = 1_040_002;
    pub const REGISTRATION_CONTINUE: i64 = 1_040_003;
    pub const BACK: i64 = 1_040_008;
    pub const CHOOSE_CREDENTIAL: i64 = 1_040_009;
    pub const SETTINGS_SAVED: i64 = 1_050_001;
    pub const LINK: i64 = 1_050_002;
    pub const UNLINK: i64 = 1_050_003;
    pub const MANAGED_BY_ORGANIZATION: i64 = 1_050_023;
    pub const TRAIT: i64 = 1_070_002;
    pub const SAVE: i64 = 1_070_003;
    pub const NODE_ID: i64 = 1_070_004;
    pub const NODE_SUBMIT: i64 = 1_070_005;
    pub const NODE_CONTINUE: i64 = 1_070_009;
    pub const LOGIN_AND_LINK_CREDENTIAL: i64 = 1_070_014;
    pub const GENERIC: i64 = 4_000_001;
    pub const REQUIRED: i64 = 4_000_002;
    pub const MIN_LENGTH: i64 = 4_000_003;
    pub const PATTERN: i64 = 4_000_004;
    pub const DUPLICATE: i64 = 4_000_007;
    pub const MAX_LENGTH: i64 = 4_000_017;
    pub const MINIMUM: i64 = 4_000_018;
    pub const EXCLUSIVE_MINIMUM: i64 = 4_000_019;
    pub const MAXIMUM: i64 = 4_000_020;
    pub const EXCLUSIVE_MAXIMUM: i64 = 4_000_021;
    pub const MULTIPLE_OF: i64 = 4_000_022;
    pub const MAX_ITEMS: i64 = 4_000_023;
    pub const MIN_ITEMS: i64 = 4_000_024;
    pub const UNIQUE_ITEMS: i64 = 4_000_025;
    pub const WRONG_TYPE: i64 = 4_000_026;
    pub const DUPLICATE_LINK: i64 = 4_000_027;
    pub const DUPLICATE_HINTS: i64 = 4_000_028;
    pub const CONST: i64 = 4_000_029;
    pub const CONST_GENERIC: i64 = 4_000_030;
    pub const TRAITS_MISMATCH: i64 = 4_000_036;
    pub const EMAIL_FORMAT: i64 = 4_000_040;
    pub const PHONE_FORMAT: i64 = 4_000_041;
    pub const LOGIN_EXPIRED: i64 = 4_010_001;
    pub const LOGIN_NO_STRATEGY: i64 = 4_010_002;
    pub const REGISTRATION_NO_STRATEGY: i64 = 4_010_003;
    pub const SETTINGS_NO_STRATEGY: i64 = 4_010_004;
    pub const LINKED_MISMATCH: i64 = 4_010_009;
    pub const IDENTITY_DISABLED: i64 = 4_010_011;
    pub const REGISTRATION_EXPIRED: i64 = 4_040_001;
    pub const SETTINGS_EXPIRED: i64 = 4_050_001;
    pub const ADDRESS_NOT_VERIFIED: i64 = 4_000_010;
    pub const SYSTEM_GENERIC: i64 = 5_000_001;
    pub const NO_METHODS: i64 = 5_000_002;
    pub const NO_SSO_PROVIDER: i64 = 5_000_003;
}

impl Message {
    /// An info message without context.
    pub fn info(id: i64, text: impl Into<String>) -> Self {
        Self { id, text: text.into(), message_type: MessageType::Info, context: None }
    }

    /// An error message without context.
    pub fn error(id: i64, text: impl Into<String>) -> Self {
        Self { id, text: text.into(), message_type: MessageType::Error, context: None }
    }

    #[must_use]
    pub fn with_context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    pub fn sign_in_with(label: &str, provider_id: &str) -> Self {
        Self::info(id::SIGN_IN_WITH, format!("Sign in with {label}"))
            .with_context(json!({ "provider": label, "provider_id": provider_id }))
    }

    pub fn sign_up_with(label: &str, provider_id: &str) -> Self {
        Self::info(id::SIGN_UP_WITH, format!("Sign up with {label}"))
            .with_context(json!({ "provider": label, "provider_id": provider_id }))
    }

    pub fn confirm_with(label: &str) -> Self {
        Self::info(id::CONFIRM_WITH, format!("Confirm with {label}")).with_context(json!({ "provider": label }))
    }

    pub fn link(label: &str) -> Self {
        Self::info(id::LINK, format!("Link {label}")).with_context(json!({ "provider": label }))
    }

    pub fn unlink(label: &str) -> Self {
        Self::info(id::UNLINK, format!("Unlink {label}")).with_context(json!({ "provider": label }))
    }

    pub fn refresh() -> Self {
        Self::info(id::REFRESH, "Please confirm this action by verifying that it is you.")
    }

    pub fn second_factor() -> Self {
        Self::info(id::SECOND_FACTOR, "Please complete the second authentication challenge.")
    }

    pub fn sign_up() -> Self {
        Self::info(id::SIGN_UP, "Sign up")
    }

    pub fn registration_continue() -> Self {
        Self::info(id::REGISTRATION_CONTINUE, "Continue")
    }

    pub fn back() -> Self {
        Self::info(id::BACK, "Back")
    }

    pub fn choose_credential() -> Self {
        Self::info(id::CHOOSE_CREDENTIAL, "Please choose a credential to authenticate yourself with.")
    }

    pub fn settings_saved() -> Self {
        Self {
            id: id::SETTINGS_SAVED,
            text: "Your changes have been saved!".to_owned(),
            message_type: MessageType::Success,
            context: None,
        }
    }

    pub fn save() -> Self {
        Self::info(id::SAVE, "Save")
    }

    /// Label of a trait's input: the `title` that the identity schema gives it.
    pub fn trait_label(title: &str, name: &str) -> Self {
        Self::info(id::TRAIT, title).with_context(json!({ "title": title, "name": name }))
    }

    /// A refusal in its own words (4000001).
    pub fn generic(reason: &str) -> Self {
        Self::error(id::GENERIC, reason).with_context(json!({ "reason": reason }))
    }

    pub fn required(property: &str) -> Self {
        Self::error(id::REQUIRED, format!("Property {property} is missing."))
            .with_context(json!({ "property": property }))
    }

    pub fn duplicate_credentials() -> Self {
        Self::error(id::DUPLICATE, "An account with the same identifier (email, phone, username, ...) exists already.")
    }

    pub fn linked_credentials_mismatch() -> Self {
        Self::error(id::LINKED_MISMATCH, "Linked credentials do not match.")
    }

    pub fn identity_disabled() -> Self {
        Self::error(id::IDENTITY_DISABLED, "This account has been disabled. Please contact support for assistance.")
    }
}
