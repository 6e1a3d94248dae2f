//! One key set: cached for an hour, renewed on use, and asked again when a token names a key it lacks.
//!
//! Asking again has a budget (a burst of five, then one in five minutes), because whoever can submit tokens could
//! otherwise make us hammer the provider; a kid that was not there is remembered for the same reason.

use crate::cache::Slot;
use crate::discovery::upstream_unavailable;
use crate::error::ProviderError;
use crate::types::{JsonWebKey, KeyAlgorithm, SigningAlgorithm, VerifySignature as _};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use bia_model::Timestamp;
use bia_outbound::Outbound;
use ring::signature::{self, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// A key that a newer copy of the set lacks still counts this long: Entra's servers do not all publish at once.
const KEEP_ABSENT: Duration = Duration::from_secs(60 * 60);
const SIZE_MAX: usize = 512 * 1024;
const KEYS_MAX: usize = 100;
const BURST: u32 = 5;
const REFILL: Duration = Duration::from_secs(5 * 60);
const BAD_KIDS_MAX: usize = 256;
/// 2048 bits: the least that RFC 7518 allows for RS256.
const RSA_BYTES_MIN: usize = 256;

/// A public key with what Microsoft says about whose tokens it may sign.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    /// Microsoft only: an issuer, or a template with `{tenantid}`.
    pub(crate) issuer: Option<String>,
    jwk: JsonWebKey,
    /// The numbers of an RSA key.
    rsa: Option<RsaPublicKeyComponents<Vec<u8>>>,
    seen: Timestamp,
}

impl Key {
    /// Whether this key made that signature with that algorithm.
    ///
    /// RSA is checked by ring, in thirty microseconds instead of seven hundred: it is the dearest step of a sign-in.
    pub(crate) fn has_signed(&self, algorithm: &SigningAlgorithm, signed: &[u8], signature: &[u8]) -> bool {
        let Some(rsa) = &self.rsa else {
            return self.jwk.verify_signature(algorithm, signed, signature).is_ok();
        };
        // RFC 7517 §4.4: a key that names an algorithm is for that one alone.
        match self.jwk.signing_alg() {
            KeyAlgorithm::Unspecified => {}
            KeyAlgorithm::Algorithm(own) if own == algorithm => {}
            KeyAlgorithm::Algorithm(_) | KeyAlgorithm::Unsupported => return false,
        }
        let parameters = match algorithm {
            SigningAlgorithm::RsaSsaPkcs1V15Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            SigningAlgorithm::RsaSsaPkcs1V15Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            SigningAlgorithm::RsaSsaPkcs1V15Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            SigningAlgorithm::RsaSsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
            SigningAlgorithm::RsaSsaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
            SigningAlgorithm::RsaSsaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
            // An RSA key makes no other signature.
            _ => return false,
        };
        rsa.verify(parameters, signed, signature).is_ok()
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeySet {
    pub(crate) keys: Vec<Key>,
}

pub(crate) struct Keys {
    outbound: Outbound,
    url: String,
    slot: Arc<Slot<KeySet>>,
    budget: Mutex<Budget>,
    bad: Mutex<HashMap<String, Timestamp>>,
}

/// A bucket of refreshes.
struct Budget {
    left: u32,
    since: Option<Timestamp>,
}

impl Keys {
    pub(crate) fn new(outbound: Outbound, url: &str) -> Self {
        Self {
            outbound,
            url: url.to_owned(),
            slot: Arc::default(),
            budget: Mutex::new(Budget { left: BURST, since: None }),
            bad: Mutex::default(),
        }
    }

    /// The set as it is, and whether it was fetched this very moment.
    pub(crate) async fn current(&self, now: Timestamp) -> Result<(Arc<KeySet>, bool), ProviderError> {
        let cold = self.slot.peek().is_none();
        let (outbound, url) = (self.outbound.clone(), self.url.clone());
        let set = self.slot.get(now, MAX_AGE, |old| async move { fetch(outbound, url, old, now).await }).await?;
        Ok((set, cold))
    }

    /// A newer set, if the budget allows to ask and the provider answers. `kid` names the missing key; without it
    /// the signature just fitted no key.
    pub(crate) async fn newer(&self, kid: Option<&str>, now: Timestamp) -> Option<Arc<KeySet>> {
        if kid.is_some_and(|kid| self.is_known_bad(kid, now)) {
            return None;
        }
        let (outbound, url) = (self.outbound.clone(), self.url.clone());
        // Of those who ask at the same time only the one who fetches pays: after a rotation they come in crowds.
        let paid = |old| async move {
            if !self.spend(now) {
                return Err(upstream_unavailable("it was asked too often already".to_owned()));
            }
            fetch(outbound, url, old, now).await
        };
        let fetched = self.slot.fetch_since(Instant::now(), now, paid).await;
        match fetched {
            Ok(set) => {
                if let Some(kid) = kid.filter(|kid| !set.has(kid)) {
                    self.remember_bad(kid, now);
                }
                Some(set)
            }
            Err(error) => {
                tracing::warn!(%error, "keys could not be refreshed; the old ones serve on");
                None
            }
        }
    }

    fn is_known_bad(&self, kid: &str, now: Timestamp) -> bool {
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.get(kid).is_some_and(|at| now.since(*at) < REFILL)
    }

    fn remember_bad(&self, kid: &str, now: Timestamp) {
        let mut bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.retain(|_, at| now.since(*at) < REFILL);
        if bad.len() < BAD_KIDS_MAX && kid.len() <= 256 {
            bad.insert(kid.to_owned(), now);
        }
    }

    fn spend(&self, now: Timestamp) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *budget.since.get_or_insert(now);
        let periods = u32::try_from(now.since(since).as_secs() / REFILL.as_secs()).unwrap_or(u32::MAX);
        if periods > 0 {
            budget.left = budget.left.saturating_add(periods).min(BURST);
            budget.since = Some(now);
        }
        if budget.left == 0 {
            return false;
        }
        if budget.left == BURST {
            budget.since = Some(now);
        }
        budget.left -= 1;
        true
    }
}

impl KeySet {
    pub(crate) fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|k| k.kid.as_deref() == Some(kid))
    }

    /// The keys that may have signed a token with this header.
    pub(crate) fn candidates<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

async fn fetch(
    outbound: Outbound,
    url: String,
    old: Option<Arc<KeySet>>,
    now: Timestamp,
) -> Result<KeySet, ProviderError> {
    let answer = outbound.get(&url).purpose("keys").correlated().limit(SIZE_MAX).retries(1).send().await;
    let answer = answer.map_err(|e| upstream_unavailable(e.to_string()))?;
    if answer.status != 200 {
        return Err(upstream_unavailable(format!("{} answered with status {}", answer.place(), answer.status)));
    }
    let document: Document = answer.json().map_err(|e| upstream_unavailable(e.to_string()))?;
    let mut keys: Vec<Key> = document.keys.iter().take(KEYS_MAX).filter_map(|jwk| key(jwk, now)).collect();
    if keys.is_empty() {
        return Err(upstream_unavailable(format!("{} lists no key that can verify a signature", answer.place())));
    }
    for kept in old.iter().flat_map(|set| &set.keys) {
        let replaced = keys.iter().any(|k| k.kid == kept.kid);
        if !replaced && kept.kid.is_some() && now.since(kept.seen) < KEEP_ABSENT && keys.len() < KEYS_MAX {
            keys.push(kept.clone());
        }
    }
    Ok(KeySet { keys })
}

/// Keys of unknown kinds, for encryption, symmetric or too short are passed over.
fn key(value: &Value, now: Timestamp) -> Option<Key> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok()?;
        // RFC 7518 §6.3.1.1 forbids leading zeros; some publish one all the same.
        Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>())
    };
    let rsa = match text("kty")?.as_str() {
        "RSA" => {
            let (n, e) = (number("n")?, number("e")?);
            // A short modulus can be factored.
            if n.len() < RSA_BYTES_MIN {
                return None;
            }
            Some(RsaPublicKeyComponents { n, e })
        }
        "EC" | "OKP" => None,
        _ => return None,
    };
    if text("use").is_some_and(|u| u != "sig") {
        return None;
    }
    let jwk = serde_json::from_value(value.clone()).ok()?;
    Some(Key { kid: text("kid"), issuer: text("issuer"), jwk, rsa, seen: now })
}

#[cfg(test)]
impl Key {
    pub(crate) fn for_test(issuer: &str) -> Self {
        let jwk = JsonWebKey::new_rsa(Vec::new(), Vec::new(), None);
        Self { kid: None, issuer: Some(issuer.to_owned()), jwk, rsa: None, seen: Timestamp::from_secs(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::{BASE64_URL_SAFE_NO_PAD, RsaPublicKeyComponents, SigningAlgorithm as Alg, Timestamp, key};
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use ring::rand::SystemRandom;
    use ring::rsa::KeyPair;
    use ring::signature::{self, RsaEncoding};
    use serde_json::json;

    fn pair() -> KeyPair {
        let pem = include_str!("../tests/it/client.pem");
        let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----").unwrap();
        let (body, _) = rest.split_once("-----END").unwrap();
        KeyPair::from_pkcs8(&BASE64_STANDARD.decode(body.replace('\n', "")).unwrap()).unwrap()
    }

    fn signed(pair: &KeyPair, encoding: &'static dyn RsaEncoding, text: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), text, &mut signature).unwrap();
        signature
    }

    #[test]
    fn an_rsa_key_vouches_for_its_own_signatures_with_the_named_algorithm_alone() {
        let pair = pair();
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let numbers: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
        let (modulus, exponent) = (numbers.n, text(&numbers.e));
        let padded = [&[0][..], &modulus].concat();
        let algorithms: [(Alg, &'static dyn RsaEncoding); 6] = [
            (Alg::RsaSsaPkcs1V15Sha256, &signature::RSA_PKCS1_SHA256),
            (Alg::RsaSsaPkcs1V15Sha384, &signature::RSA_PKCS1_SHA384),
            (Alg::RsaSsaPkcs1V15Sha512, &signature::RSA_PKCS1_SHA512),
            (Alg::RsaSsaPssSha256, &signature::RSA_PSS_SHA256),
            (Alg::RsaSsaPssSha384, &signature::RSA_PSS_SHA384),
            (Alg::RsaSsaPssSha512, &signature::RSA_PSS_SHA512),
        ];
        for number in [&modulus, &padded] {
            let jwk = json!({ "kty": "RSA", "use": "sig", "kid": "k", "n": text(number), "e": exponent });
            let key = key(&jwk, Timestamp::from_secs(0)).unwrap();
            for (named, encoding) in &algorithms {
                let signature = signed(&pair, *encoding, b"text");
                for (asked, _) in &algorithms {
                    assert_eq!(key.has_signed(asked, b"text", &signature), asked == named, "{asked:?} for {named:?}");
                }
                assert!(!key.has_signed(named, b"other", &signature));
                assert!(!key.has_signed(&Alg::EcdsaP256Sha256, b"text", &signature));
            }
        }
    }

    #[test]
    fn an_rsa_key_that_names_its_algorithm_vouches_for_no_other() {
        let pair = pair();
        let numbers: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let pkcs1 = signed(&pair, &signature::RSA_PKCS1_SHA256, b"text");
        let pss = signed(&pair, &signature::RSA_PSS_SHA256, b"text");
        // Keys for encryption need not say so in `use`.
        for (own, vouches) in [
            ("RS256", [true, false]),
            ("PS256", [false, true]),
            ("RS512", [false, false]),
            ("A256GCM", [false, false]),
            ("RSA-OAEP", [false, false]),
            ("none", [false, false]),
        ] {
            let jwk = json!({ "kty": "RSA", "alg": own, "n": text(&numbers.n), "e": text(&numbers.e) });
            let key = key(&jwk, Timestamp::from_secs(0));
            let has_signed = |algorithm: &Alg, signature: &[u8]| {
                key.as_ref().is_some_and(|key| key.has_signed(algorithm, b"text", signature))
            };
            let both = [has_signed(&Alg::RsaSsaPkcs1V15Sha256, &pkcs1), has_signed(&Alg::RsaSsaPssSha256, &pss)];
            assert_eq!(both, vouches, "{own}");
        }
    }

    #[test]
    fn short_or_broken_rsa_keys_are_passed_over() {
        let key = |n: &str, e: &str| key(&json!({ "kty": "RSA", "n": n, "e": e }), Timestamp::from_secs(0));
        let short = BASE64_URL_SAFE_NO_PAD.encode([255; 255]);
        let long = BASE64_URL_SAFE_NO_PAD.encode([255; 256]);
        assert!(key(&short, "AQAB").is_none());
        assert!(key(&BASE64_URL_SAFE_NO_PAD.encode([&[0; 9][..], &[255; 255]].concat()), "AQAB").is_none());
        assert!(key(&long, "?").is_none());
        assert!(key(&long, "AQAB").is_some());
    }
}
