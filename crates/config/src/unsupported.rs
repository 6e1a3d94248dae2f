//! Keys of Kratos that Bia reads past: their shape is checked as Kratos checks it, their values are dropped.
//!
//! The schemas below mirror the key names and types of Kratos v1.3. Which of them earn a warning is in [`warnings`].

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::duration::PATTERN;

mod warnings;

pub(crate) use warnings::warnings;

/// A value that was checked and dropped, so that what it held (a mail server's password, say) is not kept in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// `clients.smtp`, read and dropped.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SmtpClient {
    /// Not used. Default: false.
    pub disallow_private_ip_ranges: bool,
}

fn schema(value: Value) -> Schema {
    Schema::try_from(value).unwrap_or_default()
}

/// An object with these keys and no others.
fn closed(properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// A method that can only be switched on.
fn switch(config: Value) -> Value {
    closed(json!({ "enabled": { "type": "boolean" }, "config": config }))
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": PATTERN })
}

fn uri() -> Value {
    json!({ "type": "string", "format": "uri" })
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn strings() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn source() -> Value {
    json!({ "type": "string", "format": "uri", "pattern": "^(http|https|file|base64)://" })
}

pub(crate) fn b2b(_: &mut SchemaGenerator) -> Schema {
    schema(closed(json!({
        "config": closed(json!({
            "organizations": { "type": "array", "items": { "type": "object", "properties": {
                "id": { "type": "string", "format": "uuid" },
                "label": string(),
                "domains": { "type": "array", "items": { "type": "string" } },
                "session_lifespan": duration()
            } } }
        }))
    })))
}

pub(crate) fn link(_: &mut SchemaGenerator) -> Schema {
    schema(switch(json!({ "type": "object", "properties": { "base_url": string(), "lifespan": duration() } })))
}

pub(crate) fn code(_: &mut SchemaGenerator) -> Schema {
    schema(json!({ "type": "object", "properties": {
        "enabled": boolean(),
        "passwordless_enabled": boolean(),
        "mfa_enabled": boolean(),
        "config": { "type": "object", "properties": {
            "lifespan": duration(),
            "max_submissions": { "type": "integer", "minimum": 1, "maximum": 255 },
            "missing_credential_fallback_enabled": boolean()
        } }
    } }))
}

pub(crate) fn password(generator: &mut SchemaGenerator) -> Schema {
    let hook = closed(json!({
        "url": uri(), "method": { "const": "POST" }, "headers": strings(), "emit_analytics_event": boolean(),
        "auth": crate::hooks::auth_schema(generator), "body": source()
    }));
    schema(switch(closed(json!({
        "haveibeenpwned_host": string(),
        "haveibeenpwned_enabled": boolean(),
        "max_breaches": { "type": "integer", "minimum": 0, "maximum": 100 },
        "ignore_network_errors": boolean(),
        "min_password_length": { "type": "integer", "minimum": 6 },
        "identifier_similarity_check_enabled": boolean(),
        "migrate_hook": switch(hook)
    }))))
}

pub(crate) fn totp(_: &mut SchemaGenerator) -> Schema {
    schema(switch(closed(json!({ "issuer": string() }))))
}

pub(crate) fn lookup_secret(_: &mut SchemaGenerator) -> Schema {
    schema(closed(json!({ "enabled": boolean() })))
}

pub(crate) fn webauthn(_: &mut SchemaGenerator) -> Schema {
    schema(needs_config(switch(closed(json!({
        "passwordless": boolean(),
        "rp": { "type": "object", "required": ["id", "display_name"], "properties": {
            "display_name": string(), "id": string(), "origin": uri(),
            "origins": { "type": "array", "items": uri() }, "icon": uri()
        } }
    })))))
}

pub(crate) fn passkey(_: &mut SchemaGenerator) -> Schema {
    let timeout = json!({ "type": "string", "pattern": "^([1-9][0-9]*(ns|us|ms|s|m|h))+$" });
    schema(needs_config(switch(closed(json!({
        "rp": { "type": "object", "required": ["display_name", "id"], "properties": {
            "display_name": string(), "id": string(), "origins": { "type": "array", "items": string() }
        } },
        "authenticator_selection": closed(json!({
            "attachment": { "type": "string", "enum": ["platform", "cross-platform"] },
            "resident_key": { "type": "string", "enum": ["required", "preferred", "discouraged"] },
            "user_verification": { "type": "string", "enum": ["required", "preferred", "discouraged"] }
        })),
        "attestation": closed(json!({
            "preference": { "type": "string", "enum": ["none", "indirect", "direct", "enterprise"] }
        })),
        "timeouts": closed(json!({ "registration": timeout, "login": timeout }))
    })))))
}

/// Kratos: these two methods cannot be switched on without a `config`.
fn needs_config(mut method: Value) -> Value {
    if let Some(object) = method.as_object_mut() {
        object.insert(
            "if".to_owned(),
            json!({ "properties": { "enabled": { "const": true } }, "required": ["enabled"] }),
        );
        object.insert("then".to_owned(), json!({ "required": ["config"] }));
    }
    method
}

pub(crate) fn courier(generator: &mut SchemaGenerator) -> Schema {
    let email = closed(json!({ "body": closed(json!({ "plaintext": uri(), "html": uri() })), "subject": uri() }));
    let sms = closed(json!({ "body": closed(json!({ "plaintext": uri() })) }));
    let one = |required: bool| {
        let mut value = closed(json!({ "email": email, "sms": sms }));
        if required && let Some(object) = value.as_object_mut() {
            object.insert("required".to_owned(), json!(["email"]));
        }
        value
    };
    let mut invalid = closed(json!({ "email": email }));
    if let Some(object) = invalid.as_object_mut() {
        object.insert("required".to_owned(), json!(["email"]));
    }
    let pair = closed(json!({ "invalid": invalid, "valid": one(true) }));
    let valid_only = closed(json!({ "valid": one(true) }));
    let request = closed(json!({
        "url": { "type": "string", "pattern": "^https?://" },
        "method": string(), "headers": strings(), "body": source(), "auth": crate::hooks::auth_schema(generator)
    }));
    schema(closed(json!({
        "templates": closed(json!({
            "recovery": pair, "recovery_code": pair, "verification": pair, "verification_code": pair,
            "registration_code": valid_only, "login_code": valid_only, "verifiable_address_changed": one(false)
        })),
        "template_override_path": string(),
        "message_retries": { "type": "integer" },
        "worker": { "type": "object", "properties": { "pull_count": { "type": "integer" }, "pull_wait": duration() } },
        "delivery_strategy": { "type": "string", "enum": ["smtp", "http"] },
        "http": closed(json!({ "request_config": request })),
        "smtp": closed(json!({
            "connection_uri": { "type": "string", "pattern": "^smtps?://.*" },
            "client_cert_path": string(), "client_key_path": string(), "from_address": string(), "from_name": string(),
            "headers": strings(), "local_name": string()
        })),
        "channels": { "type": "array", "items": {
            "type": "object", "additionalProperties": false, "required": ["id", "request_config"], "properties": {
                "id": { "type": "string", "enum": ["sms"] }, "type": { "type": "string", "enum": ["http"] }, "request_config": request
            }
        } }
    })))
}

pub(crate) fn hashers(_: &mut SchemaGenerator) -> Schema {
    let memory = json!({ "type": "string", "pattern": "^[0-9]+(B|KB|MB|GB|TB|PB|EB)" });
    schema(closed(json!({
        "algorithm": { "type": "string", "enum": ["argon2", "bcrypt"] },
        "argon2": closed(json!({
            "memory": memory, "dedicated_memory": memory,
            "iterations": { "type": "integer", "minimum": 1 }, "parallelism": { "type": "integer", "minimum": 1 },
            "salt_length": { "type": "integer", "minimum": 16 }, "key_length": { "type": "integer", "minimum": 16 },
            "expected_duration": duration(), "expected_deviation": duration()
        })),
        "bcrypt": {
            "type": "object", "additionalProperties": false, "required": ["cost"],
            "properties": { "cost": { "type": "integer", "minimum": 4, "maximum": 31 } }
        }
    })))
}

pub(crate) fn jaeger(_: &mut SchemaGenerator) -> Schema {
    schema(closed(json!({
        "local_agent_address": string(),
        "sampling": closed(json!({ "server_url": uri(), "trace_id_ratio": { "type": "number" } }))
    })))
}

pub(crate) fn zipkin(_: &mut SchemaGenerator) -> Schema {
    schema(closed(json!({
        "server_url": uri(),
        "sampling": closed(json!({ "sampling_ratio": { "type": "number" } }))
    })))
}

pub(crate) fn preview(_: &mut SchemaGenerator) -> Schema {
    schema(json!({ "type": "object", "properties": {
        "default_read_consistency_level": { "type": "string", "enum": ["strong", "eventual"] }
    } }))
}

pub(crate) fn organizations(_: &mut SchemaGenerator) -> Schema {
    schema(json!({ "type": "array" }))
}

pub(crate) fn enterprise(_: &mut SchemaGenerator) -> Schema {
    schema(closed(json!({ "identity_schema_fallback_url_template": string() })))
}

pub(crate) fn flag_strings(_: &mut SchemaGenerator) -> Schema {
    schema(json!({ "type": "array", "items": string() }))
}

pub(crate) fn flag_boolean(_: &mut SchemaGenerator) -> Schema {
    schema(boolean())
}

pub(crate) fn flag_port(_: &mut SchemaGenerator) -> Schema {
    schema(json!({ "type": "integer", "minimum": 0, "maximum": 65535 }))
}
