//! Reads `kratos.yml` and the environment into typed, validated settings, and prints their JSON Schema.
//!
//! [`load`] takes files, variables and flags, layers them as Kratos does, and returns either a [`Config`] with
//! warnings and advice, or every error of the load at once. Each error names file, line and column (or the variable
//! and the position inside its JSON), the key, what was expected, and the nearest known key. No error, warning or
//! `Debug` output ever holds a configured value, since any of them may be a secret.
//!
//! What this crate never does: it opens no connection, reads no environment and no clock of its own, and knows no
//! other crate of the workspace. Mappers and identity schemas are only located here ([`Source`]); others read them.
//!
//! The types follow Kratos' keys, one file per top-level section, so code reads `config.selfservice.flows.login.ui_url`.
//! Their doc comments are the user documentation: they become `config/config.schema.json` through [`json_schema`].
//! Other crates use these types directly; there is no second copy of an enum anywhere.
//!
//! Start reading at [`load`](crate::load()) for how a load proceeds, and at [`Config`] for what comes out.
//!
//! ```no_run
//! let loaded = bia_config::load(bia_config::LoadInput {
//!     files: vec!["kratos.yml".into()],
//!     env: std::env::vars().collect(),
//!     ..Default::default()
//! })?;
//! for finding in &loaded.warnings {
//!     eprintln!("{finding}");
//! }
//! println!("{}", loaded.config.public_url());
//! # Ok::<(), bia_config::ConfigErrors>(())
//! ```

mod advice;
mod audit;
mod base_url;
mod bia;
mod clients;
mod config;
mod cookies;
mod database;
mod dsn;
pub mod duration;
mod feature_flags;
mod files;
mod finding;
mod formats;
mod hooks;
mod identity;
mod identity_headers;
mod kratos;
mod load;
mod log;
mod microsoft;
mod oidc;
mod rate_limit;
mod rules;
mod schema;
mod secrets;
mod security;
mod selfservice;
mod serve;
mod session;
mod size;
mod source;
mod tracing;
mod unsupported;
mod validate;

pub use advice::is_placeholder;
pub use audit::Audit;
pub use base_url::{BaseUrl, BaseUrlError};
pub use bia::{Bia, Capture, MapperLimits, Network, Theme, Ui};
pub use clients::{Clients, HttpClient, WebHookClient};
pub use config::{Config, CookieAttributes};
pub use cookies::{Cookies, SameSite};
pub use database::{Cleanup, CleanupSleep, Database};
pub use dsn::{Dsn, DsnError, PoolSettings};
pub use feature_flags::{FeatureFlags, NodeGroup};
pub use files::{NamedText, TextKind};
pub use finding::{ConfigErrors, Finding, KeyPath, Location, Severity};
pub use hooks::{ApiKeyLocation, Hook, WebHookAuth, WebHookConfig, WebHookResponse};
pub use identity::{IdentityConfig, IdentitySchema};
pub use identity_headers::{HeaderPart, HeaderTemplate};
pub use kratos::for_kratos;
pub use load::{LoadInput, Loaded, load, load_text};
pub use log::{Log, LogFormat, LogLevel};
pub use microsoft::{
    Access, ClientCertificate, Cloud, EmailVerifiedFrom, GroupFormat, Groups, HttpUrl, Microsoft, OnGroupsError,
    OnOverage, SubjectMigration,
};
pub use oidc::{
    AccountLinkingMode, ClaimsSource, OidcConfig, OidcMethod, OidcProvider, Pkce, ProviderKind, ProviderLogout,
    ResponseMode, Roles, SignUp, SubjectSource, Tenant, UpdateIdentityOnLogin, is_guid,
};
pub use rate_limit::{RateLimit, RateLimits};
pub use schema::json_schema;
pub use secrecy::{ExposeSecret, SecretString};
pub use secrets::{CipherAlgorithm, Ciphers, Secrets};
pub use security::{AccountEnumeration, OAuth2Provider, Security};
pub use selfservice::{
    AfterMethod, Before, ErrorFlowConfig, Flows, LoginAfter, LoginFlowConfig, LoginStyle, LogoutFlowConfig,
    MailStrategy, Methods, ProfileMethod, RecoveryFlowConfig, RegistrationAfter, RegistrationFlowConfig,
    RegistrationStyle, ReturnOnly, Selfservice, SettingsAfter, SettingsFlowConfig, VerificationAfter,
    VerificationFlowConfig,
};
pub use serve::{Cors, CorsMethod, RequestLog, Serve, ServeAdmin, ServePublic, Socket, Tls, TlsSource};
pub use session::{RequiredAal, SessionConfig, SessionCookie, TokenSubject, Tokenizer, TokenizerTemplate, Whoami};
pub use source::{Base64Error, Source};
pub use tracing::{Otlp, Sampling, Tracing, TracingProvider, TracingProviders};
pub use unsupported::{Ignored, SmtpClient};
