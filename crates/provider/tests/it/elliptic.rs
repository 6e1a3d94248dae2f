//! ID tokens that are signed on elliptic curves, from a provider whose keys are made here.

use crate::support::{World, exchange, now};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_provider::Provider;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
};
use serde_json::{Value, json};
use std::sync::Arc;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Signer {
    alg: &'static str,
    curve: &'static str,
    key: EcdsaKeyPair,
}

impl Signer {
    fn new(alg: &'static str, curve: &'static str, algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self { alg, curve, key: EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap() }
    }

    fn es256() -> Self {
        Self::new("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    fn es384() -> Self {
        Self::new("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn jwk(&self) -> Value {
        let point = &self.key.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let text = |half: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(half);
        json!({ "kty": "EC", "use": "sig", "kid": "k", "alg": self.alg, "crv": self.curve, "x": text(x), "y": text(y) })
    }

    fn token(&self, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&json!({ "alg": self.alg, "kid": "k" })), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A provider that publishes one key and answers every code with one token.
async fn provider_with(
    signer: &Signer,
    announced: &[&str],
    token: impl FnOnce(&str) -> String,
) -> (MockServer, Arc<dyn Provider>, World) {
    let server = MockServer::start().await;
    let issuer = server.uri();
    let answers = [
        (
            "/.well-known/openid-configuration",
            json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
                    "jwks_uri": format!("{issuer}/keys"), "id_token_signing_alg_values_supported": announced }),
        ),
        ("/keys", json!({ "keys": [signer.jwk()] })),
        ("/token", json!({ "access_token": "opaque", "token_type": "Bearer", "id_token": token(&issuer) })),
    ];
    for (at, body) in answers {
        Mock::given(path(at)).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    }
    let world = World::new().await;
    let provider = world.provider(json!({
        "id": "curves", "provider": "generic", "client_id": "me", "client_secret": "secret",
        "issuer_url": issuer, "mapper_url": "file://none",
    }));
    (server, provider, world)
}

fn claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "aud": "me", "sub": "somebody", "iat": now().secs(), "exp": now().secs() + 300 })
}

async fn sign_in(provider: &Arc<dyn Provider>, world: &World) -> Result<String, u16> {
    let authorization = world.authorize(provider).await.map_err(|error| error.to_api().code)?;
    exchange(provider, &authorization, "code").await.map(|s| s.claims.sub).map_err(|error| error.to_api().code)
}

#[tokio::test]
async fn es256_and_es384_are_believed_from_providers_that_announce_them() {
    for signer in [Signer::es256(), Signer::es384()] {
        let (_server, provider, world) =
            provider_with(&signer, &["RS256", signer.alg], |iss| signer.token(&claims(iss))).await;
        assert_eq!(sign_in(&provider, &world).await.as_deref(), Ok("somebody"), "{}", signer.alg);
    }
}

#[tokio::test]
async fn an_elliptic_signature_by_another_key_or_over_other_claims_is_refused() {
    for (signer, stranger) in [(Signer::es256(), Signer::es256()), (Signer::es384(), Signer::es384())] {
        let (_server, provider, world) =
            provider_with(&signer, &[signer.alg], |iss| stranger.token(&claims(iss))).await;
        assert_eq!(sign_in(&provider, &world).await, Err(400), "a stranger's {}", signer.alg);
        let other_claims = |iss: &str| {
            let token = signer.token(&claims(iss));
            let mut parts: Vec<&str> = token.split('.').collect();
            let mut forged = claims(iss);
            forged["sub"] = json!("somebody else");
            let forged = BASE64_URL_SAFE_NO_PAD.encode(forged.to_string());
            parts[1] = &forged;
            parts.join(".")
        };
        let (_server, provider, world) = provider_with(&signer, &[signer.alg], other_claims).await;
        assert_eq!(sign_in(&provider, &world).await, Err(400), "changed after signing with {}", signer.alg);
    }
}

#[tokio::test]
async fn an_algorithm_that_the_provider_did_not_announce_is_refused() {
    let signer = Signer::es384();
    let (_server, provider, world) =
        provider_with(&signer, &["RS256", "ES256"], |iss| signer.token(&claims(iss))).await;
    assert_eq!(sign_in(&provider, &world).await, Err(400));
}
