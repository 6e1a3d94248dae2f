//! Which ID tokens are believed: three parts, an allowed algorithm, a fitting key, then issuer, audience, times and
//! nonce. Claims are read from the very bytes that the signature covers.

use crate::discovery::Caches;
use crate::error::{ProviderError, Step};
use crate::keys::{Key, KeySet};
use crate::types::SigningAlgorithm;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Claims of one person fit in a fraction of this.
const SIZE_MAX: usize = 1024 * 1024;
/// Clocks differ; Kratos allows none at the end and five minutes at the beginning.
const EXPIRY_LEEWAY: Duration = Duration::from_secs(60);
const NOT_BEFORE_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// A token taken apart, nothing of it believed yet.
pub(crate) struct Parsed<'a> {
    algorithm: Option<SigningAlgorithm>,
    kid: Option<String>,
    pub(crate) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// What a token has to fit.
pub(crate) struct Expect<'a> {
    pub(crate) issuers: &'a [&'a str],
    pub(crate) audiences: &'a [&'a str],
    pub(crate) algorithms: &'a [SigningAlgorithm],
    pub(crate) jwks_uri: &'a str,
    /// `None` where none was sent.
    pub(crate) nonce: Option<&'a str>,
    /// Entra's tenant: a key may be for one tenant only.
    pub(crate) tenant: Option<&'a str>,
    pub(crate) now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: Value,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// Also true for `null`, which `Option` would take for an absent field.
fn is_there<'de, D: serde::Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(field).map(|_| true)
}

impl<'a> Parsed<'a> {
    /// # Errors
    /// With the reason, when it is not a signed JSON Web Token at all.
    pub(crate) fn new(token: &'a str) -> Result<Self, &'static str> {
        if token.len() > SIZE_MAX {
            return Err("the ID token is larger than 1 MiB");
        }
        let malformed = "the ID token is not a signed JSON Web Token";
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) = signed.split_once('.').filter(|(_, p)| !p.contains('.')).ok_or(malformed)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed)?;
        // RFC 7515 §4.1.11: extensions that the issuer calls critical would change what the signature means.
        if header.crit {
            return Err("the ID token's header has `crit`, and no such extension is understood");
        }
        let claims = serde_json::from_slice(&decode(payload)?).map_err(|_| malformed)?;
        let algorithm = serde_json::from_value(header.alg).ok();
        Ok(Self { algorithm, kid: header.kid, claims, signed, signature: decode(signature)? })
    }

    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// Believes the token, or says why not.
    pub(crate) async fn verify(&self, caches: &Caches, expect: &Expect<'_>) -> Result<(), ProviderError> {
        self.check_issuer(expect)?;
        self.check_audience(expect)?;
        // Before any key is used: `none` has no signature, and HS256 would make a public key the secret.
        let algorithm = self.algorithm.as_ref().filter(|a| expect.algorithms.contains(a)).ok_or_else(|| {
            refused("it is not signed in an accepted way", "the ID token's signing algorithm is not accepted")
        })?;
        self.check_signature(caches, expect, algorithm).await?;
        self.check_times(expect.now)?;
        self.check_nonce(expect.nonce)
    }

    async fn check_signature(
        &self,
        caches: &Caches,
        expect: &Expect<'_>,
        algorithm: &SigningAlgorithm,
    ) -> Result<(), ProviderError> {
        let keys = caches.keys(expect.jwks_uri);
        let (set, just_fetched) = keys.current(expect.now).await?;
        if self.is_signed_by(&set, expect, algorithm) {
            return Ok(());
        }
        if !just_fetched {
            // Only a kid that is missing may be remembered as bad: a known one that does not fit is somebody's
            // forgery, and remembering it would shut out the owner of that key.
            let missing = self.kid.as_deref().filter(|kid| !set.has(kid));
            let newer = keys.newer(missing, expect.now).await;
            if newer.is_some_and(|set| self.is_signed_by(&set, expect, algorithm)) {
                return Ok(());
            }
        }
        Err(refused("its signature is not valid", "the ID token is signed by no key of the provider that fits"))
    }

    fn is_signed_by(&self, set: &KeySet, expect: &Expect<'_>, algorithm: &SigningAlgorithm) -> bool {
        set.candidates(self.kid.as_deref())
            .filter(|key| self.may_sign(key, expect))
            .any(|key| key.has_signed(algorithm, self.signed.as_bytes(), &self.signature))
    }

    /// A key that Entra published for one tenant must not vouch for people of another.
    fn may_sign(&self, key: &Key, expect: &Expect<'_>) -> bool {
        let (Some(tenant), Some(issuer)) = (expect.tenant, key.issuer.as_deref()) else {
            return true;
        };
        self.text("iss") == Some(issuer.replace("{tenantid}", tenant).as_str())
    }

    fn check_issuer(&self, expect: &Expect<'_>) -> Result<(), ProviderError> {
        match self.text("iss") {
            Some(iss) if expect.issuers.contains(&iss) => Ok(()),
            _ => Err(refused("it was issued by somebody else", "the ID token's `iss` is not the expected issuer")),
        }
    }

    fn check_audience(&self, expect: &Expect<'_>) -> Result<(), ProviderError> {
        let named: Vec<&str> = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let ours = |name: &&str| expect.audiences.contains(name);
        // OpenID Connect Core 3.1.3.7: among several audiences, the authorized party has to be us.
        let party_fits = named.len() < 2 || self.text("azp").is_none_or(|azp| expect.audiences.contains(&azp));
        if named.iter().any(ours) && party_fits {
            return Ok(());
        }
        Err(refused("it is meant for another application", "the ID token's `aud` is not this client_id")
            .with_config_key("client_id"))
    }

    fn check_times(&self, now: Timestamp) -> Result<(), ProviderError> {
        let Some(expires) = self.time("exp") else {
            return Err(refused("it has no end of validity", "the ID token has no usable `exp`"));
        };
        if expires + EXPIRY_LEEWAY < now {
            return Err(refused("it has expired", "the ID token has expired; is this machine's clock right?"));
        }
        if !self.claims.contains_key("iat") {
            return Err(refused("it doesn't say when it was issued", "the ID token has no `iat`"));
        }
        // Kratos: the value of `iat` is not judged, only that of `nbf` is.
        if self.time("nbf").is_some_and(|start| start > now + NOT_BEFORE_LEEWAY) {
            return Err(refused(
                "it is not valid yet",
                "the ID token's `nbf` is in the future; is this machine's clock right?",
            ));
        }
        Ok(())
    }

    /// A token made for another sign-in must not be slipped into this one.
    fn check_nonce(&self, nonce: Option<&str>) -> Result<(), ProviderError> {
        match nonce {
            Some(sent) if self.text("nonce") != Some(sent) => {
                Err(refused("it belongs to another sign-in", "the ID token's `nonce` is not the one that was sent"))
            }
            _ => Ok(()),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "fractions of a second do not matter")]
    fn time(&self, claim: &str) -> Option<Timestamp> {
        let value = self.claims.get(claim)?;
        value.as_i64().or_else(|| value.as_f64().map(|f| f as i64)).map(Timestamp::from_secs)
    }
}

fn refused(visitor: &str, operator: &str) -> ProviderError {
    let reason = format!("The identity provider's answer was not accepted: {visitor}. Please sign in again.");
    ProviderError::refused(Step::IdToken, reason, operator)
}

/// What a generic provider's metadata names, reduced to signatures that only the provider can make.
pub(crate) fn asymmetric(names: &[String]) -> Vec<SigningAlgorithm> {
    let found: Vec<SigningAlgorithm> = names
        .iter()
        .filter(|name| ["RS", "PS", "ES", "Ed"].iter().any(|family| name.starts_with(family)))
        .filter_map(|name| serde_json::from_value(Value::String(name.clone())).ok())
        .collect();
    if found.is_empty() { vec![SigningAlgorithm::RsaSsaPkcs1V15Sha256] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_with_critical_extensions_is_refused() {
        let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let parse = |header: Value| Parsed::new(&format!("{}.{}.c2ln", encode(header), encode(json!({})))).err();
        assert_eq!(parse(json!({ "alg": "RS256" })), None);
        for crit in [json!(["b64"]), json!([]), Value::Null] {
            let why = parse(json!({ "alg": "RS256", "crit": crit, "b64": false }));
            assert!(why.is_some_and(|why| why.contains("crit")), "{crit}");
        }
    }

    #[test]
    fn a_key_of_one_tenant_does_not_vouch_for_another() {
        let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let iss = "https://login.example/aaaa/v2.0";
        let token = format!("{}.{}.c2ln", encode(json!({ "alg": "RS256" })), encode(json!({ "iss": iss })));
        let parsed = Parsed::new(&token).unwrap();
        let expect = Expect {
            issuers: &[iss],
            audiences: &[],
            algorithms: &[],
            jwks_uri: "",
            nonce: None,
            tenant: Some("aaaa"),
            now: Timestamp::from_secs(0),
        };
        let may = |issuer: &str| parsed.may_sign(&Key::for_test(issuer), &expect);
        assert!(may("https://login.example/{tenantid}/v2.0"));
        assert!(may(iss));
        assert!(!may("https://login.example/bbbb/v2.0"));
    }
}
