//! From any source text to an answer, through the worker protocol: every snippet ends with JSON or with an error that has a
//! name, tells no claim, and leaves the pool fit for the next one.
//!
//! Runs for two seconds each, or as long as `BIA_FUZZ_SECONDS` says. Snippets come from a small grammar, from pieces of
//! recorded mappers put together at random, and from arbitrary text.

use std::time::{Duration, Instant};

use bia_mapper::{Mapper, MapperError, NO_IDENTITY, Settings, Source};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use crate::{evaluate_with, settings};

/// Occurs in no snippet, so that it reaches an error only by a leak.
const SECRET: &str = "Zq7-secret-value-Zq7";
/// The recorded expressions of `language.rs`, as material.
const RECORDED: &str = include_str!("language.json");

/// How long one target runs.
fn budget() -> Duration {
    let seconds = std::env::var("BIA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// New cases until the time is up; a failing one is shrunk and reported.
fn fuzz<S: Strategy>(strategy: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let until = Instant::now() + budget();
    while Instant::now() < until {
        let mut runner = TestRunner::new(Config {
            cases: 8,
            failure_persistence: None,
            max_shrink_iters: 2_000,
            max_shrink_time: 60_000,
            ..Config::default()
        });
        if let Err(failure) = runner.run(strategy, &check) {
            panic!("{failure}");
        }
    }
}

fn recorded() -> Vec<String> {
    let cases: Vec<Value> = serde_json::from_str(RECORDED).expect("readable");
    cases.iter().filter_map(|case| case["expression"].as_str()).map(str::to_owned).collect()
}

fn leaf() -> BoxedStrategy<String> {
    let words = [
        "claims",
        "claims.email",
        "claims.sub",
        "claims.raw_claims",
        "claims.raw_claims.groups",
        "claims.nope",
        "identity",
        "self",
        "$",
        "super.x",
        "null",
        "true",
        "false",
        "1",
        "0",
        "-1",
        "0.1",
        "1e308",
        "1e9",
        "9007199254740993",
        "''",
        "'a'",
        "'%s'",
        "'%(email)s'",
        "'%d'",
        "[]",
        "{}",
        "std",
        "x",
        "y",
        "std.extVar('claims')",
        "std.extVar('nope')",
        "@'a''b'",
        "|||\n  a\n|||",
        "import 'a.libsonnet'",
        "importstr 'a.libsonnet'",
        "error 'e'",
        "'\\u0000'",
        "'😀'",
    ];
    prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| format!("({number:?})"))),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
    ]
    .boxed()
}

/// A machine that is busy with something else may let a deadline pass that has nothing to do with the snippet.
fn patient(mut run: impl FnMut() -> Result<String, MapperError>) -> Result<String, MapperError> {
    for _ in 0..5 {
        match run() {
            Err(error) if error.kind() == "timeout" => {}
            outcome => return outcome,
        }
    }
    run()
}

/// Every function of the standard library that a snippet can reach by name.
fn function() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "type",
        "length",
        "get",
        "objectHas",
        "objectFields",
        "objectValues",
        "prune",
        "mapWithKey",
        "abs",
        "sign",
        "max",
        "min",
        "pow",
        "exp",
        "log",
        "floor",
        "ceil",
        "sqrt",
        "clamp",
        "toString",
        "codepoint",
        "char",
        "substr",
        "findSubstr",
        "startsWith",
        "endsWith",
        "stripChars",
        "split",
        "splitLimit",
        "splitLimitR",
        "strReplace",
        "asciiUpper",
        "asciiLower",
        "stringChars",
        "format",
        "escapeStringJson",
        "escapeStringBash",
        "parseInt",
        "parseOctal",
        "parseHex",
        "parseJson",
        "parseYaml",
        "encodeUTF8",
        "decodeUTF8",
        "manifestIni",
        "manifestPython",
        "manifestJsonEx",
        "manifestJsonMinified",
        "manifestYamlDoc",
        "manifestYamlStream",
        "manifestXmlJsonml",
        "manifestTomlEx",
        "makeArray",
        "member",
        "count",
        "find",
        "map",
        "mapWithIndex",
        "filterMap",
        "flatMap",
        "filter",
        "foldl",
        "foldr",
        "range",
        "repeat",
        "slice",
        "join",
        "deepJoin",
        "lines",
        "flattenArrays",
        "reverse",
        "sort",
        "uniq",
        "all",
        "any",
        "sum",
        "avg",
        "contains",
        "remove",
        "removeAt",
        "set",
        "setInter",
        "setUnion",
        "setDiff",
        "setMember",
        "base64",
        "base64DecodeBytes",
        "base64Decode",
        "md5",
        "sha256",
        "xor",
        "mergePatch",
        "trace",
        "trim",
        "isEmpty",
        "equalsIgnoreCase",
        "round",
        "objectRemoveKey",
        "native",
        "assertEqual",
        "flattenDeepArray",
        "minArray",
        "maxArray",
        "objectKeysValues",
        "lstripChars",
        "isString",
        "mod",
    ])
}

fn operator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "&&", "||", "==", "!=", "<", "<=", ">", ">=", "in",
    ])
}

/// Snippets that mostly parse, and often run.
fn expression() -> BoxedStrategy<String> {
    leaf()
        .prop_recursive(6, 64, 4, |inner| {
            let inner = inner.boxed();
            let list = prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                (inner.clone(), operator(), inner.clone()).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
                (function(), list.clone()).prop_map(|(name, args)| format!("std.{name}({})", args.join(", "))),
                list.clone().prop_map(|items| format!("[{}]", items.join(", "))),
                list.prop_map(|items| {
                    let fields: Vec<_> = items.iter().enumerate().map(|(at, item)| format!("f{at}: {item}")).collect();
                    format!("{{ {} }}", fields.join(", "))
                }),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(c, a, b)| format!("(if {c} then {a} else {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(local x = {a}; local y = x; {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(local x(y) = {a}; x({b}))")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a} for x in {b} if x != y for y in x]")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{ [{a}]: {b}, [if {b} then 'k']+: {a} }}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}:]")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} {{ assert {b}, x:: {b} }})")),
                inner.clone().prop_map(|a| format!("(function(x, y=x) {a})")),
                inner.clone().prop_map(|a| format!("(!{a})")),
                inner.prop_map(|a| format!("(error {a})")),
            ]
        })
        .boxed()
}

/// Recorded expressions, cut anywhere and put together.
fn spliced() -> impl Strategy<Value = String> {
    let piece = (prop::sample::select(recorded()), 0.0..1.0f64, 0.0..1.0f64).prop_map(|(text, from, to)| {
        let chars: Vec<char> = text.chars().collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small length"
        )]
        let at = |share: f64| (chars.len() as f64 * share) as usize;
        let (from, to) = (at(from.min(to)), at(from.max(to)));
        chars[from..to].iter().collect::<String>()
    });
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn snippet() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => expression().prop_map(|text| format!("local claims = std.extVar('claims'), identity = std.extVar('identity'), x = 1, y = 2; {text}")),
        2 => spliced().prop_map(|text| format!("local claims = std.extVar('claims'); {text}")),
        1 => any::<String>(),
    ]
}

fn claims() -> String {
    serde_json::json!({
        "sub": SECRET, "email": format!("{SECRET}@contoso.example"),
        "raw_claims": { "tid": SECRET, "groups": ["a", SECRET, "b"], "n": 0.97, "nested": { "deep": [{ "x": SECRET }] } },
    })
    .to_string()
}

/// Short limits: a loop without end is an honest outcome here, but should not eat the budget.
fn pool() -> Mapper {
    Mapper::new(Settings { timeout: Duration::from_millis(400), memory_bytes: 64 * 1024 * 1024, ..settings() })
}

fn fits(outcome: &Result<String, MapperError>, text: &str) -> Result<(), TestCaseError> {
    match outcome {
        Ok(json) => {
            prop_assert!(serde_json::from_str::<Value>(json).is_ok(), "not JSON: {json} from {text}");
        }
        Err(error) => {
            let told = [error.to_string(), error.diagnostic(), error.visitor_reason().into_owned()].concat();
            prop_assert!(!told.contains(SECRET), "a claim was told: {told} by {text}");
            let broken = matches!(error.kind(), "worker_died" | "worker_lied" | "worker_unavailable" | "queue_timeout");
            prop_assert!(!broken, "{}: {told} by {text}", error.kind());
        }
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn any_source_ends_with_json_or_a_named_error_that_tells_no_claim() {
    let (runtime, mapper, claims) = (runtime(), pool(), claims());
    let inputs = [("claims", claims.as_str()), ("identity", NO_IDENTITY)];
    fuzz(&snippet(), |text| {
        fits(&runtime.block_on(evaluate_with(&mapper, &text, &inputs)), &text)?;
        let count = "std.length(std.extVar('claims').raw_claims.groups)";
        let honest = patient(|| runtime.block_on(evaluate_with(&mapper, count, &inputs)));
        prop_assert_eq!(honest.map_err(|error| error.to_string()), Ok("3".to_owned()), "after {}", text);
        Ok(())
    });
}

#[test]
fn any_input_gives_itself_back_or_is_refused_by_name() {
    let (runtime, mapper) = (runtime(), pool());
    let json = any::<bool>().prop_map(Value::from).boxed();
    let number = any::<f64>().prop_map(Value::from);
    let json = prop_oneof![json, any::<i64>().prop_map(Value::from), number, any::<String>().prop_map(Value::from)]
        .prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        });
    let text = prop_oneof![3 => json.prop_map(|value| value.to_string()), 1 => any::<String>()];
    fuzz(&text, |text| {
        let inputs = [("claims", text.as_str())];
        let outcome = patient(|| runtime.block_on(evaluate_with(&mapper, "std.extVar('claims')", &inputs)));
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => {
                let found = outcome.map_err(|error| TestCaseError::fail(format!("{error} for {text}")))?;
                let found: Value =
                    serde_json::from_str(&found).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(rounded(&found), rounded(&value));
            }
            Err(_) => prop_assert_eq!(outcome.err().map(|error| error.kind()), Some("input_invalid")),
        }
        Ok(())
    });
}

/// Numbers as Jsonnet has them: doubles, with one zero. Null fields stay.
fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, |number| Value::from(number + 0.0)),
        Value::Array(elements) => elements.iter().map(rounded).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, field)| (name.clone(), rounded(field))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[test]
fn linter_and_formatter_survive_any_source_and_the_format_is_stable() {
    let (runtime, mapper) = (runtime(), pool());
    fuzz(&snippet(), |text| {
        let source = Source { name: "fuzz.jsonnet", text: &text };
        fits(&runtime.block_on(mapper.lint(&source, None)).map(|_| "1".to_owned()), &text)?;
        match runtime.block_on(mapper.format(&source)) {
            Ok(once) => {
                let again = Source { name: "fuzz.jsonnet", text: &once };
                let twice = patient(|| runtime.block_on(mapper.format(&again)));
                prop_assert_eq!(twice.map_err(|error| error.diagnostic()), Ok(once), "formatting {}", text);
                Ok(())
            }
            refused => fits(&refused, &text),
        }
    });
}
