//! Signed statements that take the place of a client secret: Entra's certificate assertion (PS256, `x5t#S256`) and
//! Apple's client secret (ES256). Signed with ring.

use crate::error::{ProviderError, Step};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_config::OidcProvider;
use bia_model::{ApiError, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Microsoft advises five to ten minutes.
const LIFESPAN_SECS: i64 = 5 * 60;
const PEM_MAX: u64 = 256 * 1024;

/// A PEM file with certificate and private key; read again when it changes.
pub(crate) struct Certificate {
    file: PathBuf,
    loaded: Mutex<Option<Arc<Loaded>>>,
}

struct Loaded {
    changed: SystemTime,
    bytes: u64,
    thumbprint: String,
    key: RsaKeyPair,
}

impl Certificate {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), loaded: Mutex::default() }
    }

    /// A fresh statement that we are this client, for that token address alone.
    pub(crate) async fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<SecretString, ProviderError> {
        let loaded = self.load(now).await.map_err(|why| {
            let api = ApiError::internal("The sign-in can't be completed because the server is not set up correctly.");
            let detail = format!("the certificate {} could not be used: {why}", self.file.display());
            ProviderError::new(Step::Configuration, api, detail).with_config_key("microsoft.client_certificate.file")
        })?;
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": loaded.thumbprint });
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

    async fn load(&self, now: Timestamp) -> Result<Arc<Loaded>, String> {
        let meta = tokio::fs::metadata(&self.file).await.map_err(|e| e.kind().to_string())?;
        let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(loaded) = known.filter(|l| l.changed == changed && l.bytes == meta.len()) {
            return Ok(loaded);
        }
        if meta.len() > PEM_MAX {
            return Err(format!("it has more than {PEM_MAX} bytes"));
        }
        let pem = tokio::fs::read(&self.file).await.map_err(|e| e.kind().to_string())?;
        let loaded = Arc::new(Loaded::parse(&pem, changed, meta.len(), now)?);
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
        Ok(loaded)
    }
}

impl Loaded {
    fn parse(pem: &[u8], changed: SystemTime, bytes: u64, now: Timestamp) -> Result<Self, String> {
        let certificate =
            CertificateDer::from_pem_slice(pem).map_err(|_| "it holds no CERTIFICATE block".to_owned())?;
        warn_about_validity(&certificate, now);
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            "it holds no plain PRIVATE KEY block (an encrypted one is opened with `openssl pkcs8 -in key.pem -out plain.pem`)".to_owned()
        })?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("its private key is not an RSA key".to_owned()),
        }
        .map_err(|e| format!("its private key is not a usable RSA key ({e})"))?;
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.as_ref()));
        Ok(Self { changed, bytes, thumbprint, key })
    }
}

/// Entra refuses an expired certificate with a number; say it before that in words.
fn warn_about_validity(certificate: &CertificateDer<'_>, now: Timestamp) {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate.as_ref()) else {
        return;
    };
    let left = parsed.validity().not_after.timestamp() - now.secs();
    if left < 0 {
        tracing::warn!("the client certificate has expired");
    } else if left < 30 * 24 * 60 * 60 {
        tracing::warn!(days = left / 86_400, "the client certificate expires soon");
    }
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
