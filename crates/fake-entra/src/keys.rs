//! Signing keys and the key sets that publish them.
//!
//! The keys are files of this crate, so that starting and rotating need no key generation (2048-bit PKCS#8
//! with self-signed certificates, made by `openssl genpkey` and `openssl req -x509`). They protect nothing:
//! whoever has the source can sign with them, which is why `serve` refuses the reserved client and tenant.

use std::sync::OnceLock;

use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value, json};

use crate::jwt;

struct Material {
    pkcs8: &'static [u8],
    certificate: &'static [u8],
    pair: OnceLock<RsaKeyPair>,
}

macro_rules! material {
    ($name:literal) => {
        Material {
            pkcs8: include_bytes!(concat!("../keys/", $name, ".pk8")),
            certificate: include_bytes!(concat!("../keys/", $name, ".crt")),
            pair: OnceLock::new(),
        }
    };
}

static SIGNING: [Material; 6] = [
    material!("signing-0"),
    material!("signing-1"),
    material!("signing-2"),
    material!("signing-3"),
    material!("signing-4"),
    material!("signing-5"),
];
static STRANGER: Material = material!("stranger");
static APPLICATION: Material = material!("app");

/// A key under the name it is published by.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    material: &'static Material,
}

impl Key {
    /// `round` 0: the kid is the certificate's thumbprint, as at Entra. When rotation has used up the files it starts
    /// over with other kids, because a kid that was retired must not come back.
    fn new(material: &'static Material, round: usize) -> Key {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(material.certificate);
        if round > 0 {
            context.update(&round.to_be_bytes());
        }
        Key { kid: jwt::encode(context.finish().as_ref()), material }
    }

    /// Published nowhere, for signatures of somebody else.
    pub(crate) fn stranger() -> Key {
        Key::new(&STRANGER, 0)
    }

    /// The key of applications that have one of their own, published under `?appid=` only.
    pub(crate) fn application() -> Key {
        Key::new(&APPLICATION, 0)
    }

    fn pair(&self) -> &'static RsaKeyPair {
        self.material
            .pair
            .get_or_init(|| RsaKeyPair::from_pkcs8(self.material.pkcs8).expect("the embedded key is PKCS#8 RSA"))
    }

    pub(crate) fn sign(&self, input: &[u8]) -> Vec<u8> {
        let pair = self.pair();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
            .expect("the buffer has the key's length");
        signature
    }

    fn jwk(&self) -> Map<String, Value> {
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(self.pair().public());
        let mut jwk = Map::new();
        jwk.insert("kty".into(), "RSA".into());
        jwk.insert("use".into(), "sig".into());
        jwk.insert("kid".into(), self.kid.clone().into());
        jwk.insert("x5t".into(), self.kid.clone().into());
        jwk.insert("n".into(), jwt::encode(&public.n).into());
        jwk.insert("e".into(), jwt::encode(&public.e).into());
        use base64::Engine as _;
        let certificate = base64::engine::general_purpose::STANDARD.encode(self.material.certificate);
        jwk.insert("x5c".into(), json!([certificate]));
        jwk
    }
}

/// The published keys. The first signs; the others are published as well, as Entra does before and after a rotation.
#[derive(Clone)]
pub(crate) struct KeyRing {
    published: Vec<Key>,
    used: usize,
    signing_last: bool,
}

impl KeyRing {
    pub(crate) fn new() -> KeyRing {
        KeyRing { published: vec![Key::new(&SIGNING[0], 0), Key::new(&SIGNING[1], 0)], used: 2, signing_last: false }
    }

    pub(crate) fn current(&self) -> &Key {
        &self.published[0]
    }

    /// A new key signs from now on; the one before stays published.
    pub(crate) fn rotate(&mut self) {
        let key = Key::new(&SIGNING[self.used % SIGNING.len()], self.used / SIGNING.len());
        self.used += 1;
        self.published.insert(0, key);
        self.published.truncate(2);
    }

    /// Only the signing key stays published, as after a compromise.
    pub(crate) fn drop_old(&mut self) {
        self.published.truncate(1);
    }

    /// Key sets name the signing key last: Entra promises no order.
    pub(crate) fn put_signing_last(&mut self, last: bool) {
        self.signing_last = last;
    }

    pub(crate) fn kids(&self) -> Vec<String> {
        self.published.iter().map(|key| key.kid.clone()).collect()
    }

    /// A key set; with `issuer` each key says whose tokens it may sign.
    pub(crate) fn key_set(&self, issuer: Option<&str>, cloud: &str) -> Value {
        let mut keys = self.published.clone();
        if self.signing_last {
            keys.reverse();
        }
        key_set(&keys, issuer, cloud)
    }
}

/// The key set of an application with a key of its own.
pub(crate) fn application_key_set(issuer: &str, cloud: &str) -> Value {
    key_set(&[Key::application()], Some(issuer), cloud)
}

fn key_set(keys: &[Key], issuer: Option<&str>, cloud: &str) -> Value {
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| {
            let mut jwk = key.jwk();
            if let Some(issuer) = issuer {
                jwk.insert("cloud_instance_name".into(), cloud.into());
                jwk.insert("issuer".into(), issuer.into());
            }
            Value::Object(jwk)
        })
        .collect();
    json!({ "keys": keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kid_ever_comes_back() {
        let mut ring = KeyRing::new();
        let mut seen: Vec<String> = ring.kids();
        for _ in 0..20 {
            ring.rotate();
            let kid = ring.current().kid.clone();
            assert!(!seen.contains(&kid));
            seen.push(kid);
        }
    }
}
