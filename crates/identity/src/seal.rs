//! Everything that is sealed: state, cookies, upstream tokens, and the session token that a native app fetches.
//!
//! One list of secrets gives a key for each purpose by HKDF, so that a value sealed for one purpose never
//! opens as another. The first secret seals, all of them open, which is how secrets are rotated.

use aes_gcm::Aes256Gcm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

/// What a sealed value is for; part of the key and of the authenticated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The `state` parameter of an authorization request.
    State,
    /// The session cookie.
    Cookie,
    /// The continuity cookie: which browser a sign-in began in.
    Continuity,
    /// Upstream tokens when `ciphers.algorithm` is `noop`, and refresh tokens kept for a re-check.
    Token,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::State => b"bia state v1",
            Self::Cookie => b"bia cookie v1",
            Self::Continuity => b"bia continuity v1",
            Self::Token => b"bia token v1",
        }
    }
}

/// How upstream tokens are written (`ciphers.algorithm`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCipher {
    /// Kratos writes plain hex; Bia seals with a key of its own.
    Noop,
    /// AES-256-GCM, Kratos' format: hex of nonce (12), ciphertext and tag.
    Aes,
    /// XChaCha20-Poly1305, Kratos' format: hex of nonce (24), ciphertext and tag.
    XChaCha20Poly1305,
}

/// The secrets of the configuration, each list newest first.
pub struct Secrets<'a> {
    pub default: &'a [SecretString],
    /// `secrets.cookie`, empty when unset.
    pub cookie: &'a [SecretString],
    /// `secrets.cipher`, empty when unset.
    pub cipher: &'a [SecretString],
    pub token_cipher: TokenCipher,
}

/// Seals and opens. Holds derived keys only.
pub struct Sealer {
    state: Vec<XChaCha20Poly1305>,
    cookie: Vec<XChaCha20Poly1305>,
    continuity: Vec<XChaCha20Poly1305>,
    token: Vec<XChaCha20Poly1305>,
    logout: Vec<hmac::Key>,
    token_cipher: TokenCipher,
    /// The raw `secrets.cipher` keys, exactly 32 bytes each, as Kratos uses them.
    kratos: Vec<[u8; 32]>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Derives the keys. A purpose without secrets of its own uses `secrets.default`.
    pub fn new<'a>(secrets: &Secrets<'a>) -> Self {
        let or_default = |list: &'a [SecretString]| {
            if list.is_empty() { secrets.default } else { list }
        };
        let cipher = or_default(secrets.cipher);
        let cookie = or_default(secrets.cookie);
        let fallback = if cookie.is_empty() { cipher } else { cookie };
        let sealing = if cipher.is_empty() { fallback } else { cipher };
        let logout_key = |secret: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, &derive(secret, b"bia logout v1"));
        let mut logout: Vec<_> = fallback.iter().map(|secret| logout_key(secret.expose_secret().as_bytes())).collect();
        if logout.is_empty() {
            logout.push(logout_key(b""));
        }
        Self {
            state: keys(sealing, Purpose::State),
            cookie: keys(fallback, Purpose::Cookie),
            continuity: keys(fallback, Purpose::Continuity),
            token: keys(sealing, Purpose::Token),
            logout,
            token_cipher: secrets.token_cipher,
            kratos: secrets
                .cipher
                .iter()
                .filter_map(|secret| secret.expose_secret().as_bytes().try_into().ok())
                .collect(),
        }
    }

    /// Seals for a purpose; the text is safe in URLs and cookies.
    pub fn seal(&self, purpose: Purpose, plain: &[u8]) -> String {
        self.keys(purpose)
            .first()
            .map_or_else(String::new, |key| URL_SAFE_NO_PAD.encode(encrypt(key, purpose.label(), plain)))
    }

    /// Opens what [`Sealer::seal`] made under any listed secret; anything else is `None`.
    pub fn open(&self, purpose: Purpose, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        self.keys(purpose).iter().find_map(|key| decrypt(key, purpose.label(), &bytes))
    }

    /// Writes an upstream token as `ciphers.algorithm` says; empty stays empty (contract §3.13).
    pub fn encrypt_token(&self, token: &str) -> String {
        if token.is_empty() {
            return String::new();
        }
        match (self.token_cipher, self.kratos.first()) {
            (TokenCipher::Aes, Some(key)) => hex::encode(kratos_encrypt(&Aes256Gcm::new(key.into()), token)),
            (TokenCipher::XChaCha20Poly1305, Some(key)) => {
                hex::encode(kratos_encrypt(&XChaCha20Poly1305::new(key.into()), token))
            }
            _ => self.seal(Purpose::Token, token.as_bytes()),
        }
    }

    /// Reads an upstream token; one that no listed secret opens reads as empty, as in Kratos.
    pub fn decrypt_token(&self, stored: &str) -> String {
        let plain = hex::decode(stored)
            .ok()
            .and_then(|bytes| self.kratos.iter().find_map(|key| kratos_decrypt(key, &bytes)))
            .or_else(|| self.open(Purpose::Token, stored));
        plain.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// `ory_lo_…`: names a session without being its token. Derived, so that it needs no storage.
    pub fn logout_token(&self, session_id: uuid::Uuid) -> String {
        logout_token(&self.logout[0], session_id)
    }

    /// Whether a token names this session, under any of the listed secrets; compared in constant time.
    pub fn is_logout_token(&self, token: &str, session_id: uuid::Uuid) -> bool {
        self.logout.iter().any(|key| logout_token(key, session_id).as_bytes().ct_eq(token.as_bytes()).into())
    }

    fn keys(&self, purpose: Purpose) -> &[XChaCha20Poly1305] {
        match purpose {
            Purpose::State => &self.state,
            Purpose::Cookie => &self.cookie,
            Purpose::Continuity => &self.continuity,
            Purpose::Token => &self.token,
        }
    }
}

/// Seals with a key made of two codes that only the client has together; the database alone opens nothing.
pub fn seal_with_codes(init_secret: &str, return_to_code: &str, plain: &[u8]) -> String {
    let key = codes_key(init_secret, return_to_code);
    URL_SAFE_NO_PAD.encode(encrypt(&key, b"bia exchange v1", plain))
}

/// Opens what [`seal_with_codes`] made.
pub fn open_with_codes(init_secret: &str, return_to_code: &str, sealed: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    decrypt(&codes_key(init_secret, return_to_code), b"bia exchange v1", &bytes)
}

/// SHA-256 of a token or code: what the database keeps instead of it.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// SHA-512, as Kratos binds the exchange code to the state.
pub fn hash512(secret: &str) -> Vec<u8> {
    Sha512::digest(secret.as_bytes()).to_vec()
}

/// A random text of letters and digits; 32 of them carry 190 bits.
pub fn random_alphanumeric(length: usize) -> String {
    use rand::Rng as _;
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(length).map(char::from).collect()
}

fn codes_key(init_secret: &str, return_to_code: &str) -> XChaCha20Poly1305 {
    let mut material = Vec::with_capacity(init_secret.len() + return_to_code.len() + 8);
    // The length tells where one ends and the other begins, whatever letters they are made of.
    material.extend_from_slice(&(init_secret.len() as u64).to_be_bytes());
    material.extend_from_slice(init_secret.as_bytes());
    material.extend_from_slice(return_to_code.as_bytes());
    XChaCha20Poly1305::new((&derive(&material, b"bia exchange v1")).into())
}

fn alphanumeric(bytes: &[u8], length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bytes.iter().cycle().take(length).map(|byte| char::from(ALPHABET[usize::from(*byte) % 62])).collect()
}

fn keys(secrets: &[SecretString], purpose: Purpose) -> Vec<XChaCha20Poly1305> {
    secrets
        .iter()
        .map(|secret| XChaCha20Poly1305::new((&derive(secret.expose_secret().as_bytes(), purpose.label())).into()))
        .collect()
}

fn derive(secret: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    // 32 bytes is far below HKDF's limit of 255 hashes, so expansion can't fail.
    let _ = Hkdf::<Sha256>::new(None, secret).expand(info, &mut key);
    key
}

fn encrypt(key: &XChaCha20Poly1305, label: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let mut out = nonce.to_vec();
    // Encryption of a buffer in memory fails only beyond 256 GiB.
    out.extend(key.encrypt(&nonce, Payload { msg: plain, aad: label }).unwrap_or_default());
    out
}

fn decrypt(key: &XChaCha20Poly1305, label: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = bytes.split_at_checked(24)?;
    key.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: label }).ok()
}

fn kratos_encrypt<C: Aead + AeadCore>(cipher: &C, token: &str) -> Vec<u8> {
    let nonce = C::generate_nonce(&mut OsRng);
    let mut out = nonce.to_vec();
    out.extend(cipher.encrypt(&nonce, token.as_bytes()).unwrap_or_default());
    out
}

fn kratos_decrypt(key: &[u8; 32], bytes: &[u8]) -> Option<Vec<u8>> {
    let open = |nonce_length: usize, aes: bool| {
        let (nonce, sealed) = bytes.split_at_checked(nonce_length)?;
        if aes {
            Aes256Gcm::new(key.into()).decrypt(nonce.into(), sealed).ok()
        } else {
            XChaCha20Poly1305::new(key.into()).decrypt(nonce.into(), sealed).ok()
        }
    };
    open(24, false).or_else(|| open(12, true))
}

fn logout_token(key: &hmac::Key, session_id: uuid::Uuid) -> String {
    format!("ory_lo_{}", alphanumeric(hmac::sign(key, session_id.as_bytes()).as_ref(), 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    fn sealer(default: &[&str], cipher: &[&str], token_cipher: TokenCipher) -> Sealer {
        let list = |texts: &[&str]| texts.iter().map(|text| SecretString::from(*text)).collect::<Vec<_>>();
        Sealer::new(&Secrets { default: &list(default), cookie: &[], cipher: &list(cipher), token_cipher })
    }

    #[test]
    fn a_value_opens_for_its_purpose_only() {
        let sealer = sealer(&["first-secret-0123456789"], &[], TokenCipher::Noop);
        let sealed = sealer.seal(Purpose::State, b"hello");
        assert_eq!(sealer.open(Purpose::State, &sealed).unwrap(), b"hello");
        assert!(sealer.open(Purpose::Cookie, &sealed).is_none());
    }

    #[test]
    fn an_old_secret_still_opens_after_rotation() {
        let sealed = sealer(&["old-secret-0123456789"], &[], TokenCipher::Noop).seal(Purpose::Cookie, b"x");
        let rotated = sealer(&["new-secret-0123456789", "old-secret-0123456789"], &[], TokenCipher::Noop);
        assert!(rotated.open(Purpose::Cookie, &sealed).is_some());
        assert!(sealer(&["new-secret-0123456789"], &[], TokenCipher::Noop).open(Purpose::Cookie, &sealed).is_none());
    }

    #[test]
    fn a_changed_byte_does_not_open() {
        let sealer = sealer(&["first-secret-0123456789"], &[], TokenCipher::Noop);
        let mut sealed = sealer.seal(Purpose::State, b"hello");
        let other = if &sealed[30..31] == "A" { "B" } else { "A" };
        sealed.replace_range(30..31, other);
        assert!(sealer.open(Purpose::State, &sealed).is_none());
    }

    #[test]
    fn tokens_survive_in_every_cipher_and_are_never_plain() {
        for cipher in [TokenCipher::Noop, TokenCipher::Aes, TokenCipher::XChaCha20Poly1305] {
            let sealer = sealer(&["default-secret-0123456789"], &["0123456789abcdef0123456789abcdef"], cipher);
            let stored = sealer.encrypt_token("eyJ.token");
            assert!(!stored.contains("eyJ.token") && !stored.contains(&hex::encode("eyJ.token")));
            assert_eq!(sealer.decrypt_token(&stored), "eyJ.token");
            assert_eq!(sealer.encrypt_token(""), "");
            assert_eq!(sealer.decrypt_token("00ff"), "");
        }
    }

    #[test]
    fn both_codes_are_needed() {
        let sealed = seal_with_codes("init", "return", b"ory_st_x");
        assert_eq!(open_with_codes("init", "return", &sealed).unwrap(), b"ory_st_x");
        assert!(open_with_codes("init", "other", &sealed).is_none());
        assert!(open_with_codes("other", "return", &sealed).is_none());
    }

    #[test]
    fn logout_token_is_stable_and_names_one_session() {
        let sealer = sealer(&["first-secret-0123456789"], &[], TokenCipher::Noop);
        let (a, b) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        assert_eq!(sealer.logout_token(a), sealer.logout_token(a));
        assert_ne!(sealer.logout_token(a), sealer.logout_token(b));
        assert_eq!(sealer.logout_token(a).len(), "ory_lo_".len() + 32);
    }

    #[test]
    fn a_logout_token_outlives_a_rotation_of_its_secret() {
        let id = uuid::Uuid::from_u128(1);
        let token = sealer(&["first-secret-0123456789"], &[], TokenCipher::Noop).logout_token(id);
        let rotated = sealer(&["second-secret-0123456789", "first-secret-0123456789"], &[], TokenCipher::Noop);
        assert!(rotated.is_logout_token(&token, id) && rotated.logout_token(id) != token);
        assert!(!rotated.is_logout_token(&token, uuid::Uuid::from_u128(2)));
        assert!(!sealer(&["second-secret-0123456789"], &[], TokenCipher::Noop).is_logout_token(&token, id));
    }
}
