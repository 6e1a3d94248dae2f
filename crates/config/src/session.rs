//! `session`: how long people stay signed in, and the session cookie.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cookies::{SameSite, secure_schema, secure_text};
use crate::source::Source;

/// Lifetime, cookie and `/sessions/whoami` rules of sessions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// How long a session lasts, for example `720h`. Default: `24h`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub lifespan: Duration,
    /// How long before its end a session may be extended. Default: the lifespan, so at any time.
    #[serde(with = "crate::duration::option")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub earliest_possible_extend: Option<Duration>,
    /// The session cookie; what it leaves out comes from `cookies`.
    pub cookie: SessionCookie,
    /// Rules of `/sessions/whoami`.
    pub whoami: Whoami,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            lifespan: Duration::from_secs(24 * 3600),
            earliest_possible_extend: None,
            cookie: SessionCookie::default(),
            whoami: Whoami::default(),
        }
    }
}

impl SessionConfig {
    /// The window before the end in which a session may be extended.
    pub fn earliest_possible_extend(&self) -> Duration {
        self.earliest_possible_extend.unwrap_or(self.lifespan)
    }
}

/// `session.cookie`, as written; see [`crate::Config::session_cookie`] for the attributes in effect.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionCookie {
    /// Name of the cookie. Default: `ory_kratos_session`, which the Ory SDKs and Oathkeeper rules expect.
    pub name: String,
    /// Keep the cookie when the browser closes. Default: true.
    pub persistent: bool,
    /// `Domain` attribute. Default: `cookies.domain`.
    pub domain: Option<String>,
    /// `Path` attribute. Default: `cookies.path`.
    pub path: Option<String>,
    /// `Secure` attribute as a text, `"true"` or `"false"`. Default: on, except under `--dev`.
    #[serde(deserialize_with = "secure_text")]
    #[schemars(schema_with = "secure_schema")]
    pub secure: Option<bool>,
    /// `SameSite` attribute. Default: `cookies.same_site`.
    pub same_site: Option<SameSite>,
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self {
            name: "ory_kratos_session".to_owned(),
            persistent: true,
            domain: None,
            path: None,
            secure: None,
            same_site: None,
        }
    }
}

/// `session.whoami`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Whoami {
    /// Assurance a session must have for `/sessions/whoami` to answer 200. Default: `highest_available`.
    pub required_aal: RequiredAal,
    /// Templates for `?tokenize_as=<name>`.
    pub tokenizer: Tokenizer,
}

/// The assurance level that a route asks of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAal {
    /// One factor is enough.
    Aal1,
    /// The most that the identity has set up.
    #[default]
    HighestAvailable,
}

/// `session.whoami.tokenizer`: sessions as signed tokens.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tokenizer {
    /// Templates by name, as used in `?tokenize_as=<name>`.
    pub templates: BTreeMap<String, TokenizerTemplate>,
}

/// One kind of token that a session can be turned into.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct TokenizerTemplate {
    /// Private JSON Web Key Set that signs the token: `file://`, `base64://` or `https://`. Required.
    pub jwks_url: Source,
    /// Lifetime of the token. Default: `1m`.
    #[serde(default = "one_minute", with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub ttl: Duration,
    /// Jsonnet that writes the claims. Default: Kratos' own claims.
    #[serde(default)]
    pub claims_mapper_url: Option<Source>,
    /// What the `sub` claim holds. Default: `id`.
    #[serde(default)]
    pub subject_source: TokenSubject,
}

fn one_minute() -> Duration {
    Duration::from_secs(60)
}

/// The `sub` claim of a tokenised session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSubject {
    /// The identity's id.
    #[default]
    Id,
    /// The identity's `external_id`.
    ExternalId,
}
