//! `selfservice.methods.oidc`: the providers people sign in with.
//!
//! The first half of [`OidcProvider`] are Kratos' keys (v1.3), the second half Bia's own, marked `x-bia` in the schema.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::base_url::BaseUrl;
use crate::microsoft::Microsoft;
use crate::source::Source;

mod values;

pub use values::{
    AccountLinkingMode, ClaimsSource, Pkce, ProviderKind, ProviderLogout, ResponseMode, Roles, SignUp, SubjectSource,
    Tenant, UpdateIdentityOnLogin, is_guid,
};

/// `selfservice.methods.oidc`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OidcMethod {
    /// Offer sign-in with the providers below. Default: false.
    pub enabled: bool,
    /// Callback address and providers.
    pub config: OidcConfig,
}

/// `selfservice.methods.oidc.config`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OidcConfig {
    /// What callback URLs start with. Default: `serve.public.base_url`.
    pub base_redirect_uri: Option<BaseUrl>,
    /// The providers, in the order of their buttons.
    pub providers: Vec<OidcProvider>,
}

/// One provider that people sign in with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// Name in the callback URL and in every stored link, for example `microsoft`. Never change it; see `aliases`. Required.
    pub id: String,
    /// What kind of provider it is. Required.
    pub provider: ProviderKind,
    /// Text of the button. Default: the id.
    #[serde(default)]
    pub label: Option<String>,
    /// Client (application) id of the registration at the provider. Required unless `credentials_from` is set.
    #[serde(default)]
    pub client_id: String,
    /// Client secret: the value, not the id that the portal shows beside it. Required unless one of `client_secret_file`,
    /// `client_secrets`, `credentials_from`, a client certificate or a federated token takes its place.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
    /// Issuer that discovery starts from; `generic` needs it. Example: `https://id.example.com/`.
    #[serde(default)]
    #[schemars(extend("format" = "uri"))]
    pub issuer_url: Option<String>,
    /// Authorization endpoint; read for compatibility, discovery decides.
    #[serde(default)]
    #[schemars(extend("format" = "uri"))]
    pub auth_url: Option<String>,
    /// Token endpoint; read for compatibility, discovery decides.
    #[serde(default)]
    #[schemars(extend("format" = "uri"))]
    pub token_url: Option<String>,
    /// Jsonnet that turns claims into traits: `file://`, `base64://` or `https://`. Required.
    pub mapper_url: Source,
    /// Scopes to ask for besides `openid`, for example `[profile, email]`. Default: none.
    #[serde(default)]
    pub scope: Vec<String>,
    /// Entra tenant: its id, a verified domain, `organizations`, `consumers` or `common`. Required for `microsoft` only.
    #[serde(default)]
    pub microsoft_tenant: Option<String>,
    /// Where the subject of a Microsoft account comes from. Default: `userinfo`.
    #[serde(default)]
    pub subject_source: SubjectSource,
    /// Apple team id. Required for `apple` only.
    #[serde(default)]
    pub apple_team_id: Option<String>,
    /// Apple key id. Required for `apple` only.
    #[serde(default)]
    pub apple_private_key_id: Option<String>,
    /// Apple private key in PEM form. Required for `apple` only.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub apple_private_key: Option<SecretString>,
    /// The OpenID Connect `claims` request parameter, sent as it stands. Default: none.
    #[serde(default)]
    #[schemars(schema_with = "claims_request_schema")]
    pub requested_claims: Option<Value>,
    /// Show this provider only on flows with `?organization=<id>`. Default: none.
    #[serde(default)]
    pub organization_id: Option<String>,
    /// Further audiences that a submitted ID token may name, for example a mobile app's client id. Default: none.
    #[serde(default)]
    pub additional_id_token_audiences: Vec<String>,
    /// Values of the `acr` claim that make a session aal2. Default: none.
    #[serde(default)]
    pub aal2_acr_values: Vec<String>,
    /// Values of the `amr` claim that make a session aal2, for example `[mfa]`. Default: none.
    #[serde(default)]
    pub aal2_amr_values: Vec<String>,
    /// Where `generic` takes claims from. Default: `id_token`.
    #[serde(default)]
    pub claims_source: ClaimsSource,
    /// Proof key for code exchange. Microsoft always uses it; for the others, default: `auto`.
    #[serde(default)]
    pub pkce: Pkce,
    /// Read for compatibility; browsers' FedCM is not offered.
    #[serde(default)]
    #[schemars(extend("format" = "uri"))]
    pub fedcm_config_url: Option<String>,
    /// Read for compatibility; belongs to the netID provider.
    #[serde(default)]
    pub net_id_token_origin_header: Option<String>,
    /// What happens when the address already belongs to an identity. Default: `confirm_with_existing_credential`.
    #[serde(default)]
    pub account_linking_mode: AccountLinkingMode,
    /// Run the mapper at every login and store what changed. Default: `never`.
    #[serde(default)]
    pub update_identity_on_login: UpdateIdentityOnLogin,

    // --- Bia's own ---
    /// `false` hides the button and refuses start and callback; links stay. Default: true.
    #[serde(default = "yes")]
    #[schemars(extend("x-bia" = true))]
    pub enabled: bool,
    /// Older ids whose callbacks and links still work, for example `[azure]`. Default: none.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub aliases: Vec<String>,
    /// Who may register with this provider. Default: `open`.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub sign_up: SignUp,
    /// For `sign_up: allow_list`: the e-mail domains that may register, for example `[contoso.com]`.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub sign_up_domains: Vec<String>,
    /// File with the client secret, re-read when it changes. Example: `/run/secrets/entra`.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub client_secret_file: Option<PathBuf>,
    /// Client secrets tried in order while one is being replaced, newest first.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("x-bia" = true))]
    pub client_secrets: Vec<SecretString>,
    /// Day on which the secret ends, for a warning in time. Example: `2027-03-01`.
    #[serde(default)]
    #[schemars(extend("x-bia" = true, "format" = "date"))]
    pub client_secret_expires_at: Option<String>,
    /// Another provider's id whose client id and secret this one uses: one registration, several connections.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub credentials_from: Option<String>,
    /// Parameters added to every authorization request, for example `{ prompt: select_account, domain_hint: contoso.com }`.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub upstream_parameters: BTreeMap<String, String>,
    /// Names that a client may pass upstream besides Kratos' four, for example `[login_hint]`. Default: none.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub allowed_hints: Vec<String>,
    /// Further public hosts, with an optional port, that have a callback of their own. Default: none.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub callback_hosts: Vec<String>,
    /// Only flows that return to one of these may use the provider. Default: any flow may.
    #[serde(default)]
    #[schemars(extend("x-bia" = true, "items" = { "type": "string", "format": "uri" }))]
    pub return_urls: Vec<String>,
    /// How the provider answers. Default: `query`.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub response_mode: ResponseMode,
    /// Run the mapper when somebody links this provider in settings, too. Default: false.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub map_on_link: bool,
    /// What a logout at the provider, or here, does to the other side.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub logout: ProviderLogout,
    /// How often a stored token is refreshed to end the sessions of people who left, for example `15m`. Default: `off`.
    #[serde(default, with = "crate::duration::or_off")]
    #[schemars(schema_with = "recheck_schema")]
    pub recheck: Option<Duration>,
    /// Gate by app role.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub roles: Roles,
    /// Settings for Microsoft Entra ID.
    #[serde(default)]
    #[schemars(extend("x-bia" = true))]
    pub microsoft: Microsoft,
}

fn yes() -> bool {
    true
}

fn recheck_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = crate::duration::or_off::schema(generator);
    schema.insert("x-bia".to_owned(), Value::Bool(true));
    schema
}

/// OpenID Connect Core, section 5.5.
fn claims_request_schema(_: &mut SchemaGenerator) -> Schema {
    let claim = json_schema!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": { "essential": { "type": "boolean" }, "value": true, "values": { "type": "array" } }
    });
    json_schema!({
        "type": "object",
        "properties": {
            "userinfo": { "type": "object", "additionalProperties": claim },
            "id_token": { "type": "object", "additionalProperties": claim }
        }
    })
}

impl OidcProvider {
    /// Text of the button.
    pub fn label(&self) -> &str {
        self.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&self.id)
    }

    /// Whether this is the provider's id or one of its older ids.
    pub fn answers_to(&self, id: &str) -> bool {
        self.id == id || self.aliases.iter().any(|alias| alias == id)
    }

    /// The secrets written in the configuration, in the order in which they are tried; `client_secret_file` comes before them.
    pub fn client_secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.client_secret.iter().chain(&self.client_secrets)
    }

    /// What `microsoft_tenant` names.
    pub fn tenant(&self) -> Option<Tenant<'_>> {
        self.microsoft_tenant.as_deref().map(Tenant::parse)
    }
}
