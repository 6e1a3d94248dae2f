//! Every message id and error id that clients know (contract §9.2, §9.3) is produced over HTTP by a scene, or the
//! table says why this surface can't produce it.

use std::collections::BTreeSet;

use bia_model::error::id as error;
use bia_model::message::id as message;

use crate::scenes;

/// Where the ids are defined: the table has to keep up with this text.
const MESSAGES: &str = include_str!("../../../../crates/model/src/message.rs");
const ERRORS: &str = include_str!("../../../../crates/model/src/error.rs");

/// Message id and the scene that has to show it.
const SHOWN: [(i64, &str); 43] = [
    (message::SIGN_IN_WITH, "login"),
    (message::REFRESH, "refresh"),
    (message::SECOND_FACTOR, "second factor"),
    (message::LINK_ACCOUNT, "the address is taken"),
    (message::CONFIRM_WITH, "the address is taken"),
    (message::SIGN_UP, "registration"),
    (message::SIGN_UP_WITH, "registration"),
    (message::REGISTRATION_CONTINUE, "a trait is missing"),
    (message::BACK, "registration, second step"),
    (message::CHOOSE_CREDENTIAL, "registration, second step"),
    (message::SETTINGS_SAVED, "settings, saved"),
    (message::LINK, "settings, saved"),
    (message::UNLINK, "settings with two links"),
    (message::MANAGED_BY_ORGANIZATION, "settings of an organisation"),
    (message::TRAIT, "registration"),
    (message::SAVE, "settings, saved"),
    (message::NODE_ID, "the domain decides, no trait identifies"),
    (message::NODE_CONTINUE, "the domain decides"),
    (message::GENERIC, "denied at the provider"),
    (message::REQUIRED, "a trait is missing"),
    (message::MIN_LENGTH, "min length"),
    (message::PATTERN, "pattern"),
    (message::DUPLICATE, "linking somebody else's account"),
    (message::MAX_LENGTH, "max length"),
    (message::MINIMUM, "minimum"),
    (message::EXCLUSIVE_MINIMUM, "exclusive minimum"),
    (message::MAXIMUM, "maximum"),
    (message::EXCLUSIVE_MAXIMUM, "exclusive maximum"),
    (message::MULTIPLE_OF, "multiple of"),
    (message::MAX_ITEMS, "max items"),
    (message::MIN_ITEMS, "min items"),
    (message::UNIQUE_ITEMS, "unique items"),
    (message::WRONG_TYPE, "wrong type"),
    (message::CONST, "const"),
    (message::CONST_GENERIC, "const of an object"),
    (message::EMAIL_FORMAT, "e-mail"),
    (message::PHONE_FORMAT, "phone"),
    (message::LOGIN_EXPIRED, "login expired"),
    (message::LOGIN_NO_STRATEGY, "login, nothing chosen"),
    (message::REGISTRATION_NO_STRATEGY, "registration, nothing chosen"),
    (message::SETTINGS_NO_STRATEGY, "settings, nothing chosen"),
    (message::LINKED_MISMATCH, "confirmed by somebody else"),
    (message::IDENTITY_DISABLED, "disabled"),
];

/// The rest of [`SHOWN`].
const SHOWN_LATE: [(i64, &str); 3] = [
    (message::REGISTRATION_EXPIRED, "registration expired"),
    (message::SETTINGS_EXPIRED, "settings expired"),
    (message::ADDRESS_NOT_VERIFIED, "an unverified address"),
];

/// Message ids that Kratos has on these paths and that nothing here can show.
const NEVER_SHOWN: [(i64, &str); 11] = [
    (message::SIGN_IN, "the label of the password button"),
    (message::LOGIN_CONTINUE, "the label of the code method's button"),
    (message::SIGN_IN_AND_LINK, "the label of the password button while linking"),
    (message::NODE_SUBMIT, "the label of the recovery and verification buttons"),
    (message::LOGIN_AND_LINK_CREDENTIAL, "the label of the password button while linking"),
    (message::DUPLICATE_LINK, "replaced by 1010016 before anybody sees it, as in Kratos"),
    (message::DUPLICATE_HINTS, "a registration by another method than social sign-in meets it"),
    (message::TRAITS_MISMATCH, "the code method compares traits between its two steps"),
    (message::SYSTEM_GENERIC, "the code and recovery methods use it"),
    (message::NO_METHODS, "the identifier-first step of the password and code methods"),
    (message::NO_SSO_PROVIDER, "organisations of Ory's paid edition"),
];

/// Error id, status, and the scene that has to answer it.
const ANSWERED: [(&str, u16, &str); 14] = [
    (error::SESSION_INACTIVE, 401, "settings of nobody"),
    (error::SESSION_ALREADY_AVAILABLE, 400, "signed in already"),
    (error::SESSION_AAL1_REQUIRED, 401, "aal2 of nobody"),
    (error::SESSION_AAL2_REQUIRED, 403, "whoami below the required level"),
    (error::SESSION_REFRESH_REQUIRED, 403, "linking with an old session"),
    (error::SESSION_VERIFIED_ADDRESS_REQUIRED, 403, "an unverified address, by a script"),
    (error::CSRF_VIOLATION, 403, "a flow of another browser"),
    (error::IDENTITY_MISMATCH, 403, "settings of somebody else"),
    (error::FLOW_EXPIRED, 410, "login expired"),
    (error::FLOW_DISABLED, 400, "registration is closed"),
    (error::RETURN_TO_FORBIDDEN, 400, "a foreign return_to"),
    (error::BROWSER_LOCATION_CHANGE_REQUIRED, 422, "submit by a script"),
    (error::INVALID_CONFIGURATION, 500, "a login challenge without a server"),
    (error::UPSTREAM_ERROR, 502, "Graph is broken"),
];

/// Error ids that no answer carries. Kratos' `session_aal_already_fulfilled` (reserved) and `self_service_flow_replaced`
/// (other methods) are not even defined here.
const NEVER_ANSWERED: [(&str, &str); 1] =
    [(error::IDENTITY_DISABLED, "always shown in the form, as message 4010011, as in Kratos")];

#[tokio::test]
async fn every_message_and_error_that_this_surface_can_produce_is_produced_over_http() {
    let produced = scenes::run().await;
    let mut missing = Vec::new();
    for (id, scene) in SHOWN.iter().chain(&SHOWN_LATE) {
        if !produced.has_message(scene, *id) {
            missing.push(format!("{id} in \"{scene}\": {}", produced.describe(scene)));
        }
    }
    for (id, status, scene) in &ANSWERED {
        if !produced.has_error(scene, id, *status) {
            missing.push(format!("{id} in \"{scene}\": {}", produced.describe(scene)));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    for (id, why) in &NEVER_SHOWN {
        for (scene, _) in scenes::BAD_TRAITS.iter().chain(&[("login", ""), ("registration", ""), ("disabled", "")]) {
            assert!(!produced.has_message(scene, *id), "{id} was shown, though {why}");
        }
    }
}

/// The values of `pub const NAME: <type> = value;` below `pub mod id`.
fn constants(text: &str) -> BTreeSet<String> {
    let module = text.split_once("pub mod id {").expect("the module").1.split_once("\n}").expect("its end").0;
    let values = module.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(" = "));
    values.map(|(_, value)| value.trim_end_matches(';').replace(['_', '"'], "")).collect()
}

#[test]
fn the_tables_cover_every_id_once() {
    let messages = SHOWN.iter().chain(&SHOWN_LATE).chain(&NEVER_SHOWN).map(|(id, _)| id.to_string());
    let errors = ANSWERED.iter().map(|(id, ..)| *id).chain(NEVER_ANSWERED.map(|(id, _)| id));
    let covered: Vec<String> = messages.chain(errors.map(|id| id.replace('_', ""))).collect();
    let mut defined = constants(MESSAGES);
    defined.extend(constants(ERRORS));
    assert_eq!(covered.len(), defined.len(), "an id is in two tables, or in none");
    assert_eq!(covered.into_iter().collect::<BTreeSet<_>>(), defined);
    assert!(
        NEVER_SHOWN.iter().all(|(_, why)| !why.is_empty()) && NEVER_ANSWERED.iter().all(|(_, why)| !why.is_empty())
    );
}
