//! Private keys of a JSON Web Key Set, and signing with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_model::ApiError;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding,
};
use ring::{hmac, rand::SystemRandom, rsa};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

#[derive(Deserialize)]
struct KeySet {
    #[serde(default)]
    keys: Vec<Jwk>,
}

/// The members of a private key. Deliberately without `Debug`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Jwk {
    kid: String,
    alg: String,
    kty: String,
    crv: String,
    n: String,
    e: String,
    d: String,
    p: String,
    q: String,
    dp: String,
    dq: String,
    qi: String,
    x: String,
    y: String,
    k: String,
}

enum Secret {
    Rsa(rsa::KeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Key),
}

/// A key that signs, with what the token's header says of it.
#[derive(Clone)]
pub(super) struct SigningKey(Arc<Inner>);

struct Inner {
    kid: String,
    alg: String,
    secret: Secret,
}

/// Parsed keys by the hash of their text: checking an RSA key costs more than signing with it.
static PARSED: LazyLock<Mutex<HashMap<[u8; 32], SigningKey>>> = LazyLock::new(Mutex::default);
/// Texts change with rotation only; a process that saw this many starts anew.
const PARSED_MAX: usize = 64;

/// The first key of a set, as Kratos takes it.
///
/// # Errors
/// 400 when there is none, when it names no algorithm, or when it can't be used.
pub(super) fn first_key(text: &str) -> Result<SigningKey, ApiError> {
    let hash = crate::seal::hash(text);
    let mut parsed = PARSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(key) = parsed.get(&hash) {
        return Ok(key.clone());
    }
    let key = parse(text)?;
    if parsed.len() >= PARSED_MAX {
        parsed.clear();
    }
    parsed.insert(hash, key.clone());
    Ok(key)
}

fn parse(text: &str) -> Result<SigningKey, ApiError> {
    let unusable = || ApiError::bad_request("Unable to decode the given private key.");
    let set: KeySet = serde_json::from_str(text).map_err(|_| unusable())?;
    let jwk =
        set.keys.into_iter().next().ok_or_else(|| {
            ApiError::bad_request("Could not find key a suitable key for tokenization in the JWKS url.")
        })?;
    let secret = match (jwk.kty.as_str(), jwk.alg.as_str()) {
        ("RSA", alg) => match rsa_encoding(alg) {
            Some(encoding) => rsa_key(&jwk).map(|key| Secret::Rsa(key, encoding)),
            None => return Err(no_algorithm(alg)),
        },
        ("EC", "ES256") => ec_key(&jwk, &ECDSA_P256_SHA256_FIXED_SIGNING, "P-256").map(Secret::Ecdsa),
        ("EC", "ES384") => ec_key(&jwk, &ECDSA_P384_SHA384_FIXED_SIGNING, "P-384").map(Secret::Ecdsa),
        ("OKP", "EdDSA") => {
            let pair = || Ed25519KeyPair::from_seed_and_public_key(&decode(&jwk.d)?, &decode(&jwk.x)?).ok();
            pair().map(Secret::Ed25519)
        }
        ("oct", alg) => match hmac_algorithm(alg) {
            Some(algorithm) => {
                decode(&jwk.k).filter(|key| key.len() >= 16).map(|key| Secret::Hmac(hmac::Key::new(algorithm, &key)))
            }
            None => return Err(no_algorithm(alg)),
        },
        (_, alg) => return Err(no_algorithm(alg)),
    };
    let secret = secret.ok_or_else(unusable)?;
    Ok(SigningKey(Arc::new(Inner { kid: jwk.kid, alg: jwk.alg, secret })))
}

fn no_algorithm(alg: &str) -> ApiError {
    ApiError::bad_request(format!("The JSON Web Key must include a valid \"alg\" parameter but \"{alg}\" was given."))
}

fn rsa_encoding(alg: &str) -> Option<&'static dyn RsaEncoding> {
    Some(match alg {
        "RS256" => &RSA_PKCS1_SHA256,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        "PS384" => &RSA_PSS_SHA384,
        "PS512" => &RSA_PSS_SHA512,
        _ => return None,
    })
}

fn hmac_algorithm(alg: &str) -> Option<hmac::Algorithm> {
    match alg {
        "HS256" => Some(hmac::HMAC_SHA256),
        "HS384" => Some(hmac::HMAC_SHA384),
        "HS512" => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn rsa_key(jwk: &Jwk) -> Option<rsa::KeyPair> {
    let components = rsa::KeyPairComponents {
        public_key: rsa::PublicKeyComponents { n: decode(&jwk.n)?, e: decode(&jwk.e)? },
        d: decode(&jwk.d)?,
        p: decode(&jwk.p)?,
        q: decode(&jwk.q)?,
        dP: decode(&jwk.dp)?,
        dQ: decode(&jwk.dq)?,
        qInv: decode(&jwk.qi)?,
    };
    rsa::KeyPair::from_components(&components).ok()
}

fn ec_key(jwk: &Jwk, algorithm: &'static EcdsaSigningAlgorithm, curve: &str) -> Option<EcdsaKeyPair> {
    if jwk.crv != curve {
        return None;
    }
    let mut public = vec![4];
    public.extend(decode(&jwk.x)?);
    public.extend(decode(&jwk.y)?);
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &decode(&jwk.d)?, &public, &SystemRandom::new()).ok()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().filter(|bytes| !bytes.is_empty())
}

/// A compact JWS over the claims.
pub(super) fn sign(key: &SigningKey, claims: &Value) -> Option<String> {
    let key = &key.0;
    let header = json!({ "alg": key.alg, "kid": key.kid, "typ": "JWT" });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let message = signed.as_bytes();
    let signature = match &key.secret {
        Secret::Rsa(pair, encoding) => {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).ok()?;
            signature
        }
        Secret::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec(),
        Secret::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        Secret::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
    };
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, KeyPair as _, UnparsedPublicKey};

    fn reason(text: &str) -> String {
        first_key(text).err().and_then(|error| error.reason).unwrap_or_default()
    }

    fn parts(token: &str) -> (String, Vec<u8>, Value) {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap();
        (signed.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap(), serde_json::from_slice(&header).unwrap())
    }

    #[test]
    fn an_ed25519_key_signs_and_names_itself() {
        let seed = [7; 32];
        let public = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().public_key().as_ref().to_vec();
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k1", "d": b64(&seed), "x": b64(&public) }] });
        let token =
            sign(&first_key(&text.to_string()).unwrap_or_else(|_| panic!("key")), &json!({ "sub": "x" })).unwrap();
        let (signed, signature, header) = parts(&token);
        assert_eq!(header, json!({ "alg": "EdDSA", "kid": "k1", "typ": "JWT" }));
        UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn an_elliptic_key_signs_in_the_fixed_form() {
        // RFC 7515, appendix A.3.
        let text = r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]}"#;
        let token = sign(&first_key(text).unwrap_or_else(|_| panic!("key")), &json!({})).unwrap();
        let (signed, signature, _) = parts(&token);
        let mut public = vec![4];
        public.extend(URL_SAFE_NO_PAD.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap());
        public.extend(URL_SAFE_NO_PAD.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap());
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(signed.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn keys_that_can_not_sign_are_refused_without_showing_them() {
        assert!(reason(r#"{"keys":[]}"#).starts_with("Could not find"));
        assert!(reason(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ"}]}"#).contains("alg"));
        assert!(reason(r#"{"keys":[{"kty":"oct","alg":"none","k":"c2VjcmV0"}]}"#).contains("\"none\" was given"));
        assert_eq!(
            reason(r#"{"keys":[{"kty":"oct","alg":"HS256","k":"c2hvcnQ"}]}"#),
            "Unable to decode the given private key."
        );
        assert_eq!(
            reason(r#"{"keys":[{"kty":"RSA","alg":"RS256","n":"AQAB"}]}"#),
            "Unable to decode the given private key."
        );
        assert_eq!(reason("nonsense"), "Unable to decode the given private key.");
    }
}
