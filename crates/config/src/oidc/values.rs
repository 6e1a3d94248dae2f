//! The values that keys of a provider may have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The five forms of `microsoft_tenant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenant<'a> {
    /// Work, school and personal accounts.
    Common,
    /// Work and school accounts of any tenant.
    Organizations,
    /// Personal accounts.
    Consumers,
    /// One tenant by id.
    Id(&'a str),
    /// One tenant by a verified domain.
    Domain(&'a str),
}

impl<'a> Tenant<'a> {
    /// Reads the key's text; the reserved words count without regard to case, as they do for Entra.
    pub fn parse(text: &'a str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "common" => Self::Common,
            "organizations" => Self::Organizations,
            "consumers" => Self::Consumers,
            _ if is_guid(text) => Self::Id(text),
            _ => Self::Domain(text),
        }
    }
}

/// Whether the text has the shape of a GUID, `8-4-4-4-12` hexadecimal digits.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The kinds of provider that Bia speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Microsoft Entra ID and personal Microsoft accounts.
    Microsoft,
    /// Any OpenID Connect provider with discovery.
    Generic,
    /// Google.
    Google,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Sign in with Apple.
    Apple,
}

impl ProviderKind {
    /// The name as written in `kratos.yml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microsoft => "microsoft",
            Self::Generic => "generic",
            Self::Google => "google",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Apple => "apple",
        }
    }
}

/// Where the subject of a Microsoft account comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectSource {
    /// `sub` of the userinfo answer; differs per application.
    #[default]
    Userinfo,
    /// `id` of Graph's `/me`.
    Me,
    /// The `oid` claim; for personal accounts and guests it differs per tenant.
    Oid,
    /// Tenant and object id together, `<tid>/<oid>`: unique and stable. Bia's own.
    TidOid,
}

/// Where `generic` takes claims from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimsSource {
    /// The ID token alone.
    #[default]
    IdToken,
    /// The userinfo endpoint.
    Userinfo,
}

/// Proof key for code exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pkce {
    /// When the provider's metadata offers S256.
    #[default]
    Auto,
    /// Never.
    Never,
    /// Always, with the callback URL that has no provider id.
    Force,
}

/// What happens when the address already belongs to an identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountLinkingMode {
    /// The person signs in with what they have before the provider is added.
    #[default]
    ConfirmWithExistingCredential,
    /// Linked at once if the address is proven on both sides.
    Automatic,
}

/// Whether a login stores what the mapper says now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpdateIdentityOnLogin {
    /// The identity stays as it was registered.
    #[default]
    Never,
    /// Traits and metadata follow the provider.
    Automatic,
}

/// Who may register with a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Everybody whom the provider lets in.
    #[default]
    Open,
    /// Nobody; known people still sign in, and signed-in people may link.
    Closed,
    /// People with an address in `sign_up_domains`.
    AllowList,
}

/// How the provider hands the code over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the callback's query.
    #[default]
    Query,
    /// In a form that the browser posts.
    FormPost,
}

/// `logout` of a provider.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderLogout {
    /// Let the provider end sessions here by its front-channel logout. Default: true.
    pub front_channel: bool,
    /// Also sign out at the provider when somebody signs out here. Default: false.
    pub upstream: bool,
}

impl Default for ProviderLogout {
    fn default() -> Self {
        Self { front_channel: true, upstream: false }
    }
}

/// `roles` of a provider.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// App roles of which a person needs one, for example `[Staff]`. Default: none needed.
    pub allowed: Vec<String>,
}
