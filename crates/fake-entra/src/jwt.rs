//! Compact JWS: writing ours, taking apart those of clients, and the random texts that tokens are made of.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use ring::{hmac, signature};
use serde_json::{Map, Value};

use crate::clients::RsaPublicKey;
use crate::keys::Key;

/// base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A text that cannot be guessed, from that many random bytes.
pub(crate) fn random_text(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).expect("the system gives randomness");
    encode(&buffer)
}

/// How a token is signed; everything but `Rs256` exists to be refused.
pub(crate) enum Signer<'a> {
    Rs256(&'a Key),
    Hs256(&'a str),
    None,
}

pub(crate) fn sign(mut header: Map<String, Value>, claims: &Map<String, Value>, signer: &Signer<'_>) -> String {
    let algorithm = match signer {
        Signer::Rs256(_) => "RS256",
        Signer::Hs256(_) => "HS256",
        Signer::None => "none",
    };
    header.insert("alg".into(), algorithm.into());
    let header = encode(Value::Object(header).to_string().as_bytes());
    let payload = encode(serde_json::to_string(claims).unwrap_or_default().as_bytes());
    let input = format!("{header}.{payload}");
    let signature = match signer {
        Signer::Rs256(key) => encode(&key.sign(input.as_bytes())),
        Signer::Hs256(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            encode(hmac::sign(&key, input.as_bytes()).as_ref())
        }
        Signer::None => String::new(),
    };
    format!("{input}.{signature}")
}

/// Changes one character in the middle of the signature.
pub(crate) fn break_signature(token: &str) -> String {
    let position = token.rfind('.').map_or(0, |dot| dot + 20);
    let replacement = if token.as_bytes().get(position) == Some(&b'A') { "B" } else { "A" };
    let mut broken = token.to_owned();
    broken.replace_range(position..position + 1, replacement);
    broken
}

/// A JWT taken apart; nothing about it is verified yet.
pub(crate) struct Unverified<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    pub(crate) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Unverified {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            signed,
            signature: decode(signature)?,
        })
    }

    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    pub(crate) fn seconds(&self, name: &str) -> Option<i64> {
        let value = self.claims.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }

    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// RS256 or PS256, whichever the header names, by this key.
    pub(crate) fn is_signed_by_rsa(&self, key: &RsaPublicKey) -> bool {
        let parameters = match self.header_text("alg") {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("PS256") => &signature::RSA_PSS_2048_8192_SHA256,
            _ => return false,
        };
        let components = RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent };
        components.verify(parameters, self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// ES256 by an uncompressed P-256 point.
    pub(crate) fn is_signed_by_p256(&self, point: &[u8]) -> bool {
        self.header_text("alg") == Some("ES256")
            && signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                .verify(self.signed.as_bytes(), &self.signature)
                .is_ok()
    }
}
