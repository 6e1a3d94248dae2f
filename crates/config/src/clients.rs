//! `clients`: what Bia's own outgoing requests may do.

use schemars::JsonSchema;
use serde::Deserialize;

/// Outgoing HTTP and web hooks.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Clients {
    /// Rules for mapper, schema, discovery, token, userinfo and web-hook requests.
    pub http: HttpClient,
    /// Rules for web hooks.
    pub web_hook: WebHookClient,
    /// Kratos' mail client; Bia sends no mail.
    pub smtp: crate::unsupported::SmtpClient,
}

/// `clients.http`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpClient {
    /// Refuse to call private and link-local addresses. Turn it on when people outside can influence a URL. Default: false.
    pub disallow_private_ip_ranges: bool,
    /// URLs that may be called nevertheless, for example `http://mapper.internal/microsoft.jsonnet`. Default: none.
    #[schemars(extend("items" = { "type": "string", "format": "uri-reference" }))]
    pub private_ip_exception_urls: Vec<String>,
}

/// `clients.web_hook`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WebHookClient {
    /// Request headers that a web hook's template sees as `ctx.request_headers`. Default: Kratos' list, without Cookie and Authorization.
    pub header_allowlist: Vec<String>,
}

impl Default for WebHookClient {
    fn default() -> Self {
        Self {
            header_allowlist: [
                "Accept",
                "Accept-Encoding",
                "Accept-Language",
                "Content-Length",
                "Content-Type",
                "Origin",
                "Priority",
                "Referer",
                "Sec-Ch-Ua",
                "Sec-Ch-Ua-Mobile",
                "Sec-Ch-Ua-Platform",
                "Sec-Fetch-Dest",
                "Sec-Fetch-Mode",
                "Sec-Fetch-Site",
                "Sec-Fetch-User",
                "True-Client-Ip",
                "User-Agent",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }
}
