//! Whatever a provider or an app sends: claims become what they say and nothing more, and an ID token that was changed in
//! any way is refused.

use crate::support::{World, now, query};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_config::{ExposeSecret, SubjectSource};
use bia_provider::{IdTokenRequest, Provider, mapper_claims};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Occurs in values alone, so that it reaches a refusal only by a leak.
const SECRET: &str = "Zq7-secret-value-Zq7";
const TEXTS: [&str; 12] = [
    "iss",
    "sub",
    "oid",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "email",
    "phone_number",
    "nonce",
    "acr",
    "picture",
];

/// The other claims that have to be texts; names outside the list above are drawn at random and rarely hit one.
const OTHER_TEXTS: [&str; 10] =
    ["last_name", "middle_name", "nickname", "profile", "website", "gender", "birthdate", "zoneinfo", "hd", "team"];

/// The same cases in every run; `PROPTEST_CASES` goes further.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}

fn name() -> impl Strategy<Value = String> {
    let others = [
        "amr",
        "email_verified",
        "phone_number_verified",
        "updated_at",
        "locale",
        "tid",
        "groups",
        "aud",
        "exp",
        "xms_edov",
    ];
    let known: Vec<&str> = TEXTS.iter().chain(&others).copied().collect();
    prop_oneof![6 => select(known).prop_map(str::to_owned), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![any::<String>(), Just("true".to_owned()), any::<String>().prop_map(|text| text + SECRET)];
    let leaf = prop_oneof![
        6 => text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    vec((name(), value()), 0..12).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn claims_become_what_they_say_or_are_refused_without_a_word_of_them(raw in claims()) {
        let fits = |name: &&str| raw.get(*name).is_none_or(|value| value.is_null() || value.is_string());
        let mut texts = TEXTS.iter().chain(&OTHER_TEXTS);
        match mapper_claims(raw.clone(), SubjectSource::Userinfo) {
            Ok(claims) => {
                prop_assert_eq!(&claims.raw_claims, &raw);
                let shown = serde_json::to_value(&claims).unwrap();
                for name in TEXTS {
                    let said = raw.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
                    prop_assert_eq!(shown.get(name).and_then(Value::as_str), said, "{}", name);
                }
                for name in ["email_verified", "phone_number_verified"] {
                    let said = raw.get(name).is_some_and(|value| *value == json!(true) || *value == json!("true"));
                    prop_assert_eq!(shown.get(name), said.then_some(&json!(true)), "odd words prove nothing: {}", name);
                }
            }
            Err(error) => {
                let amr_fits = raw.get("amr").is_none_or(|amr| {
                    amr.is_null() || amr.as_array().is_some_and(|list| list.iter().all(Value::is_string))
                });
                prop_assert!(!texts.all(fits) || !amr_fits, "refused for nothing");
                prop_assert_eq!(error.to_api().code, 400);
                let told = format!("{error} {error:?} {}", serde_json::to_string(&error.to_api()).unwrap());
                prop_assert!(!told.contains(SECRET), "{}", told);
            }
        }
    }

    #[test]
    fn a_subject_of_tenant_and_object_is_whole_or_absent(tid in "[a-fA-F0-9-]{0,8}", oid in "[a-fA-F0-9-]{0,8}", sub in "[a-z]{1,8}") {
        let raw = json!({ "sub": sub, "tid": tid, "oid": oid }).as_object().cloned().unwrap();
        let claims = mapper_claims(raw, SubjectSource::TidOid).unwrap();
        let whole = format!("{tid}/{oid}").to_lowercase();
        prop_assert_eq!(claims.sub, if oid.is_empty() { String::new() } else { whole });
    }
}

/// A provider with keys, and an ID token of Alice's that it believes.
async fn believed(world: &World) -> (Arc<dyn Provider>, String, Option<String>) {
    let provider = world.microsoft(json!({}));
    let authorization = world.authorize(&provider).await.unwrap();
    let nonce = query(&authorization.url, "nonce");
    let code = world.code(&authorization, "alice").await;
    let signed_in = crate::support::exchange(&provider, &authorization, &code).await.unwrap();
    let token = signed_in.tokens.id.unwrap().expose_secret().to_owned();
    (provider, token, nonce)
}

/// The ways to change a token: its text, one of its parts, what its header says, what it claims.
fn forged(token: &str) -> impl Strategy<Value = String> + use<> {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let letters: Vec<char> = "ABab01-_.=".chars().collect();
    let text: Vec<char> = token.chars().collect();
    let swap = (any::<Index>(), select(letters), 0..4_u8).prop_map(move |(at, letter, how)| {
        let mut changed = text.clone();
        let at = at.index(changed.len());
        match how {
            0 => changed[at] = letter,
            1 => changed.insert(at, letter),
            2 => drop(changed.remove(at)),
            _ => changed.truncate(at),
        }
        changed.into_iter().collect::<String>()
    });
    let own = parts.clone();
    let claims = (name(), value()).prop_map(move |(name, value)| {
        let mut claims = decoded(&own[1]);
        claims[name] = value;
        format!("{}.{}.{}", own[0], encoded(&claims), own[2])
    });
    let own = parts.clone();
    let algorithms = ["none", "None", "HS256", "RS256", "PS256", "ES256", "EdDSA", ""];
    let header = (select(algorithms.to_vec()), prop::option::of(".{0,8}"), vec(any::<u8>(), 0..64), any::<bool>());
    let header = header.prop_map(move |(algorithm, kid, signature, keeps_signature)| {
        let mut header = decoded(&own[0]);
        header["alg"] = json!(algorithm);
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let signature = if keeps_signature { own[2].clone() } else { BASE64_URL_SAFE_NO_PAD.encode(signature) };
        format!("{}.{}.{signature}", encoded(&header), own[1])
    });
    prop_oneof![4 => swap, 2 => claims, 2 => header, 1 => any::<String>(), 1 => "[a-zA-Z0-9_.-]{0,80}"]
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn an_id_token_that_was_changed_in_any_way_is_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let (provider, token, nonce) = runtime.block_on(believed(&world));
    let nonce = nonce.as_deref();
    let verify =
        |id_token: &str| runtime.block_on(provider.verify_id_token(IdTokenRequest { id_token, nonce, now: now() }));
    assert!(verify(&token).is_ok(), "the token itself is believed");
    let outcome = TestRunner::new(config()).run(&forged(&token), |forged| {
        prop_assume!(forged != token);
        match verify(&forged) {
            Ok(_) => prop_assert!(false, "believed"),
            Err(error) => {
                prop_assert_eq!(error.to_api().code, 403);
                let told = format!("{error} {error:?}");
                prop_assert!(!told.contains(SECRET), "{}", told);
            }
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    assert!(verify(&token).is_ok(), "forgeries do not shut the owner out");
}
