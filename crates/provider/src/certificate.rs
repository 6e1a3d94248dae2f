//! `microsoft.client_certificate`: a certificate with its RSA key from a PEM file, plain or encrypted, or from a
//! PKCS#12 file (feature `pfx`). Read again when the file changes; what was read before goes on until the new content can be
//! used, so that a renewal that is half written refuses nobody.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_config::ClientCertificate;
use bia_model::Timestamp;
use bia_outbound::Stamp;
use ring::signature::RsaKeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

const FILE_MAX: u64 = 256 * 1024;
const ENCRYPTED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// What the certificate of a provider entry is, for `doctor` and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// SHA-256 of the DER form, base64url: what the assertion's header names.
    pub thumbprint: String,
    /// SHA-1 of the DER form in upper-case hexadecimal, as the Entra portal lists it.
    pub portal_thumbprint: String,
    /// When it ends, in seconds since 1970.
    pub not_after: i64,
}

/// Reads a configured certificate as a sign-in would, and says what it is.
///
/// # Errors
/// Why it can't be used, without the path and without anything of the key.
pub async fn inspect_certificate(config: &ClientCertificate) -> Result<CertificateInfo, String> {
    Ok(read(config).await?.info)
}

/// The file, and what was last read from it.
pub(crate) struct Certificate {
    config: ClientCertificate,
    loaded: Mutex<Option<Arc<Loaded>>>,
}

/// Certificate and key, ready to sign.
pub(crate) struct Loaded {
    stamp: Stamp,
    /// `false` when it was so young at the reading that it may have been written again without another stamp.
    settled: bool,
    pub(crate) info: CertificateInfo,
    pub(crate) key: RsaKeyPair,
}

impl Certificate {
    pub(crate) fn new(config: &ClientCertificate) -> Self {
        Self { config: config.clone(), loaded: Mutex::default() }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.config.file
    }

    pub(crate) async fn load(&self, now: Timestamp) -> Result<Arc<Loaded>, String> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let looked_at = tokio::fs::metadata(&self.config.file).await.map(|meta| Stamp::of(&meta));
        if let (Some(known), Ok(stamp)) = (&known, looked_at)
            && known.settled
            && known.stamp == stamp
        {
            return Ok(known.clone());
        }
        let loaded = match (read(&self.config).await, known) {
            (Ok(loaded), _) => Arc::new(loaded),
            (Err(why), Some(known)) => {
                let file = self.config.file.display();
                tracing::warn!(%file, why, "the client certificate changed and can't be used; the one before goes on");
                return Ok(known);
            }
            (Err(why), None) => return Err(why),
        };
        warn_about_validity(loaded.info.not_after, now);
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
        Ok(loaded)
    }
}

async fn read(config: &ClientCertificate) -> Result<Loaded, String> {
    let meta = tokio::fs::metadata(&config.file).await.map_err(|e| e.to_string())?;
    if meta.len() > FILE_MAX {
        return Err(format!("it has more than {FILE_MAX} bytes"));
    }
    let content = SecretSlice::from(tokio::fs::read(&config.file).await.map_err(|e| e.to_string())?);
    let password = match &config.password_file {
        Some(path) => Some(password(path).await?),
        None => None,
    };
    let stamp = Stamp::of(&meta);
    let settled = stamp.is_settled(SystemTime::now());
    // A key derivation is meant to be slow: it must not hold up those who sign in elsewhere.
    let parsed = tokio::task::spawn_blocking(move || parse(content.expose_secret(), password.as_ref()));
    let (certificate, key) = parsed.await.map_err(|_| "reading it was interrupted".to_owned())??;
    Ok(Loaded { stamp, settled, info: info(&certificate, &key)?, key })
}

/// Only the line end is no part of a password.
async fn password(path: &Path) -> Result<SecretString, String> {
    let failed = |why: String| format!("its password file {} could not be used: {why}", path.display());
    let meta = tokio::fs::metadata(path).await.map_err(|e| failed(e.to_string()))?;
    if meta.len() > FILE_MAX {
        return Err(failed(format!("it has more than {FILE_MAX} bytes")));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(|e| failed(e.to_string()))?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn parse(content: &[u8], password: Option<&SecretString>) -> Result<(CertificateDer<'static>, RsaKeyPair), String> {
    // A PKCS#12 file is DER: it begins with a SEQUENCE, which no PEM file does.
    if content.first() == Some(&0x30) {
        return pkcs12(content, password);
    }
    let certificate =
        CertificateDer::from_pem_slice(content).map_err(|_| "it holds no CERTIFICATE block".to_owned())?;
    let text = String::from_utf8_lossy(content);
    let key = match encrypted_block(&text) {
        Some(block) => decrypt(block, password)?,
        None => plain_key(content)?,
    };
    Ok((certificate, key))
}

fn encrypted_block(text: &str) -> Option<&str> {
    let start = text.find(ENCRYPTED_BEGIN)?;
    let length = text[start..].find(ENCRYPTED_END)? + ENCRYPTED_END.len();
    Some(&text[start..start + length])
}

fn decrypt(block: &str, password: Option<&SecretString>) -> Result<RsaKeyPair, String> {
    let password = password
        .ok_or("its private key is encrypted: name the file with the password in client_certificate.password_file")?;
    // Files written on Windows have other line ends than the decoder takes.
    let block = block.replace('\r', "");
    let (_, document) =
        pkcs8::SecretDocument::from_pem(&block).map_err(|_| "its ENCRYPTED PRIVATE KEY block is damaged".to_owned())?;
    let encrypted = pkcs8::EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| {
        "its private key is encrypted in an old way; `openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem` writes the one in use"
            .to_owned()
    })?;
    let key = encrypted.decrypt(password.expose_secret()).map_err(|_| {
        "its private key could not be decrypted: the password does not fit, or the cipher is not one of PBES2 with AES \
         (`openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem` writes that)"
            .to_owned()
    })?;
    RsaKeyPair::from_pkcs8(key.as_bytes()).map_err(|e| format!("its private key is not a usable RSA key ({e})"))
}

fn plain_key(pem: &[u8]) -> Result<RsaKeyPair, String> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        "it holds no PRIVATE KEY block that can be read (one with `Proc-Type: 4,ENCRYPTED` is brought into today's form by \
         `openssl pkcs8 -topk8 -in key.pem`)"
            .to_owned()
    })?;
    match &key {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err("its private key is not an RSA key, and Entra takes no other".to_owned()),
    }
    .map_err(|e| format!("its private key is not a usable RSA key ({e})"))
}

#[cfg(feature = "pfx")]
fn pkcs12(content: &[u8], password: Option<&SecretString>) -> Result<(CertificateDer<'static>, RsaKeyPair), String> {
    use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
    let password = password.map(|p| p.expose_secret()).unwrap_or_default();
    let store = KeyStore::from_pkcs12(content, password, Pkcs12ImportPolicy::Strict)
        .map_err(|_| "the PKCS#12 file could not be opened: it is damaged, or the password does not fit".to_owned())?;
    let (_, chain) = store.private_key_chain().ok_or("the PKCS#12 file holds no private key with its certificate")?;
    let certificate = chain.certs().first().ok_or("the PKCS#12 file holds no certificate for its key")?;
    let key = RsaKeyPair::from_pkcs8(chain.key().as_der())
        .map_err(|e| format!("its private key is not a usable RSA key ({e})"))?;
    Ok((CertificateDer::from(certificate.as_der().to_vec()), key))
}

#[cfg(not(feature = "pfx"))]
fn pkcs12(_: &[u8], _: Option<&SecretString>) -> Result<(CertificateDer<'static>, RsaKeyPair), String> {
    Err("it is a PKCS#12 file, which this build was made without (cargo feature `pfx`); \
         `openssl pkcs12 -in file.pfx -out cert-and-key.pem` turns it into PEM"
        .to_owned())
}

fn info(certificate: &CertificateDer<'_>, key: &RsaKeyPair) -> Result<CertificateInfo, String> {
    use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate.as_ref())
        .map_err(|_| "its CERTIFICATE block is damaged".to_owned())?;
    if *parsed.public_key().subject_public_key.data != *key.public().as_ref() {
        return Err("its private key is not that of its first certificate; put the one that the key belongs to first"
            .to_owned());
    }
    // Not for trust: only so that people find the row in the portal.
    let portal = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.as_ref());
    Ok(CertificateInfo {
        thumbprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.as_ref())),
        portal_thumbprint: portal.as_ref().iter().map(|byte| format!("{byte:02X}")).collect(),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

/// Entra refuses an expired certificate with a number; say it before that in words.
fn warn_about_validity(not_after: i64, now: Timestamp) {
    let left = not_after - now.secs();
    if left < 0 {
        tracing::warn!("the client certificate has expired");
    } else if left < 30 * 24 * 60 * 60 {
        tracing::warn!(days = left / 86_400, "the client certificate expires soon");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../tests/it/client.pem");
    const RENEWED: &str = include_str!("../tests/it/client-renewed.pem");

    /// A certificate's file in a folder of its own.
    fn on_disk() -> (tempfile::TempDir, Certificate) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.pem");
        std::fs::write(&path, PEM).unwrap();
        let config = serde_json::from_value(serde_json::json!({ "file": path })).unwrap();
        (folder, Certificate::new(&config))
    }

    fn set_modified(path: &Path, time: SystemTime) {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    #[tokio::test]
    async fn a_renewal_that_keeps_the_time_and_size_of_the_file_is_read() {
        let (folder, certificate) = on_disk();
        let (path, aside) = (certificate.file(), folder.path().join("aside"));
        let now = Timestamp::from_secs(0);
        let first = certificate.load(now).await.unwrap();
        std::fs::write(&aside, PEM).unwrap();
        set_modified(&aside, std::fs::metadata(path).unwrap().modified().unwrap());
        std::fs::rename(&aside, path).unwrap();
        assert!(!Arc::ptr_eq(&first, &certificate.load(now).await.unwrap()));
    }

    #[tokio::test]
    async fn a_file_that_is_old_enough_is_read_once_and_a_young_one_each_time() {
        let (_folder, certificate) = on_disk();
        let now = Timestamp::from_secs(0);
        let young = certificate.load(now).await.unwrap();
        assert!(!Arc::ptr_eq(&young, &certificate.load(now).await.unwrap()), "it may be written again unnoticed");
        // Nobody can set the time of the change itself back.
        tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
        let old = certificate.load(now).await.unwrap();
        assert!(Arc::ptr_eq(&old, &certificate.load(now).await.unwrap()));
    }

    #[tokio::test]
    async fn until_a_renewal_can_be_used_the_one_before_goes_on() {
        let (_folder, certificate) = on_disk();
        let (path, now) = (certificate.file(), Timestamp::from_secs(0));
        let first = certificate.load(now).await.unwrap().info.clone();
        let (_, key) = PEM.split_at(PEM.find("-----BEGIN PRIVATE KEY").unwrap());
        let (renewed, _) = RENEWED.split_at(RENEWED.find("-----BEGIN PRIVATE KEY").unwrap());
        for half in ["", renewed, &format!("{renewed}{key}")] {
            std::fs::write(path, half).unwrap();
            assert_eq!(certificate.load(now).await.unwrap().info, first, "{half}");
            assert!(inspect_certificate(&certificate.config).await.is_err(), "{half}");
        }
        std::fs::remove_file(path).unwrap();
        assert_eq!(certificate.load(now).await.unwrap().info, first);
        std::fs::write(path, RENEWED).unwrap();
        assert_ne!(certificate.load(now).await.unwrap().info, first);
    }
}
