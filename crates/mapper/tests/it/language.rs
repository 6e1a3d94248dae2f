//! The language as Kratos' evaluator speaks it: recorded expressions with the values that Kratos gave.

use bia_mapper::{Evaluation, Source};
use serde::Deserialize;
use serde_json::Value;

use crate::{CLAIMS, evaluate, evaluate_with, failure, mapper};

#[derive(Deserialize)]
struct Recorded {
    expression: String,
    #[serde(default)]
    fails: bool,
    #[serde(default)]
    value: Value,
}

/// Numbers as floats, since `1` and `1.0` are one number in Jsonnet and in JavaScript.
fn as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().expect("a float");
            Value::from(if number == 0.0 { 0.0 } else { number })
        }
        Value::Array(elements) => elements.iter().map(as_floats).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), as_floats(field))).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_recorded_expression_gives_the_value_that_kratos_gave() {
    let mapper = mapper();
    let recorded: Vec<Recorded> = serde_json::from_str(include_str!("language.json")).expect("readable");
    assert!(recorded.len() >= 60);
    let mut different = Vec::new();
    for Recorded { expression, fails, value } in recorded {
        let text = format!("local claims = std.extVar('claims'); {{ v: ({expression}) }}");
        match evaluate(&mapper, &text).await {
            Err(_) if fails => {}
            Ok(json) if !fails => {
                let found: Value = serde_json::from_str(&json).expect("JSON");
                if as_floats(&found["v"]) != as_floats(&value) {
                    different.push(format!("{expression}: {} instead of {value}", found["v"]));
                }
            }
            Ok(json) => different.push(format!("{expression}: must fail, gave {json}")),
            Err(error) => different.push(format!("{expression}: {}", error.diagnostic())),
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[tokio::test]
async fn keys_are_sorted_and_hidden_fields_left_out() {
    assert_eq!(
        evaluate(&mapper(), "{ b: 1, a:: 2, ['é']: 3, A: 4 }").await.expect("evaluates"),
        r#"{"A":4,"b":1,"é":3}"#
    );
}

#[tokio::test]
async fn a_web_hook_body_is_a_function_of_ctx() {
    let mapper = mapper();
    let run = async |text: &str| {
        let source = Source { name: "hook.jsonnet", text };
        mapper
            .evaluate(Evaluation { source, ext_vars: &[], tla: &[("ctx", r#"{"flow":{"id":"f-1"}}"#)], imports: &[] })
            .await
    };
    assert_eq!(run("function(ctx) { id: ctx.flow.id }").await.expect("evaluates"), r#"{"id":"f-1"}"#);
    let error = run("function(ctx) error 'cancel'").await.expect_err("cancels");
    assert!(error.is_cancel());
    assert!(!run("function(ctx) error 'no'").await.expect_err("fails").is_cancel());
    let error = run("function(ctx) ctx.flow.idd").await.expect_err("fails");
    assert!(error.diagnostic().contains("ctx.flow.id (string)"), "{}", error.diagnostic());
}

#[tokio::test]
async fn a_session_tokenizer_sees_session_and_claims() {
    let text = "local s = std.extVar('session'); local c = std.extVar('claims'); { claims: { sid: s.id, iss: c.iss } }";
    let ext_vars = [("session", r#"{"id":"s-1"}"#), ("claims", r#"{"iss":"https://bia.example"}"#)];
    assert_eq!(
        evaluate_with(&mapper(), text, &ext_vars).await.expect("evaluates"),
        r#"{"claims":{"iss":"https://bia.example","sid":"s-1"}}"#
    );
}

#[tokio::test]
async fn shipped_texts_can_be_imported_and_nothing_else() {
    let mapper = mapper();
    let imports = [
        (
            "lib/roles.libsonnet".to_owned(),
            "local c = import 'case.libsonnet'; { up(x): c.up(x), who:: std.extVar('claims').email }".to_owned(),
        ),
        ("lib/case.libsonnet".to_owned(), "{ up(x): std.asciiUpper(x) }".to_owned()),
        ("motd.txt".to_owned(), "hello".to_owned()),
    ];
    let run = async |text: &str, claims: &str| {
        let source = Source { name: "m.jsonnet", text };
        mapper.evaluate(Evaluation { source, ext_vars: &[("claims", claims)], tla: &[], imports: &imports }).await
    };
    let text = "local r = import 'lib/roles.libsonnet'; [r.up('a'), importstr './motd.txt', r.who]";
    assert_eq!(run(text, CLAIMS).await.expect("evaluates"), r#"["A","hello","alice@contoso.example"]"#);
    // An import is cached for one evaluation only, or the next person would be given the first one's claims.
    assert_eq!(run(text, r#"{"email":"bob@x.example"}"#).await.expect("evaluates"), r#"["A","hello","bob@x.example"]"#);
    for path in ["/etc/hostname", "../m.jsonnet", "lib/../../x", "other.libsonnet", "lib"] {
        for import in ["import", "importstr", "importbin"] {
            let error = run(&format!("{import} '{path}'"), CLAIMS).await.expect_err("must fail");
            assert_eq!(error.kind(), "import");
            assert!(error.to_string().contains(&format!("RUNTIME ERROR: import not available {path}")), "{error}");
        }
    }
}

#[tokio::test]
async fn common_errors_use_the_words_of_go_jsonnet() {
    let mapper = mapper();
    for (text, kind, words) in [
        ("{}.b", "missing_field", "RUNTIME ERROR: Field does not exist: b"),
        ("std.extVar('nope')", "missing_ext_var", "RUNTIME ERROR: Undefined external variable: nope"),
        ("error 'boom'", "raised", "RUNTIME ERROR: boom"),
        ("assert false : 'assertion text'; {}", "raised", "RUNTIME ERROR: assertion text"),
        ("assert false; {}", "raised", "RUNTIME ERROR: Assertion failed"),
        ("function(x) x", "runtime", "RUNTIME ERROR: Missing argument: x"),
        ("x", "static_analysis", "Unknown variable: x"),
        ("local f(x) = f(x + 1); f(1)", "stack_overflow", "RUNTIME ERROR: max stack frames exceeded."),
        ("[1][5]", "runtime", "RUNTIME ERROR: Index 5 out of bounds, not within [0, 1)"),
        ("1 / 0", "runtime", "RUNTIME ERROR: Division by zero."),
        ("{ identity: ", "syntax", "Unexpected end of file"),
        ("", "syntax", "Unexpected end of file"),
    ] {
        let error = failure(&mapper, text).await;
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        assert_eq!((error.code(), error.error_id()), (500, None));
    }
}
