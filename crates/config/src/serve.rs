//! `serve`: the two listeners. Mirrors Kratos v1.3's section of the same name.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::base_url::BaseUrl;

/// The public and the admin listener.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    /// The port for browsers and apps. Default: every interface, 4433.
    pub public: ServePublic,
    /// The port for operators; it has no authentication, so never expose it. Default: every interface, 4434.
    pub admin: ServeAdmin,
}

/// `serve.public`: what browsers and apps talk to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServePublic {
    /// The address browsers use, as seen from outside any reverse proxy, for example `https://id.contoso.com/`. Every
    /// generated link and every callback URL starts with it. Default: `https://<host name>:4433/`, with `http` under `--dev`.
    #[schemars(extend("format" = "uri-reference"))]
    pub base_url: Option<BaseUrl>,
    /// Interface to bind, or `unix:<path>` for a unix socket. Default: `0.0.0.0`.
    pub host: String,
    /// TCP port. Default: 4433.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Owner and mode when `host` names a unix socket.
    pub socket: Socket,
    /// Certificate and key for serving TLS without a proxy. Default: plain HTTP.
    pub tls: Tls,
    /// What the request log leaves out.
    pub request_log: RequestLog,
    /// Cross-origin requests from single-page apps. Default: off.
    pub cors: Cors,
}

/// `serve.admin`: what operators and back ends talk to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServeAdmin {
    /// The address back ends use, for example `http://bia.internal:4434/`. Default: `https://<host name>:4434/`.
    pub base_url: Option<BaseUrl>,
    /// Interface to bind, or `unix:<path>`. Default: `0.0.0.0`, as in Kratos; `127.0.0.1` is safer.
    pub host: String,
    /// TCP port. Default: 4434.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Owner and mode when `host` names a unix socket.
    pub socket: Socket,
    /// Certificate and key for serving TLS without a proxy. Default: plain HTTP.
    pub tls: Tls,
    /// What the request log leaves out.
    pub request_log: RequestLog,
}

impl Default for ServePublic {
    fn default() -> Self {
        Self {
            base_url: None,
            host: "0.0.0.0".to_owned(),
            port: 4433,
            socket: Socket::default(),
            tls: Tls::default(),
            request_log: RequestLog::default(),
            cors: Cors::default(),
        }
    }
}

impl Default for ServeAdmin {
    fn default() -> Self {
        Self {
            base_url: None,
            host: "0.0.0.0".to_owned(),
            port: 4434,
            socket: Socket::default(),
            tls: Tls::default(),
            request_log: RequestLog::default(),
        }
    }
}

/// Ownership of a unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Socket {
    /// User that owns the socket. Default: the user that runs Bia.
    pub owner: String,
    /// Group that owns the socket. Default: the group that runs Bia.
    pub group: String,
    /// Permission bits: octal with a leading zero, `0750`, or decimal, 488. Default: 0755, which is 493.
    #[serde(deserialize_with = "mode")]
    #[schemars(schema_with = "mode_schema")]
    pub mode: u32,
}

/// Kratos: its YAML reads `0755` as octal, as YAML 1.1 had it; in YAML 1.2 that is a text.
fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u32),
        Text(String),
    }
    let mode = match Written::deserialize(deserializer)? {
        Written::Number(number) => Some(number),
        Written::Text(text) => match text.strip_prefix("0o").or_else(|| text.strip_prefix('0')) {
            Some(octal) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
            _ => text.parse().ok(),
        },
    };
    let expected = "expected permission bits up to 0777, such as `0750`";
    mode.filter(|mode| *mode <= 0o777).ok_or_else(|| serde::de::Error::custom(expected))
}

fn mode_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["integer", "string"], "minimum": 0, "maximum": 511,
        "pattern": "^(0o?[0-7]{1,3}|[0-9]|[1-9][0-9]{1,2})$",
    })
}

impl Default for Socket {
    fn default() -> Self {
        Self { owner: String::new(), group: String::new(), mode: 0o755 }
    }
}

/// Certificate and key of a listener; both or none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM certificate chain.
    pub cert: TlsSource,
    /// PEM private key.
    pub key: TlsSource,
}

impl Tls {
    /// Whether this listener speaks TLS: certificate and key are both given in the same way.
    pub fn is_enabled(&self) -> bool {
        (self.cert.path.is_some() && self.key.path.is_some())
            || (self.cert.base64.is_some() && self.key.base64.is_some())
    }
}

/// A PEM text, as a file or inline.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSource {
    /// Path of a PEM file, re-read when it changes.
    pub path: Option<String>,
    /// The PEM text in base64. Wins over `path`, as in Kratos.
    #[schemars(with = "Option<String>")]
    pub base64: Option<SecretString>,
}

/// What the request log leaves out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLog {
    /// Leave out `/health/alive` and `/health/ready`. Default: false.
    pub disable_for_health: bool,
}

/// `serve.public.cors`: which web pages of other origins may call the public API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Answer cross-origin requests. Default: false.
    pub enabled: bool,
    /// Origins such as `https://app.contoso.com` or `https://*.contoso.com` (one wildcard each). Default: `*`.
    #[schemars(extend("uniqueItems" = true), extend("items" = { "type": "string", "minLength": 1, "pattern": "^[^*]*\\*?[^*]*$", "format": "cors-origin" }))]
    pub allowed_origins: Vec<String>,
    /// Methods a page may use. Default: POST, GET, PUT, PATCH, DELETE.
    pub allowed_methods: Vec<CorsMethod>,
    /// Request headers a page may send. Default: Authorization, Content-Type, Max-Age, X-Session-Token, X-XSRF-TOKEN, X-CSRF-TOKEN.
    pub allowed_headers: Vec<String>,
    /// Response headers a page may read. Default: Content-Type.
    pub exposed_headers: Vec<String>,
    /// Whether cookies are sent along. Default: true.
    pub allow_credentials: bool,
    /// Hand pre-flight requests on instead of answering them. Default: false.
    pub options_passthrough: bool,
    /// Seconds a browser may keep the pre-flight answer. Default: 0, the browser's own time.
    pub max_age: u64,
    /// Kratos' debug log of CORS decisions. Default: false.
    pub debug: bool,
}

impl Default for Cors {
    fn default() -> Self {
        use CorsMethod::{Delete, Get, Patch, Post, Put};
        Self {
            enabled: false,
            allowed_origins: vec!["*".to_owned()],
            allowed_methods: vec![Post, Get, Put, Patch, Delete],
            allowed_headers: [
                "Authorization",
                "Content-Type",
                "Max-Age",
                "X-Session-Token",
                "X-XSRF-TOKEN",
                "X-CSRF-TOKEN",
            ]
            .map(str::to_owned)
            .to_vec(),
            exposed_headers: vec!["Content-Type".to_owned()],
            allow_credentials: true,
            options_passthrough: false,
            max_age: 0,
            debug: false,
        }
    }
}

/// A method that `serve.public.cors.allowed_methods` may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each is the HTTP method of that name")]
pub enum CorsMethod {
    Post,
    Get,
    Put,
    Patch,
    Delete,
    Connect,
    Head,
    Options,
    Trace,
}

impl CorsMethod {
    /// The method as it stands in a header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
        }
    }
}
