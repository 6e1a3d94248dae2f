//! Reading an answer: a refusal with messages, changes to the identity, or nothing.

use bia_model::{
    ApiError, Identity, IdentityState, Message, MessageType, RecoveryAddress, Timestamp, VerifiableAddress,
};
use bia_outbound::Answer;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use super::options::Options;
use crate::context::{HookError, HookMessage};

/// Messages that are taken from one answer; a form with more is of no use to anybody.
const MESSAGES_MAX: usize = 100;

/// Does what the answer says, as far as this hook may.
pub(super) fn obey(
    options: &Options,
    answer: &Answer,
    identity: Option<&mut Identity>,
    now: Timestamp,
) -> Result<(), HookError> {
    if answer.status >= 400 {
        return Err(if options.interrupts() {
            refusal(&answer.body)
        } else {
            answered_improperly(&format!("webhook failed with status code {}", answer.status)).into()
        });
    }
    // Kratos: a redirect that leads nowhere, 204 and the like are fine and say nothing.
    match identity {
        Some(identity) if options.parse && answer.status == 200 => replace(identity, &answer.body, now),
        None if options.parse && answer.status == 200 => parse::<Enrichment>(&answer.body).map(drop),
        _ => Ok(()),
    }
}

/// Kratos' 502 for a receiver that did not do its part.
pub(super) fn answered_improperly(message: &str) -> ApiError {
    ApiError::new(502)
        .with_message(message)
        .with_reason("A third-party upstream service responded improperly. Please try again later.")
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default, deserialize_with = "null_is_default")]
    messages: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default, deserialize_with = "null_is_default")]
    instance_ptr: String,
    #[serde(default, deserialize_with = "null_is_default")]
    messages: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default, deserialize_with = "null_is_default")]
    id: i64,
    #[serde(default, deserialize_with = "null_is_default")]
    text: String,
    #[serde(default, rename = "type", deserialize_with = "null_is_default")]
    message_type: String,
    #[serde(default)]
    context: Option<Value>,
}

fn refusal(body: &[u8]) -> HookError {
    // Kratos: reads the first JSON value and passes over what follows it.
    let first = serde_json::Deserializer::from_slice(body).into_iter::<Refusal>().next();
    let refusal = match first {
        Some(Ok(refusal)) => refusal,
        Some(Err(error)) => return unreadable(&error).into(),
        None => {
            return ApiError::plain("webhook response could not be unmarshalled properly from JSON: EOF").into();
        }
    };
    if refusal.messages.is_empty() {
        return ApiError::plain("error while parsing webhook response: got no validation errors").into();
    }
    let mut left = MESSAGES_MAX;
    let groups = refusal.messages.into_iter().take(MESSAGES_MAX).map(|group| {
        let messages: Vec<Message> = group.messages.into_iter().take(left).map(message).collect();
        left -= messages.len();
        HookMessage { pointer: group.instance_ptr, messages }
    });
    HookError::Messages(groups.collect())
}

fn message(detail: Detail) -> Message {
    Message {
        id: detail.id,
        text: detail.text,
        // Kratos: everything that isn't an error is an info.
        message_type: if detail.message_type == "error" { MessageType::Error } else { MessageType::Info },
        context: detail.context,
    }
}

#[derive(Deserialize)]
struct Enrichment {
    #[serde(default)]
    identity: Option<Replacement>,
}

/// The parts of an identity that an answer may replace; other members are passed over.
#[derive(Deserialize)]
struct Replacement {
    #[serde(default)]
    traits: Option<Value>,
    #[serde(default, deserialize_with = "null_is_default")]
    schema_id: String,
    #[serde(default, deserialize_with = "null_is_default")]
    state: String,
    #[serde(default, deserialize_with = "null_is_default")]
    verifiable_addresses: Vec<Verifiable>,
    #[serde(default, deserialize_with = "null_is_default")]
    recovery_addresses: Vec<Recovery>,
    #[serde(default, deserialize_with = "present")]
    metadata_public: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    metadata_admin: Option<Value>,
    /// `Some(None)` when the key is there and null.
    #[serde(default, deserialize_with = "present")]
    external_id: Option<Option<String>>,
}

#[derive(Deserialize)]
struct Verifiable {
    #[serde(default)]
    id: Uuid,
    #[serde(default)]
    value: String,
    #[serde(default)]
    verified: bool,
    #[serde(default = "email")]
    via: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    verified_at: Option<Timestamp>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Recovery {
    #[serde(default)]
    id: Uuid,
    #[serde(default)]
    value: String,
    #[serde(default = "email")]
    via: String,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

fn email() -> String {
    "email".to_owned()
}

fn replace(identity: &mut Identity, body: &[u8], now: Timestamp) -> Result<(), HookError> {
    let Some(new) = parse::<Enrichment>(body)?.identity else {
        return Ok(());
    };
    let state = match new.state.as_str() {
        "" => identity.state,
        "active" => IdentityState::Active,
        "inactive" => IdentityState::Inactive,
        _ => {
            return Err(
                ApiError::plain("webhook response has an identity state that is neither active nor inactive").into()
            );
        }
    };
    if state != identity.state {
        identity.state = state;
        identity.state_changed_at = Some(now);
    }
    if let Some(traits) = new.traits {
        identity.traits = traits;
    }
    if !new.schema_id.is_empty() {
        identity.schema_id = new.schema_id;
    }
    if !new.verifiable_addresses.is_empty() {
        identity.verifiable_addresses = new.verifiable_addresses.into_iter().map(|a| verifiable(a, now)).collect();
    }
    if !new.recovery_addresses.is_empty() {
        identity.recovery_addresses = new.recovery_addresses.into_iter().map(|a| recovery(a, now)).collect();
    }
    // Kratos: null is a value here, which clears.
    if let Some(metadata) = new.metadata_public {
        identity.metadata_public = (!metadata.is_null()).then_some(metadata);
    }
    if let Some(metadata) = new.metadata_admin {
        identity.metadata_admin = (!metadata.is_null()).then_some(metadata);
    }
    // Kratos: the key alone counts, so that an empty value clears.
    if let Some(external_id) = new.external_id {
        identity.external_id = external_id.filter(|id| !id.is_empty());
    }
    Ok(())
}

fn verifiable(address: Verifiable, now: Timestamp) -> VerifiableAddress {
    let status = match (address.status.as_str(), address.verified) {
        ("", true) => "completed".to_owned(),
        ("", false) => "pending".to_owned(),
        _ => address.status,
    };
    VerifiableAddress {
        id: address.id,
        value: address.value,
        verified: address.verified,
        via: address.via,
        status,
        verified_at: address.verified_at.or(address.verified.then_some(now)),
        created_at: address.created_at.unwrap_or(now),
        updated_at: address.updated_at.unwrap_or(now),
    }
}

fn recovery(address: Recovery, now: Timestamp) -> RecoveryAddress {
    RecoveryAddress {
        id: address.id,
        value: address.value,
        via: address.via,
        created_at: address.created_at.unwrap_or(now),
        updated_at: address.updated_at.unwrap_or(now),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, HookError> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error).into())
}

/// Position and kind of the fault: serde's own text may quote what the receiver sent.
fn unreadable(error: &serde_json::Error) -> ApiError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "unexpected end of JSON input".to_owned(),
        serde_json::error::Category::Data => {
            format!("a value of the wrong type at line {}, column {}", error.line(), error.column())
        }
        _ => format!("a syntax error at line {}, column {}", error.line(), error.column()),
    };
    ApiError::plain(format!("webhook response could not be unmarshalled properly from JSON: {what}"))
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Tells a key that is null from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
