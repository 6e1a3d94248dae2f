//! From the text that a mapper evaluated to, to the parts of an identity that it may set. Checks in Kratos' order.

use serde_json::{Map, Value};

use crate::error::{Expected, OutputError};

/// What a mapper made of the claims. Nothing else of its output is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MappedIdentity {
    /// Always an object.
    pub traits: Value,
    /// An object when the mapper set it.
    pub metadata_public: Option<Value>,
    /// An object when the mapper set it.
    pub metadata_admin: Option<Value>,
    /// Addresses that the mapper calls verified; `via: email` ones are trimmed and lower case.
    pub verified_addresses: Option<Vec<MappedAddress>>,
    /// Kratos checks the type and then, outside multi-region set-ups, ignores it.
    pub region: Option<String>,
    /// The mapper refuses this sign-in, with the reason that the visitor reads. Everything else is empty then.
    pub deny: Option<String>,
}

/// One element of `identity.verified_addresses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedAddress {
    pub via: String,
    pub value: String,
}

// Kratos: the regions of Ory's network; any other name is refused even where none is used.
const REGIONS: [&str; 8] = ["eu-central", "asia-northeast", "us-east", "us-west", "eu", "asia", "us", "global"];

impl MappedIdentity {
    /// Reads what a mapper evaluated to, with Kratos' rules, for callers of [`crate::Mapper::evaluate`].
    ///
    /// # Errors
    /// A part has the wrong shape.
    pub fn from_output(output: Value) -> Result<Self, OutputError> {
        mapped_identity(output)
    }
}

/// The longest reason of a refusal that reaches a page.
const DENY_REASON_CHARS_MAX: usize = 500;

/// Reads a mapper's output.
pub(crate) fn mapped_identity(mut output: Value) -> Result<MappedIdentity, OutputError> {
    if let Some(reason) = denied(&mut output)? {
        return Ok(MappedIdentity {
            traits: Value::Object(Map::new()),
            deny: Some(reason),
            ..MappedIdentity::default()
        });
    }
    let mut identity = match output.get_mut("identity").map(Value::take) {
        Some(Value::Object(identity)) => identity,
        _ => Map::new(),
    };
    let Some(traits @ Value::Object(_)) = identity.remove("traits") else {
        return Err(OutputError { key: "identity.traits", expected: Expected::Object });
    };
    Ok(MappedIdentity {
        traits,
        metadata_public: object(&mut identity, "metadata_public", "identity.metadata_public")?,
        metadata_admin: object(&mut identity, "metadata_admin", "identity.metadata_admin")?,
        region: region(&identity)?,
        verified_addresses: identity.remove("verified_addresses").map(addresses).transpose()?,
        deny: None,
    })
}

/// A refusal of any but the right shape is an error: a sign-in that should have been refused must not pass.
fn denied(output: &mut Value) -> Result<Option<String>, OutputError> {
    match output.get_mut("deny").map(Value::take) {
        // `deny: if … then { … }` is null when the condition is false.
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(deny)) => match deny.get("reason") {
            Some(Value::String(reason)) => Ok(Some(reason.chars().take(DENY_REASON_CHARS_MAX).collect())),
            _ => Err(OutputError { key: "deny.reason", expected: Expected::String }),
        },
        Some(_) => Err(OutputError { key: "deny", expected: Expected::Object }),
    }
}

fn object(identity: &mut Map<String, Value>, name: &str, key: &'static str) -> Result<Option<Value>, OutputError> {
    match identity.remove(name) {
        None => Ok(None),
        Some(value @ Value::Object(_)) => Ok(Some(value)),
        // Kratos: null is refused like any other value that is not an object.
        Some(_) => Err(OutputError { key, expected: Expected::Object }),
    }
}

fn region(identity: &Map<String, Value>) -> Result<Option<String>, OutputError> {
    match identity.get("region") {
        None => Ok(None),
        Some(Value::String(region)) if REGIONS.contains(&region.as_str()) => Ok(Some(region.clone())),
        Some(Value::String(_)) => Err(OutputError { key: "identity.region", expected: Expected::Region }),
        Some(_) => Err(OutputError { key: "identity.region", expected: Expected::String }),
    }
}

fn addresses(value: Value) -> Result<Vec<MappedAddress>, OutputError> {
    const KEY: &str = "identity.verified_addresses";
    let Value::Array(elements) = value else {
        return Err(OutputError { key: KEY, expected: Expected::Array });
    };
    elements
        .into_iter()
        .map(|element| address(&element).ok_or(OutputError { key: KEY, expected: Expected::Addresses }))
        .collect()
}

/// Kratos: read as Go reads a struct: keys without case, the last one wins, null and absent are empty.
fn address(element: &Value) -> Option<MappedAddress> {
    let (mut via, mut value) = (String::new(), String::new());
    match element {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, field) in fields {
                let target = if key.eq_ignore_ascii_case("via") {
                    &mut via
                } else if key.eq_ignore_ascii_case("value") {
                    &mut value
                } else {
                    continue;
                };
                match field {
                    Value::Null => {}
                    Value::String(text) => target.clone_from(text),
                    _ => return None,
                }
            }
        }
        _ => return None,
    }
    if via == "email" {
        // Kratos: only e-mail addresses are normalised, others are compared literally.
        value = value.trim().to_lowercase();
    }
    Some(MappedAddress { via, value })
}

#[cfg(test)]
mod tests;
