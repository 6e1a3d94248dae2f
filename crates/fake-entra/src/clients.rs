//! Registered applications and what they may authenticate with.

use serde::{Deserialize, Serialize};

use crate::jwt;
use crate::tenants::Tenant;

/// Client id of `bia dev`; `serve` refuses it at start and as audience of every token.
pub const RESERVED_CLIENT_ID: &str = "b1a00000-0000-4000-8000-000000000002";
/// Its secret. Public like everything here.
pub const RESERVED_CLIENT_SECRET: &str = "stand-in~Reserved.Client_protects-nothing";
/// The multi-tenant application that tests use.
pub const TEST_CLIENT_ID: &str = "7e57c11e-0000-4000-8000-000000000001";
/// Its valid secret.
pub const TEST_CLIENT_SECRET: &str = "stand-in~Test.Client_0123456789abcdefghij";
/// A secret of it that ended (AADSTS7000222).
pub const TEST_EXPIRED_SECRET: &str = "stand-in~Expired.Secret_0123456789abcdefg";
/// An application for Contoso alone, without group claims.
pub const SINGLE_TENANT_CLIENT_ID: &str = "7e57c11e-0000-4000-8000-000000000002";
/// Its secret.
pub const SINGLE_TENANT_CLIENT_SECRET: &str = "stand-in~Single.Tenant_0123456789abcdefgh";
/// Relying party at the plain providers and the look-alikes.
pub const PLAIN_CLIENT_ID: &str = "plain-client";
/// Its secret.
pub const PLAIN_CLIENT_SECRET: &str = "plain-secret";

/// One application registration.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Client {
    pub id: String,
    pub secrets: Vec<String>,
    pub expired_secrets: Vec<String>,
    pub audience: Audience,
    /// Tokens carry `groups`, `roles` and `wids`.
    pub group_claims: bool,
    #[serde(rename = "certs")]
    pub certificates: Vec<Certificate>,
    pub federated: Vec<FederatedCredential>,
    /// `None`: every loopback or https address with Kratos' callback path.
    pub redirect_uris: Option<Vec<String>>,
    /// Its tokens are signed by the key that only `?appid=` publishes.
    pub custom_signing_key: bool,
    /// Called with `?sid=` when somebody signs out at the stand-in.
    pub front_channel_logout_uri: Option<String>,
    /// What the Apple look-alike checks the client secret against.
    pub apple: Option<AppleKey>,
}

impl Default for Client {
    fn default() -> Self {
        Client {
            id: String::new(),
            secrets: Vec::new(),
            expired_secrets: Vec::new(),
            audience: Audience::Everybody,
            group_claims: true,
            certificates: Vec::new(),
            federated: Vec::new(),
            redirect_uris: None,
            custom_signing_key: false,
            front_channel_logout_uri: None,
            apple: None,
        }
    }
}

impl Client {
    /// A multi-tenant application with one secret.
    pub fn new(id: &str, secret: &str) -> Client {
        Client { id: id.to_owned(), secrets: vec![secret.to_owned()], ..Client::default() }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("id", &self.id).field("audience", &self.audience).finish_non_exhaustive()
    }
}

/// "Supported account types" of the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Work accounts of any tenant and personal ones.
    #[serde(alias = "multi")]
    Everybody,
    /// Work accounts of any tenant.
    Organizations,
    Contoso,
    Fabrikam,
    /// Personal accounts only.
    Consumers,
}

impl Audience {
    /// The tenant of a single-tenant application.
    pub(crate) fn single_tenant(self) -> Option<Tenant> {
        match self {
            Audience::Contoso => Some(Tenant::Contoso),
            Audience::Fabrikam => Some(Tenant::Fabrikam),
            _ => None,
        }
    }

    pub(crate) fn admits(self, tenant: Tenant) -> bool {
        match self {
            Audience::Everybody => true,
            Audience::Organizations => tenant != Tenant::Consumers,
            Audience::Consumers => tenant == Tenant::Consumers,
            Audience::Contoso | Audience::Fabrikam => self.single_tenant() == Some(tenant),
        }
    }
}

/// An RSA public key, big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    pub modulus: Vec<u8>,
    pub exponent: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct RsaJwk {
    n: String,
    e: String,
}

impl Serialize for RsaPublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RsaJwk { n: jwt::encode(&self.modulus), e: jwt::encode(&self.exponent) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RsaPublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk = RsaJwk::deserialize(deserializer)?;
        let part = |text: &str| jwt::decode(text).ok_or_else(|| serde::de::Error::custom("n and e must be base64url"));
        Ok(RsaPublicKey { modulus: part(&jwk.n)?, exponent: part(&jwk.e)? })
    }
}

/// A certificate uploaded to the registration; an assertion names it by one of the thumbprints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of the DER form, base64url: `x5t#S256`.
    #[serde(rename = "x5tS256", default)]
    pub thumbprint_s256: Option<String>,
    /// SHA-1 of the DER form, base64url: `x5t`, as older clients send.
    #[serde(rename = "x5t", default)]
    pub thumbprint_s1: Option<String>,
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(rename = "jwk")]
    pub key: RsaPublicKey,
}

/// The text is not one X.509 certificate with an RSA key.
#[derive(Debug, thiserror::Error)]
#[error("the text is not a PEM certificate with an RSA key")]
pub struct CertificateError;

impl Certificate {
    /// What the portal does with an uploaded `.pem` or `.cer`.
    pub fn from_pem(pem: &str) -> Result<Certificate, CertificateError> {
        use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
        use x509_parser::public_key::PublicKey;
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_| CertificateError)?;
        let certificate = pem.parse_x509().map_err(|_| CertificateError)?;
        let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else {
            return Err(CertificateError);
        };
        let trimmed = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        Ok(Certificate {
            thumbprint_s256: Some(jwt::encode(digest(&SHA256, &pem.contents).as_ref())),
            thumbprint_s1: Some(jwt::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &pem.contents).as_ref())),
            kid: None,
            key: RsaPublicKey { modulus: trimmed(key.modulus), exponent: trimmed(key.exponent) },
        })
    }

    pub(crate) fn is_named_by(&self, header: &jwt::Unverified<'_>) -> bool {
        let names = |member: &str, own: &Option<String>| own.is_some() && header.header_text(member) == own.as_deref();
        names("x5t#S256", &self.thumbprint_s256) || names("x5t", &self.thumbprint_s1) || names("kid", &self.kid)
    }
}

/// Trust in tokens of another issuer (workload identity federation).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FederatedCredential {
    pub issuer: String,
    pub subject: String,
    /// Verified when given; otherwise the token is taken by its claims alone.
    #[serde(default, rename = "jwk")]
    pub key: Option<RsaPublicKey>,
}

/// A "Sign in with Apple" key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppleKey {
    pub team_id: String,
    pub key_id: String,
    /// P-256, 65 bytes, uncompressed.
    pub public_point: Vec<u8>,
}

pub(crate) fn for_tests() -> Vec<Client> {
    vec![
        Client {
            expired_secrets: vec![TEST_EXPIRED_SECRET.to_owned()],
            ..Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET)
        },
        Client {
            audience: Audience::Contoso,
            group_claims: false,
            ..Client::new(SINGLE_TENANT_CLIENT_ID, SINGLE_TENANT_CLIENT_SECRET)
        },
        Client::new(PLAIN_CLIENT_ID, PLAIN_CLIENT_SECRET),
        // Characters that need form-encoding inside the Basic header.
        Client::new("plain client+odd", "s%c:r e+t/&="),
    ]
}

pub(crate) fn for_dev() -> Vec<Client> {
    vec![Client::new(RESERVED_CLIENT_ID, RESERVED_CLIENT_SECRET), Client::new(PLAIN_CLIENT_ID, PLAIN_CLIENT_SECRET)]
}
