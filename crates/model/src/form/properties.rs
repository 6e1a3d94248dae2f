//! Any body is decoded or refused, and form and JSON say the same.

use super::*;
use crate::identity_schema::SchemaOptions;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::json;
use std::sync::LazyLock;

/// Occurs in values alone, so that it reaches a refusal only by a leak.
const SECRET: &str = "Zq7-secret-value-Zq7";

static SCHEMA: LazyLock<IdentitySchema> = LazyLock::new(|| {
    let document = json!({
        "type": "object",
        "properties": { "traits": {
            "type": "object",
            "properties": {
                "email": { "type": "string" },
                "age": { "type": "integer" },
                "size": { "type": "number" },
                "agree": { "type": "boolean" },
                "groups": { "type": "array", "items": { "type": "string" } },
                "years": { "type": "array", "items": { "type": "integer" } },
                "name": { "type": "object", "properties": { "first": { "type": "string" } } }
            },
            "required": ["agree", "size"]
        } }
    });
    IdentitySchema::parse("default", document, SchemaOptions::default()).unwrap()
});

fn key() -> impl Strategy<Value = String> {
    let known = vec![
        "traits",
        "traits.email",
        "traits.age",
        "traits.size",
        "traits.agree",
        "traits.groups",
        "traits.years",
        "traits.name",
        "traits.name.first",
        "traits.unknown",
        "traits.email.deeper",
        "traits.",
        "traits..email",
        "transient_payload",
        "transient_payload.a",
        "upstream_parameters",
        "upstream_parameters.login_hint",
        "upstream_parameters.a.b",
        "method",
        "provider",
        "csrf_token",
        "",
        ".",
        "...",
        "a.b.c",
    ];
    prop_oneof![
        6 => select(known).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => vec("[a-z]{0,2}", 0..50).prop_map(|parts| parts.join(".")),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let known = vec![
        "",
        "1",
        "-0",
        "1e999",
        "NaN",
        "true",
        "f",
        "{}",
        "[]",
        "{\"a\":{\"b\":1}}",
        "{\"email\":\"x\"}",
        "{",
        "null",
        "\"x\"",
        "9223372036854775808",
        "1.5",
        "[[[[1]]]]",
        " {}",
    ];
    prop_oneof![
        4 => select(known).prop_map(str::to_owned),
        2 => any::<String>(),
        2 => any::<String>().prop_map(|text| format!("{{{text}{SECRET}")),
        1 => (0..80_usize).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((key(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn json_body() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => vec((key(), json_value()), 0..12).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        1 => json_value(),
    ]
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What every body has to come to.
fn holds(decoded: Result<Value, ApiError>) -> Result<(), TestCaseError> {
    match decoded {
        Ok(decoded) => {
            prop_assert!(decoded.is_object());
            // Each of the names of a key may hold a body as deep as bodies may be.
            prop_assert!(depth(&decoded) <= 2 * 33, "{}", depth(&decoded));
        }
        Err(error) => {
            prop_assert_eq!(error.code, 400);
            prop_assert!(!serde_json::to_string(&error).unwrap().contains(SECRET), "a value is quoted: {:?}", error);
        }
    }
    Ok(())
}

/// The traits of one person, by the form and by JSON.
fn traits() -> impl Strategy<Value = (Vec<(String, String)>, Value)> {
    let text = "\\PC{1,12}";
    let texts = vec(text, 1..4);
    (text, any::<i64>(), any::<i32>(), any::<bool>(), texts, vec(any::<i64>(), 1..4), text).prop_map(
        |(email, age, size, agree, groups, years, first)| {
            // Never a whole number: the form writes `2.0` as `2`.
            let size = f64::from(size) + 0.5;
            let mut pairs = vec![
                ("traits.email".to_owned(), email.clone()),
                ("traits.age".to_owned(), age.to_string()),
                ("traits.size".to_owned(), size.to_string()),
                // As a page sends a box that is ticked.
                ("traits.agree".to_owned(), "false".to_owned()),
                ("traits.agree".to_owned(), agree.to_string()),
                ("traits.name.first".to_owned(), first.clone()),
            ];
            pairs.extend(groups.iter().map(|group| ("traits.groups".to_owned(), group.clone())));
            pairs.extend(years.iter().map(|year| ("traits.years".to_owned(), year.to_string())));
            let traits = json!({
                "email": email, "age": age, "size": size, "agree": agree, "groups": groups, "years": years,
                "name": { "first": first },
            });
            (pairs, traits)
        },
    )
}

proptest! {
    // The same cases in every run; `PROPTEST_CASES` goes further.
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_form_is_decoded_or_refused(pairs in vec((key(), text()), 0..24), with_schema in any::<bool>()) {
        holds(decode(&pairs, with_schema.then_some(&*SCHEMA)))?;
    }

    #[test]
    fn any_json_is_decoded_or_refused(body in json_body(), with_schema in any::<bool>()) {
        holds(decode_json(body, with_schema.then_some(&*SCHEMA)))?;
    }

    #[test]
    fn a_form_and_json_say_the_same((pairs, traits) in traits()) {
        let expected = json!({ "traits": traits });
        prop_assert_eq!(&decode(&pairs, Some(&SCHEMA)).unwrap(), &expected);
        prop_assert_eq!(&decode_json(expected.clone(), Some(&SCHEMA)).unwrap(), &expected);
        let mut flat = Map::new();
        for (name, value) in expected["traits"].as_object().unwrap() {
            match value {
                Value::Object(inner) => inner.iter().for_each(|(leaf, value)| drop(flat.insert(format!("traits.{name}.{leaf}"), value.clone()))),
                value => drop(flat.insert(format!("traits.{name}"), value.clone())),
            }
        }
        prop_assert_eq!(&decode_json(Value::Object(flat), Some(&SCHEMA)).unwrap(), &expected);
        let whole = [("traits".to_owned(), traits.to_string())];
        prop_assert_eq!(&decode(&whole, Some(&SCHEMA)).unwrap(), &expected);
    }

    #[test]
    fn what_no_schema_describes_never_becomes_a_trait(pairs in vec((key(), text()), 0..24)) {
        let leaves: Vec<_> = pairs.into_iter().filter(|(key, _)| key.contains('.')).collect();
        if let Ok(decoded) = decode(&leaves, Some(&SCHEMA)) {
            let known = ["email", "age", "size", "agree", "groups", "years", "name"];
            let traits = decoded["traits"].as_object().unwrap();
            prop_assert!(traits.keys().all(|name| known.contains(&name.as_str())), "{:?}", traits);
        }
    }
}
