//! Hooks: what runs before and after a flow.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::source::{Source, or_bare_path};

/// One entry of a `hooks` list: `{ hook: <name>, config: {…} }`.
///
/// The names are Kratos' own, and those of hooks that were compiled in ([`Hook::Other`]); `load` refuses the rest.
#[derive(Clone)]
pub enum Hook {
    /// `session`: sign the person in after a registration.
    Session,
    /// `revoke_active_sessions`: end the identity's other sessions.
    RevokeActiveSessions,
    /// `require_verified_address`: refuse a login without a verified address.
    RequireVerifiedAddress,
    /// `verification`: Kratos sends a code; Bia sends no mail and only warns.
    Verification,
    /// `show_verification_ui`: Kratos leads to the verification page; here it does nothing.
    ShowVerificationUi,
    /// `web_hook`: call a URL, and perhaps obey its answer.
    WebHook(Box<WebHookConfig>),
    /// `b2b_sso` or `organization`: accepted and ignored, as in Kratos' open-source edition.
    Organization {
        /// The name as written.
        name: String,
    },
    /// `verify_new_address`: sends mail in Kratos; here it does nothing.
    VerifyNewAddress,
    /// `notify_previous_addresses`: sends mail in Kratos; here it does nothing.
    NotifyPreviousAddresses,
    /// A hook that a third party compiled in.
    Other {
        /// The name it registered.
        name: String,
        /// Its `config`, for the hook itself to read. Never printed.
        config: Value,
    },
}

impl Hook {
    /// The name under `hook`.
    pub fn name(&self) -> &str {
        match self {
            Self::Session => "session",
            Self::RevokeActiveSessions => "revoke_active_sessions",
            Self::RequireVerifiedAddress => "require_verified_address",
            Self::Verification => "verification",
            Self::ShowVerificationUi => "show_verification_ui",
            Self::WebHook(_) => "web_hook",
            Self::VerifyNewAddress => "verify_new_address",
            Self::NotifyPreviousAddresses => "notify_previous_addresses",
            Self::Organization { name } | Self::Other { name, .. } => name,
        }
    }
}

/// Prints the name alone: a hook's configuration may hold keys.
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hook({})", self.name())
    }
}

impl<'de> Deserialize<'de> for Hook {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Entry {
            hook: String,
            #[serde(default)]
            config: Value,
        }
        let Entry { hook, config } = Entry::deserialize(deserializer)?;
        Ok(match hook.as_str() {
            "session" => Self::Session,
            "revoke_active_sessions" => Self::RevokeActiveSessions,
            "require_verified_address" => Self::RequireVerifiedAddress,
            "verification" => Self::Verification,
            "show_verification_ui" => Self::ShowVerificationUi,
            "web_hook" => Self::WebHook(serde_json::from_value(config).map_err(|_| {
                // The inner error may quote a value, so it stays unsaid; validation named the key before.
                serde::de::Error::custom("the `config` of this web_hook cannot be read")
            })?),
            "b2b_sso" | "organization" => Self::Organization { name: hook },
            "verify_new_address" => Self::VerifyNewAddress,
            "notify_previous_addresses" => Self::NotifyPreviousAddresses,
            _ => Self::Other { name: hook, config },
        })
    }
}

impl JsonSchema for Hook {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hook".into()
    }

    /// Which names are allowed at which place is a table in `rules/hooks.rs`, since binaries may add names.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let web_hook = generator.subschema_for::<WebHookConfig>();
        json_schema!({
            "type": "object",
            "required": ["hook"],
            "properties": {
                "hook": {
                    "type": "string",
                    "description": "Name of the hook: a built-in one, or one that was compiled into this binary.",
                    "examples": ["session", "web_hook", "revoke_active_sessions", "require_verified_address", "show_verification_ui"]
                },
                "config": { "type": "object", "description": "Settings of the hook." }
            },
            "if": { "properties": { "hook": { "const": "web_hook" } }, "required": ["hook"] },
            "then": { "required": ["config"], "properties": { "config": web_hook } }
        })
    }
}

/// `config` of a `web_hook`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebHookConfig {
    /// Label for logs and traces. Default: none.
    #[serde(default)]
    pub id: Option<String>,
    /// What is done with the answer. Default: only its status counts.
    #[serde(default)]
    pub response: WebHookResponse,
    /// Where the request goes, for example `https://hooks.contoso.com/after-login`. Required.
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    /// HTTP method; `TRACE` sends no body. Required.
    pub method: String,
    /// Further request headers. Never printed.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, SecretString>,
    /// Jsonnet function of `ctx` that writes the body: `file://`, `base64://`, `https://`, or a bare path as in old files.
    #[serde(default, deserialize_with = "or_bare_path")]
    #[schemars(with = "Option<String>")]
    pub body: Option<Source>,
    /// Older form of `response.parse` that only reads refusals. Default: false.
    #[serde(default)]
    pub can_interrupt: bool,
    /// Send `Ory-Webhook-Request-ID` and `Ory-Webhook-Trigger-ID`. Default: true.
    #[serde(default = "yes")]
    pub emit_analytics_event: bool,
    /// How the request authenticates. Default: not at all.
    #[serde(default)]
    #[schemars(schema_with = "auth_schema")]
    pub auth: Option<WebHookAuth>,
}

fn yes() -> bool {
    true
}

/// What is done with a web hook's answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebHookResponse {
    /// Send in the background and never wait. Excludes `parse` and `can_interrupt`. Default: false.
    pub ignore: bool,
    /// Let the answer change the identity or refuse the flow. Default: false.
    pub parse: bool,
}

/// How a web hook authenticates.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", content = "config", rename_all = "snake_case", deny_unknown_fields)]
pub enum WebHookAuth {
    /// `Authorization: Basic`.
    BasicAuth {
        /// User name.
        user: String,
        /// Password.
        password: SecretString,
    },
    /// A fixed value in a header or cookie.
    ApiKey {
        /// Name of the header or cookie.
        name: String,
        /// The key.
        value: SecretString,
        /// Where it goes.
        #[serde(rename = "in")]
        location: ApiKeyLocation,
    },
}

/// Where an API key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyLocation {
    /// A request header.
    Header,
    /// A cookie.
    Cookie,
}

/// One flat shape instead of `oneOf`, so that an error names the key at fault; `rules/hooks.rs` checks what belongs to which type.
pub(crate) fn auth_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "required": ["type", "config"],
        "properties": {
            "type": { "type": "string", "enum": ["basic_auth", "api_key"] },
            "config": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "user": { "type": "string" },
                    "password": { "type": "string" },
                    "name": { "type": "string" },
                    "value": { "type": "string" },
                    "in": { "type": "string", "enum": ["header", "cookie"] }
                }
            }
        }
    })
}
