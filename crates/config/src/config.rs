//! The root of `kratos.yml`, and the questions other crates ask of it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::base_url::BaseUrl;
use crate::bia::Bia;
use crate::clients::Clients;
use crate::cookies::{Cookies, SameSite};
use crate::database::Database;
use crate::dsn::Dsn;
use crate::feature_flags::FeatureFlags;
use crate::identity::IdentityConfig;
use crate::log::Log;
use crate::oidc::OidcProvider;
use crate::secrets::{Ciphers, Secrets};
use crate::security::{OAuth2Provider, Security};
use crate::selfservice::Selfservice;
use crate::serve::Serve;
use crate::session::SessionConfig;
use crate::tracing::Tracing;
use crate::unsupported::{self, Ignored};

/// A whole configuration. Field names are the keys of `kratos.yml`; its `Debug` shows no secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Flows, return addresses and providers. Required.
    pub selfservice: Selfservice,
    /// Where data is kept, for example `sqlite:///var/lib/bia/bia.sqlite` or `postgres://…`. Required; usually from `DSN`.
    pub dsn: Dsn,
    /// Identity schemas. Required.
    pub identity: IdentityConfig,
    /// Listeners.
    #[serde(default)]
    pub serve: Serve,
    /// Lifetime and cookie of sessions.
    #[serde(default)]
    pub session: SessionConfig,
    /// Attributes of the other cookies.
    #[serde(default)]
    pub cookies: Cookies,
    /// Keys that sign and seal.
    #[serde(default)]
    pub secrets: Secrets,
    /// How upstream tokens are stored.
    #[serde(default)]
    pub ciphers: Ciphers,
    /// Outgoing requests.
    #[serde(default)]
    pub clients: Clients,
    /// Old and new behaviour.
    #[serde(default)]
    pub feature_flags: FeatureFlags,
    /// The structured log.
    #[serde(default)]
    pub log: Log,
    /// OpenTelemetry traces, in builds with the feature `otel`. Default: none.
    #[serde(default)]
    pub tracing: Tracing,
    /// Hardening.
    #[serde(default)]
    pub security: Security,
    /// Ory Hydra.
    #[serde(default)]
    pub oauth2_provider: OAuth2Provider,
    /// Housekeeping.
    #[serde(default)]
    pub database: Database,
    /// Version of the configuration format, `v1.3.0`. It has no effect. Default: none.
    #[serde(default)]
    #[schemars(extend("pattern" = VERSION_PATTERN))]
    pub version: Option<String>,
    /// Development mode, the same as `--dev`: cookies without `Secure`, plain HTTP. Default: false.
    #[serde(default)]
    pub dev: bool,
    /// A name for this revision of the file. Default: none.
    #[serde(default)]
    pub revision: Option<String>,
    /// Bia's own settings.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub bia: Bia,

    // --- Kratos' keys that have no effect here ---
    /// Kratos' mail; Bia sends none.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::courier")]
    pub courier: Option<Ignored>,
    /// Kratos' password hashing; there are no passwords.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::hashers")]
    pub hashers: Option<Ignored>,
    /// CockroachDB only.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::preview")]
    pub preview: Option<Ignored>,
    /// Kratos' paid edition.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::organizations")]
    pub organizations: Option<Ignored>,
    /// Kratos' paid edition.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::enterprise")]
    pub enterprise: Option<Ignored>,
    /// Mirror of a flag. Bia sends no telemetry in the first place.
    #[serde(default, rename = "sqa-opt-out")]
    #[schemars(schema_with = "unsupported::flag_boolean")]
    pub sqa_opt_out: Option<Ignored>,
    /// Mirror of a flag; there is no courier.
    #[serde(default, rename = "watch-courier")]
    #[schemars(schema_with = "unsupported::flag_boolean")]
    pub watch_courier: Option<Ignored>,
    /// Mirror of a flag of the courier; there is no courier.
    #[serde(default, rename = "expose-metrics-port")]
    #[schemars(schema_with = "unsupported::flag_port")]
    pub expose_metrics_port: Option<Ignored>,
    /// Mirror of a flag.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::flag_strings")]
    pub config: Option<Ignored>,
    /// Mirror of a flag.
    #[serde(default)]
    #[schemars(schema_with = "unsupported::flag_boolean")]
    pub help: Option<Ignored>,
}

/// `v1.2.3` in the manner of semantic versions, or nothing.
const VERSION_PATTERN: &str = r"^(v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?)?$";

/// A cookie's attributes in effect, after all fallbacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieAttributes<'a> {
    /// `Domain`, or none when empty.
    pub domain: &'a str,
    /// `Path`.
    pub path: &'a str,
    /// `Secure`.
    pub secure: bool,
    /// `SameSite`.
    pub same_site: SameSite,
}

impl Config {
    /// The external address of the public port; `load` fills in Kratos' default, so that it is always there.
    pub fn public_url(&self) -> &BaseUrl {
        self.serve.public.base_url.as_ref().unwrap_or_else(|| fallback_url())
    }

    /// The external address of the admin port.
    pub fn admin_url(&self) -> &BaseUrl {
        self.serve.admin.base_url.as_ref().unwrap_or_else(|| fallback_url())
    }

    /// What callback URLs start with: `methods.oidc.config.base_redirect_uri`, else the public address.
    pub fn redirect_base(&self) -> &BaseUrl {
        self.selfservice.methods.oidc.config.base_redirect_uri.as_ref().unwrap_or_else(|| self.public_url())
    }

    /// All configured providers, in the order of their buttons.
    pub fn providers(&self) -> &[OidcProvider] {
        &self.selfservice.methods.oidc.config.providers
    }

    /// The provider with exactly this id, whether enabled or not.
    pub fn provider(&self, id: &str) -> Option<&OidcProvider> {
        // Kratos: of two providers with one id, the first wins.
        self.providers().iter().find(|provider| provider.id == id)
    }

    /// The provider with this id, else the one that has it as an older id, as callbacks and stored links need it.
    pub fn provider_by_id_or_alias(&self, id: &str) -> Option<&OidcProvider> {
        self.provider(id).or_else(|| self.providers().iter().find(|provider| provider.answers_to(id)))
    }

    /// The provider whose client id and secret this one uses: itself, or the one under `credentials_from`.
    pub fn credentials_of<'a>(&'a self, provider: &'a OidcProvider) -> &'a OidcProvider {
        provider.credentials_from.as_deref().and_then(|id| self.provider(id)).unwrap_or(provider)
    }

    /// Attributes of the CSRF and continuity cookies.
    pub fn cookie(&self) -> CookieAttributes<'_> {
        CookieAttributes {
            domain: &self.cookies.domain,
            path: &self.cookies.path,
            secure: self.cookies.secure.unwrap_or(!self.dev),
            same_site: self.cookies.same_site,
        }
    }

    /// Attributes of the session cookie.
    pub fn session_cookie(&self) -> CookieAttributes<'_> {
        let own = &self.session.cookie;
        CookieAttributes {
            domain: own.domain.as_deref().unwrap_or(&self.cookies.domain),
            path: own.path.as_deref().unwrap_or(&self.cookies.path),
            // Kratos: does not fall back to `cookies.secure`.
            secure: own.secure.unwrap_or(!self.dev),
            same_site: own.same_site.unwrap_or(self.cookies.same_site),
        }
    }

    /// Where a browser goes after a login with a provider: the method's own, the flow's, the global address.
    pub fn login_return_url(&self) -> &str {
        let after = &self.selfservice.flows.login.after;
        self.return_url([&after.oidc.default_browser_return_url, &after.default_browser_return_url])
    }

    /// The same after a registration with a provider.
    pub fn registration_return_url(&self) -> &str {
        let after = &self.selfservice.flows.registration.after;
        self.return_url([&after.oidc.default_browser_return_url, &after.default_browser_return_url])
    }

    /// Where a browser goes after settings changed, if anything is configured; otherwise it stays on the settings page.
    pub fn settings_return_url(&self, method: &str) -> Option<&str> {
        let after = &self.selfservice.flows.settings.after;
        let own = match method {
            "oidc" => after.oidc.default_browser_return_url.as_deref(),
            "profile" => after.profile.default_browser_return_url.as_deref(),
            _ => None,
        };
        own.or(after.default_browser_return_url.as_deref())
    }

    /// Where a browser goes after signing out.
    pub fn logout_return_url(&self) -> &str {
        self.return_url([&self.selfservice.flows.logout.after.default_browser_return_url])
    }

    fn return_url<'a, const N: usize>(&'a self, candidates: [&'a Option<String>; N]) -> &'a str {
        candidates.into_iter().flatten().next().unwrap_or(&self.selfservice.default_browser_return_url)
    }
}

/// Only a configuration that was not made by `load` can end here.
fn fallback_url() -> &'static BaseUrl {
    static FALLBACK: std::sync::OnceLock<BaseUrl> = std::sync::OnceLock::new();
    FALLBACK.get_or_init(|| BaseUrl::of_host("https", "localhost", 4433))
}
