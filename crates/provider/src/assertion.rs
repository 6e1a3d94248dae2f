//! Signed statements that take the place of a client secret: Entra's certificate assertion (PS256, `x5t#S256`) and
//! Apple's client secret (ES256). Signed with ring.

use crate::certificate::Certificate;
use crate::error::{ProviderError, Step};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_config::OidcProvider;
use bia_model::{ApiError, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Microsoft advises five to ten minutes.
const LIFESPAN_SECS: i64 = 5 * 60;

/// A fresh statement that we are this client, for that token address alone.
pub(crate) async fn of_certificate(
    certificate: &Certificate,
    client_id: &str,
    audience: &str,
    now: Timestamp,
) -> Result<SecretString, ProviderError> {
    let loaded = certificate.load(now).await.map_err(|why| {
        let api = ApiError::internal("The sign-in can't be completed because the server is not set up correctly.");
        let detail = format!("the certificate {} could not be used: {why}", certificate.file().display());
        ProviderError::new(Step::Configuration, api, detail).with_config_key("microsoft.client_certificate")
    })?;
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": loaded.info.thumbprint });
    let claims = json!({
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": uuid::Uuid::new_v4().to_string(),
        "nbf": now.secs(),
        "iat": now.secs(),
        "exp": now.secs() + LIFESPAN_SECS,
    });
    let signing_input = unsigned(&header, &claims);
    let mut signature = vec![0; loaded.key.public().modulus_len()];
    loaded
        .key
        .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signing_input.as_bytes(), &mut signature)
        .map_err(|_| failed_to_sign())?;
    Ok(signed(&signing_input, &signature))
}

/// Apple wants a short statement signed with the developer's key where others take a secret.
pub(crate) struct AppleKey {
    team_id: String,
    key_id: String,
    pem: Option<SecretString>,
}

impl AppleKey {
    pub(crate) fn new(config: &OidcProvider) -> Self {
        Self {
            team_id: config.apple_team_id.clone().unwrap_or_default(),
            key_id: config.apple_private_key_id.clone().unwrap_or_default(),
            pem: config.apple_private_key.clone(),
        }
    }

    pub(crate) fn secret(&self, client_id: &str, now: Timestamp) -> Result<SecretString, ProviderError> {
        let bad = |why: &str| {
            let api = ApiError::internal("The sign-in can't be completed because the server is not set up correctly.");
            ProviderError::new(Step::Configuration, api, why.to_owned()).with_config_key("apple_private_key")
        };
        let pem = self.pem.as_ref().ok_or_else(|| bad("apple_private_key is not set"))?;
        let key = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
            .map_err(|_| bad("apple_private_key holds no PRIVATE KEY block in PEM form"))?;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.secret_der(), &random)
            .map_err(|_| bad("apple_private_key is not an ECDSA P-256 key in PKCS#8 form"))?;
        let header = json!({ "alg": "ES256", "kid": self.key_id, "typ": "JWT" });
        let claims = json!({
            "aud": [crate::apple::ISSUER],
            "exp": now.secs() + LIFESPAN_SECS,
            "iat": now.secs(),
            "iss": self.team_id,
            "sub": client_id,
        });
        let signing_input = unsigned(&header, &claims);
        let signature = key.sign(&random, signing_input.as_bytes()).map_err(|_| failed_to_sign())?;
        Ok(signed(&signing_input, signature.as_ref()))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn signed(signing_input: &str, signature: &[u8]) -> SecretString {
    SecretString::from(format!("{signing_input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

fn failed_to_sign() -> ProviderError {
    let api = ApiError::internal("The sign-in can't be completed because of an internal error.");
    ProviderError::new(Step::TokenExchange, api, "the client assertion could not be signed")
}
