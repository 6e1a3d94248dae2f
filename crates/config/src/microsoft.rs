//! `microsoft:` under a provider: what only Microsoft Entra ID has. Kratos knows none of these keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::oidc::SubjectSource;

/// Entra settings of one provider.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Microsoft {
    /// Which cloud the tenant lives in. Default: `global`.
    pub cloud: Cloud,
    /// Sign-in host instead of the cloud's, for example `https://login.microsoftonline.com`.
    #[schemars(extend("format" = "http-url"))]
    pub authority_host: Option<HttpUrl>,
    /// Graph host instead of the cloud's, for example `https://graph.microsoft.com`.
    #[schemars(extend("format" = "http-url"))]
    pub graph_host: Option<HttpUrl>,
    /// Tenants that may sign in, as ids or verified domains. Default: all that `microsoft_tenant` admits.
    pub allowed_tenants: Vec<String>,
    /// Personal Microsoft accounts: `allow` or `deny`. Default: `allow`.
    pub personal_accounts: Access,
    /// Guests of a tenant: `allow` or `deny`. Default: `allow`.
    pub guests: Access,
    /// What proves an e-mail address. Default: `none`, as in Kratos: nothing does.
    pub email_verified_from: EmailVerifiedFrom,
    /// For `email_verified_from: tenant`: the domains that each tenant vouches for,
    /// for example `{ 8eaef023-2b34-4da1-9baa-8bc8c9d6a490: [contoso.com] }`.
    pub trusted_domains: BTreeMap<String, Vec<String>>,
    /// Sign the client assertion with a certificate instead of sending a secret.
    pub client_certificate: Option<ClientCertificate>,
    /// Token file of a workload identity (`AZURE_FEDERATED_TOKEN_FILE`), used instead of a secret and read at each sign-in.
    pub federated_token_file: Option<PathBuf>,
    /// The app has its own signing key, so ask metadata and keys with `?appid=`. Default: false.
    pub custom_signing_key: bool,
    /// Reading groups from Graph when the token has too many.
    pub groups: Option<Groups>,
    /// Graph profile fields for the mapper as `claims.graph.<field>`, for example `[jobTitle, department]`. Default: none.
    pub profile: Vec<String>,
    /// Domains whose people are sent here by home-realm discovery, for example `[contoso.com]`. Default: none.
    pub home_realm_domains: Vec<String>,
    /// Show the button although home-realm discovery would find this provider. Default: false.
    pub always_show_button: bool,
    /// Authentication context (`acrs`) that makes a session aal2, for example `c1`. Default: none.
    pub step_up_context: Option<String>,
    /// Find links made under an older `subject_source` and rewrite them once.
    pub subject_migration: Option<SubjectMigration>,
}

impl Microsoft {
    /// The sign-in host in effect, without a closing slash.
    pub fn authority_host(&self) -> &str {
        self.authority_host.as_ref().map_or(self.cloud.authority_host(), |url| url.as_str().trim_end_matches('/'))
    }

    /// The Graph host in effect, without a closing slash.
    pub fn graph_host(&self) -> &str {
        self.graph_host.as_ref().map_or(self.cloud.graph_host(), |url| url.as_str().trim_end_matches('/'))
    }
}

/// An absolute http or https URL, kept as written.
pub type HttpUrl = crate::base_url::BaseUrl;

/// Microsoft's national clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// The commercial cloud.
    #[default]
    Global,
    /// US Government (GCC High).
    Usgov,
    /// US Department of Defense.
    UsgovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The host people sign in at.
    pub fn authority_host(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::Usgov | Self::UsgovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// The host of Microsoft Graph.
    pub fn graph_host(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::Usgov => "https://graph.microsoft.us",
            Self::UsgovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}

/// Whether a kind of account may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// They may.
    #[default]
    Allow,
    /// They are refused.
    Deny,
}

/// What proves an e-mail address that Entra sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmailVerifiedFrom {
    /// Nothing, as in Kratos.
    #[default]
    None,
    /// The optional claim `xms_edov`.
    XmsEdov,
    /// Membership of a tenant listed under `trusted_domains`.
    Tenant,
}

/// A certificate registered with the app.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// PEM file with certificate and private key. Required.
    pub file: PathBuf,
    /// File with the password of the key. Default: the key has none.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// `microsoft.groups`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Groups {
    /// What to do when the token has too many groups to carry. Default: `graph`.
    pub on_overage: OnOverage,
    /// What to do when Graph does not answer. Default: `refuse`.
    pub on_error: OnGroupsError,
    /// Ids or display names. Default: `id`.
    pub format: GroupFormat,
    /// Also groups that contain the person's groups. Default: true.
    pub nested: bool,
    /// Most groups kept. Default: 2000.
    #[schemars(range(min = 1, max = 100_000))]
    pub max: u32,
    /// Groups that matter, kept before the limit counts. Default: all.
    pub allowed: Vec<String>,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            on_overage: OnOverage::Graph,
            on_error: OnGroupsError::Refuse,
            format: GroupFormat::Id,
            nested: true,
            max: 2000,
            allowed: Vec::new(),
        }
    }
}

/// What to do when a token says that there are more groups than it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOverage {
    /// Read them from Graph.
    #[default]
    Graph,
    /// Refuse the sign-in.
    Refuse,
    /// Go on without groups, and tell the mapper.
    Flag,
}

/// What to do when Graph does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnGroupsError {
    /// Refuse the sign-in.
    #[default]
    Refuse,
    /// Go on without groups, and tell the mapper.
    Flag,
}

/// How a group is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupFormat {
    /// Its object id, which never changes.
    #[default]
    Id,
    /// Its display name.
    Name,
}

/// `microsoft.subject_migration`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectMigration {
    /// The `subject_source` that the old links were made with. Required.
    pub from: SubjectSource,
}
