//! Pins: ids, texts and context keys are public API (contract §9.3).

use super::*;
use crate::flow::FlowKind;
use crate::timestamp::Timestamp;

fn keys(message: &Message) -> Vec<String> {
    let mut keys: Vec<String> =
        message.context.iter().filter_map(Value::as_object).flat_map(|map| map.keys().cloned()).collect();
    keys.sort();
    keys
}

fn pin(message: &Message, id: i64, text: &str, context: &[&str]) {
    assert_eq!((message.id, message.text.as_str()), (id, text));
    assert_eq!(keys(message), context, "{id}");
    let expected = match id {
        1_050_001 => MessageType::Success,
        id if id < 4_000_000 => MessageType::Info,
        _ => MessageType::Error,
    };
    assert_eq!(message.message_type, expected, "{id}");
}

#[test]
fn messages_that_inform_are_pinned() {
    for (message, id, text, context) in [
        (Message::sign_in(), 1_010_001, "Sign in", &[][..]),
        (Message::sign_in_with("Contoso", "ms"), 1_010_002, "Sign in with Contoso", &["provider", "provider_id"]),
        (Message::refresh(), 1_010_003, "Please confirm this action by verifying that it is you.", &[]),
        (Message::second_factor(), 1_010_004, "Please complete the second authentication challenge.", &[]),
        (Message::login_continue(), 1_010_013, "Continue", &[]),
        (Message::sign_in_and_link(), 1_010_017, "Sign in and link", &[]),
        (Message::confirm_with("Contoso"), 1_010_018, "Confirm with Contoso", &["provider"]),
        (Message::sign_up(), 1_040_001, "Sign up", &[]),
        (Message::sign_up_with("Contoso", "ms"), 1_040_002, "Sign up with Contoso", &["provider", "provider_id"]),
        (Message::registration_continue(), 1_040_003, "Continue", &[]),
        (Message::back(), 1_040_008, "Back", &[]),
        (Message::choose_credential(), 1_040_009, "Please choose a credential to authenticate yourself with.", &[]),
        (Message::settings_saved(), 1_050_001, "Your changes have been saved!", &[]),
        (Message::link("Contoso"), 1_050_002, "Link Contoso", &["provider"]),
        (Message::unlink("Contoso"), 1_050_003, "Unlink Contoso", &["provider"]),
        (
            Message::managed_by_organization(),
            1_050_023,
            "Your account is managed by your organization. To change these settings, contact your organization administrator.",
            &[],
        ),
        (Message::trait_label("E-Mail", "traits.email"), 1_070_002, "E-Mail", &["name", "title"]),
        (Message::save(), 1_070_003, "Save", &[]),
        (Message::node_id(), 1_070_004, "ID", &[]),
        (Message::node_submit(), 1_070_005, "Submit", &[]),
        (Message::node_continue(), 1_070_009, "Continue", &[]),
        (Message::login_and_link_credential(), 1_070_014, "Login and link credential", &[]),
    ] {
        pin(&message, id, text, context);
    }
}

#[test]
fn messages_about_traits_are_pinned() {
    let allowed = ["string".to_owned(), "null".to_owned()];
    for (message, id, text, context) in [
        (Message::generic("why"), 4_000_001, "why", &["reason"][..]),
        (Message::required("email"), 4_000_002, "Property email is missing.", &["property"]),
        (Message::min_length(3, 1), 4_000_003, "length must be >= 3, but got 1", &["actual_length", "min_length"]),
        (Message::pattern("^\\d$"), 4_000_004, "does not match pattern \"^\\\\d$\"", &["pattern"]),
        (Message::max_length(3, 4), 4_000_017, "length must be <= 3, but got 4", &["actual_length", "max_length"]),
        (Message::minimum(1.5, 1.0), 4_000_018, "must be >= 1.5 but found 1", &["actual", "minimum"]),
        (Message::exclusive_minimum(1.0, 1.0), 4_000_019, "must be > 1 but found 1", &["actual", "minimum"]),
        (Message::maximum(1.0, 2.0), 4_000_020, "must be <= 1 but found 2", &["actual", "maximum"]),
        (Message::exclusive_maximum(1.0, 1.0), 4_000_021, "must be < 1 but found 1", &["actual", "maximum"]),
        (Message::multiple_of(2.0, 3.0), 4_000_022, "3 not multipleOf 2", &["actual", "base"]),
        (
            Message::max_items(1, 2),
            4_000_023,
            "maximum 1 items allowed, but found 2 items",
            &["actual_items", "max_items"],
        ),
        (
            Message::min_items(2, 1),
            4_000_024,
            "minimum 2 items allowed, but found 1 items",
            &["actual_items", "min_items"],
        ),
        (Message::unique_items(0, 1), 4_000_025, "items at index 0 and 1 are equal", &["index_a", "index_b"]),
        (
            Message::wrong_type(&allowed, "number"),
            4_000_026,
            "expected string or null, but got number",
            &["actual_type", "allowed_types"],
        ),
        (Message::constant("\"x\""), 4_000_029, "must be equal to constant \"x\"", &["expected"]),
        (Message::constant_failed(), 4_000_030, "const failed", &[]),
        (
            Message::traits_mismatch(),
            4_000_036,
            "The provided traits do not match the traits previously associated with this flow.",
            &[],
        ),
        (Message::not_of_format("nope", "email"), 4_000_040, "Enter a valid email address", &["value"]),
        (Message::not_of_format("12", "tel"), 4_000_041, "Enter a valid phone number", &["value"]),
        (Message::not_of_format("", "email"), 4_000_001, "\"\" is not valid \"email\"", &["reason"]),
        (Message::not_of_format("x", "date"), 4_000_001, "\"x\" is not valid \"date\"", &["reason"]),
    ] {
        pin(&message, id, text, context);
    }
}

#[test]
fn messages_about_flows_are_pinned() {
    let (then, now) = (Timestamp::from_secs(1_000), Timestamp::from_secs(1_090));
    let expired = |kind| Message::flow_expired(kind, then, now);
    let expired_keys = &["expired_at", "expired_at_unix"][..];
    for (message, id, text, context) in [
        (
            Message::duplicate_credentials(),
            4_000_007,
            "An account with the same identifier (email, phone, username, ...) exists already.",
            &[][..],
        ),
        (
            Message::address_not_verified(),
            4_000_010,
            "Account not active yet. Did you forget to verify your email address?",
            &[],
        ),
        (
            Message::duplicate_credentials_on_link(),
            4_000_027,
            "An account with the same identifier (email, phone, username, ...) exists already. Please sign in to your existing account to link your social profile.",
            &[],
        ),
        (
            expired(FlowKind::Login),
            4_010_001,
            "The login flow expired 1.50 minutes ago, please try again.",
            expired_keys,
        ),
        (
            Message::no_strategy(FlowKind::Login),
            4_010_002,
            "Could not find a strategy to log you in with. Did you fill out the form correctly?",
            &[],
        ),
        (
            Message::no_strategy(FlowKind::Registration),
            4_010_003,
            "Could not find a strategy to sign you up with. Did you fill out the form correctly?",
            &[],
        ),
        (
            Message::no_strategy(FlowKind::Settings),
            4_010_004,
            "Could not find a strategy to update your settings. Did you fill out the form correctly?",
            &[],
        ),
        (Message::linked_credentials_mismatch(), 4_010_009, "Linked credentials do not match.", &[]),
        (
            Message::identity_disabled(),
            4_010_011,
            "This account has been disabled. Please contact support for assistance.",
            &[],
        ),
        (
            expired(FlowKind::Registration),
            4_040_001,
            "The registration flow expired 1.50 minutes ago, please try again.",
            expired_keys,
        ),
        (
            expired(FlowKind::Settings),
            4_050_001,
            "The settings flow expired 1.50 minutes ago, please try again.",
            expired_keys,
        ),
        (Message::system_generic("why"), 5_000_001, "why", &["reason"]),
        (
            Message::no_methods(),
            5_000_002,
            "No authentication methods are available. Please contact the system administrator.",
            &[],
        ),
        (
            Message::no_sso_provider(),
            5_000_003,
            "Your organization requires SSO authentication, but no SSO provider is configured. Please contact the system administrator.",
            &[],
        ),
    ] {
        pin(&message, id, text, context);
    }
}

#[test]
fn account_linking_names_the_address_the_provider_and_seven_keys() {
    let types = ["oidc".to_owned()];
    let message = Message::link_account("a@b.example", "Contoso", "https://x.example", &types, &types);
    pin(
        &message,
        1_010_016,
        "You tried to sign in with \"a@b.example\", but that email is already used by another account. Sign in to your account with one of the options below to add your account \"a@b.example\" at \"Contoso\" as another way to sign in.",
        &[
            "available_credential_types",
            "available_providers",
            "duplicateIdentifier",
            "duplicate_identifier",
            "newLoginUrl",
            "new_login_url",
            "provider",
        ],
    );
}

#[test]
fn hints_for_duplicates_are_composed() {
    let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    for (types, providers, identifier, text) in [
        (
            &[][..],
            &[][..],
            "",
            "You tried signing in with an email, phone, or username which is already in use by another account.",
        ),
        (
            &["password", "oidc", "saml"],
            &["my-google", "github"],
            "a@b",
            "You tried signing in with a@b which is already in use by another account. You can sign in using your password, or social sign in. You can sign in using one of the following social sign in providers: My-Google, Github.",
        ),
        (
            &["code"],
            &[],
            "a@b",
            "You tried signing in with a@b which is already in use by another account. You can sign in using code.",
        ),
    ] {
        let message = Message::duplicate_credentials_with_hints(&owned(types), &owned(providers), identifier);
        pin(
            &message,
            4_000_028,
            text,
            &["available_credential_types", "available_oidc_providers", "credential_identifier_hint"],
        );
    }
}
