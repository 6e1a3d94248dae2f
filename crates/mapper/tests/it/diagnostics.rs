//! What a person reads when their mapper fails.

use bia_mapper::{Evaluation, Source};

use crate::{CLAIMS, evaluate_with, failure, mapper};

#[tokio::test]
async fn a_mistyped_claim_suggests_the_right_one_with_types_and_without_values() {
    let error = failure(
        &mapper(),
        "local claims = std.extVar('claims');\n{\n  identity: { traits: { email: claims.emial } },\n}",
    )
    .await;
    let text = error.diagnostic();
    assert!(text.contains("Field does not exist: emial"), "{text}");
    assert!(text.contains("test.jsonnet:3:39"), "{text}");
    assert!(text.contains("  identity: { traits: { email: claims.emial } },\n"), "{text}");
    assert!(text.contains("did you mean `claims.email`?"), "{text}");
    assert!(text.contains("claims.email (string)"), "{text}");
    let snippet = error.snippet().expect("a snippet failed");
    let excerpt = snippet.excerpt.as_ref().expect("has a place");
    let marked: String = excerpt.text.chars().skip(excerpt.caret).take(excerpt.width).collect();
    assert_eq!(marked.trim_start_matches('.'), "emial");
    for value in ["alice", "contoso", "Adams", "9c0ffee0"] {
        assert!(!text.contains(value) && !format!("{error:?}").contains(value), "{value} leaked into {text}");
    }
}

#[tokio::test]
async fn the_known_traps_have_hints() {
    let mapper = mapper();
    for (expression, hint) in [
        ("claims.tid", "write `claims.raw_claims.tid`"),
        ("claims.email_verified", "std.get(claims, 'email_verified', false)"),
        ("claims.given_name", "the provider sent no `given_name`"),
        ("claims.raw_claims.department", "'department' in claims.raw_claims"),
        ("c.raw_claims.tidd", "did you mean `claims.raw_claims.tid`?"),
        ("std.extVar('claim')", "std.extVar knows `claims`, `identity`"),
        ("import 'x.libsonnet'", "bia.mapper.import_dir"),
        ("clams", "did you mean claims?"),
    ] {
        let error =
            failure(&mapper, &format!("local claims = std.extVar('claims'), c = claims; {{ v: {expression}, w: c }}"))
                .await;
        assert!(error.diagnostic().contains(hint), "{expression}: {}", error.diagnostic());
    }
    let error = failure(&mapper, "{ v: claims.email }").await;
    assert!(error.diagnostic().contains("begin with `local claims = std.extVar('claims');`"), "{}", error.diagnostic());
}

#[tokio::test]
async fn what_a_visitor_reads_quotes_neither_source_nor_claims() {
    let mapper = mapper();
    for text in [
        "error 'secret words ' + std.extVar('claims').email",
        "{ identity: ",
        "std.extVar('claims').emial",
        "import '/etc/passwd'",
        "x",
    ] {
        let error = failure(&mapper, text).await;
        let reason = error.visitor_reason();
        assert!(
            !reason.contains("secret")
                && !reason.contains("emial")
                && !reason.contains("passwd")
                && !reason.contains("jsonnet"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_claim_in_an_error_of_the_mappers_own_is_named_not_shown() {
    let error = failure(&mapper(), "error 'no mail for ' + std.extVar('claims').name").await;
    let text = error.diagnostic();
    assert!(text.contains("no mail for <claims.name>"), "{text}");
    assert!(!format!("{error:?} {error}").contains("Alice"));
}

#[tokio::test]
async fn input_that_is_not_json_is_refused_without_being_shown() {
    let error = evaluate_with(&mapper(), "1", &[("claims", "{\"secret\": oops}")]).await.expect_err("refused");
    assert_eq!(error.kind(), "input_invalid");
    assert!(error.to_string().contains("`claims`") && !error.to_string().contains("oops"));
    assert!(
        evaluate_with(&mapper(), "std.extVar('claims').a", &[("claims", r#"{"a":1,"a":2}"#)])
            .await
            .is_ok_and(|value| value == "2")
    );
}

#[tokio::test]
async fn the_place_is_right_after_characters_of_several_bytes() {
    let error = failure(&mapper(), &format!("local claims = {CLAIMS};\n{{ 'äöü😀': 'é', b: claims.nope }}")).await;
    let snippet = error.snippet().expect("a snippet failed");
    assert_eq!((snippet.line, snippet.file.as_str()), (2, "test.jsonnet"));
    let excerpt = snippet.excerpt.as_ref().expect("has a place");
    assert!(
        excerpt.text.chars().skip(excerpt.caret).collect::<String>().trim_start_matches('.').starts_with("nope"),
        "{excerpt:?}"
    );
}

#[tokio::test]
async fn a_refused_import_is_shown_where_it_stands() {
    let imports = [("shared.libsonnet".to_owned(), "{\n  a: 1,\n  b: importstr 'gone.txt',\n}".to_owned())];
    for (text, file, line) in [
        ("local c = 1;\n{ a: c, b: import 'nowhere.libsonnet' }", "test.jsonnet", 2),
        ("{ a:\n\n  importstr 'nowhere.txt' }", "test.jsonnet", 3),
        ("(import 'shared.libsonnet').b", "shared.libsonnet", 3),
    ] {
        let source = Source { name: "test.jsonnet", text };
        let evaluation = Evaluation { source, ext_vars: &[], tla: &[], imports: &imports };
        let error = mapper().evaluate(evaluation).await.expect_err("refused");
        let snippet = error.snippet().expect("a snippet failed");
        assert_eq!((snippet.file.as_str(), snippet.line), (file, line), "{text}: {}", error.diagnostic());
        let excerpt = snippet.excerpt.as_ref().expect("has a place");
        let marked: String = excerpt.text.chars().skip(excerpt.caret).collect();
        assert!(marked.starts_with("import"), "{excerpt:?}");
    }
}
