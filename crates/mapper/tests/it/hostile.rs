//! Mappers that mean harm, run beside honest ones.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bia_mapper::{Mapper, Settings};

use crate::{evaluate, settings};

/// Snippets by what they attack. None may do anything but end, with a value or with an error that has a name.
fn hostile() -> Vec<String> {
    let nested = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let mut all: Vec<String> = [
        // Recursion.
        "local f(x) = f(x + 1); f(1)",
        "local f(x) = 1 + f(x + 1); f(1)",
        "local f(x) = f(x + 1) tailstrict; f(1)",
        "local f(a, b) = if a == 0 then b + 1 else if b == 0 then f(a - 1, 1) else f(a - 1, f(a, b - 1)); f(4, 4)",
        "{ a: self.b, b: self.a }",
        "local a = a + 1; a",
        "local a = b, b = a; a",
        "{ a: { b: $.a.b } }",
        "local o = { a: o }; o",
        "local f(x) = { x: f(x + 1) }; f(1)",
        "local f(x) = [f(x + 1)]; f(1)",
        "local y(f) = (function(x) f(x(x)))(function(x) f(x(x))); y(function(g) g)",
        "std.foldl(function(a, i) { n: a }, std.range(1, 100000), {})",
        "std.foldl(function(a, i) [a], std.range(1, 100000), [])",
        "std.foldl(function(a, i) function() a(), std.range(1, 100000), function() 1)()",
        // Time.
        "local fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2); fib(45)",
        "std.foldl(function(a, i) std.foldl(function(b, j) b + j, std.range(1, 100000), a), std.range(1, 100000), 0)",
        "std.foldl(function(a, i) a + i, std.range(1, 1e9), 0)",
        "std.length([x for x in std.range(1, 100000) for y in std.range(1, 100000)])",
        "std.count([std.md5(std.toString(i)) for i in std.range(1, 100000000)], 'x')",
        "std.sort(std.makeArray(100000, function(i) -i), function(x) std.foldl(function(a, b) a + b, std.range(1, 10000), x))",
        "std.setUnion(std.range(1, 10000000), std.range(5, 10000005))",
        // Memory.
        "std.range(1, 1e9)",
        "std.makeArray(1e9, function(i) i)",
        "std.makeArray(1e308, function(i) i)",
        "std.repeat('x', 4000000000)",
        "std.repeat([1], 1000000000)",
        "local d(s, n) = if n == 0 then s else d(s + s, n - 1); d('x', 60)",
        "local d(s, n) = if n == 0 then s else d(s + s, n - 1); d([1], 60)",
        "std.foldl(function(s, i) s + s, std.range(1, 60), 'x')",
        "std.join('x', std.makeArray(100000000, function(i) 'y'))",
        "std.split(std.repeat('a,', 200000000), ',')",
        "std.base64(std.repeat('abc', 300000000))",
        "std.md5(std.repeat('x', 1000000000))",
        "std.stringChars(std.repeat('x', 100000000))",
        "std.flatMap(function(x) [x, x], std.flatMap(function(x) std.range(1, 100000), std.range(1, 100000)))",
        "std.foldl(function(o, i) o + { ['k' + i]: i }, std.range(1, 100000), {})",
        "[[[x, y, z] for x in std.range(1, 1000)] for y in std.range(1, 1000) for z in std.range(1, 1000)]",
        "std.manifestJsonEx(std.range(1, 10000000), std.repeat(' ', 1000))",
        "std.strReplace(std.repeat('a', 1000000), 'a', std.repeat('b', 10000))",
        "'%1000000000d' % 1",
        "'%*d' % [1000000000, 1]",
        "'%.1000000000f' % 1.5",
        "std.parseYaml('a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]')",
        "std.parseJson(std.repeat('[', 200000))",
        "std.parseYaml(std.repeat('[', 200000))",
        // Numbers.
        "1e309",
        "std.pow(10, 400)",
        "1 << 1000",
        "std.exp(1000)",
        "0 / 0",
        "-1e308 * 10",
        "'abc'[-1:100000000000:0]",
        "std.substr('abc', -5, 1e18)",
        "std.char(1114112)",
        "std.codepoint('')",
        // Texts of errors, and what reaches a log.
        "error std.repeat('x', 50000000)",
        "assert false : std.repeat('x', 1000000); 1",
        "std.foldl(function(a, i) std.trace('flood', a), std.range(1, 1000000), 0)",
        "std.trace(std.repeat('x', 50000000), 1)",
        "error { a: 1 }",
        "error null",
        // Bytes that are no text.
        "std.decodeUTF8([255, 254, 128])",
        "std.base64Decode('//79')",
        "std.char(55296)",
        "std.encodeUTF8(std.repeat('\u{1f600}', 100000000))",
        // The outside.
        "import '/etc/passwd'",
        "importstr '/proc/self/environ'",
        "importbin '/dev/zero'",
        "importstr '/dev/stdin'",
        "import 'https://example.com/x'",
        "import (self)",
        "std.native('exec')('id')",
        "std.native('readFile')",
        "std.extVar('HOME')",
        "std.thisFile",
        "std.resolvePath('/etc/x', 'passwd')",
        // Odd texts.
        "",
        " ",
        "\0",
        "'\0'",
        "\u{feff}{}",
        "'\\ud800'",
        "\"\\u0000\"",
        "{ ['\\u0000']: 1 }",
        "\u{202e}{}",
        "/*",
        "|||\n",
        "'",
        "{ 'a': 1, 'a': 2 }",
        "{ assert false }",
        "local x = 1",
        "function(x=x) x",
        "local f(x, x) = 1; f(1, 2)",
        "super.x",
        "self",
        "$",
        "{ a: super.a }.a",
        "tailstrict",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend([
        nested("(", ")", 100_000),
        nested("[", "]", 100_000),
        nested("{a:", "}", 100_000),
        nested("!", "", 100_000),
        nested("-", "", 100_000),
        nested("if true then ", "", 50_000),
        nested("local x = 1; ", "", 50_000),
        nested("function(x) ", "", 50_000),
        nested("1 + ", "", 200_000),
        nested("a.", "", 100_000),
        "[".repeat(500_000),
        format!("'{}'", "\\u00e9".repeat(100_000)),
        format!("{{ {} }}", (0..50_000).map(|i| format!("f{i}: {i},")).collect::<String>()),
        format!("local {} z = 1; z", (0..20_000).map(|i| format!("v{i} = {i}, ")).collect::<String>()),
        "x".repeat(10 * 1024 * 1024),
        format!("{}1", "\n".repeat(900_000)),
        format!("/*{}*/ 1", "*".repeat(900_000)),
    ]);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_mappers_end_inside_their_limits_and_disturb_no_honest_one() {
    let hostile = hostile();
    assert!(hostile.iter().collect::<HashSet<_>>().len() >= 60);
    let mapper = Mapper::new(Settings {
        timeout: Duration::from_secs(1),
        queue_wait_max: Duration::from_secs(600),
        ..settings()
    });
    let honest = "local c = std.extVar('claims'); { identity: { traits: { email: c.email, groups: std.length(c.raw_claims.groups) } } }";
    evaluate(&mapper, honest).await.expect("runs alone");
    let before = resident_bytes();

    let deadlines = Arc::new(AtomicUsize::new(0));
    let attack = tokio::spawn({
        let (mapper, deadlines) = (mapper.clone(), Arc::clone(&deadlines));
        async move {
            let attacks = hostile.into_iter().map(|text| {
                let (mapper, deadlines) = (mapper.clone(), Arc::clone(&deadlines));
                tokio::spawn(async move {
                    let result = evaluate(&mapper, &text).await;
                    deadlines.fetch_add(usize::from(matches!(&result, Err(e) if e.kind() == "timeout")), Relaxed);
                    (result, text)
                })
            });
            let attacks: Vec<_> = attacks.collect();
            let mut ended = Vec::new();
            for attack in attacks {
                ended.push(attack.await.expect("no panic"));
            }
            ended
        }
    });
    let mut served = 0;
    while !attack.is_finished() {
        let passed = deadlines.load(Relaxed);
        let value = evaluate(&mapper, honest).await.expect("an honest evaluation never fails");
        // One worker is left to proven mappers, so the attacks time out one after the other: two of them take a deadline.
        assert!(deadlines.load(Relaxed) - passed < 2, "it waited for more than one deadline");
        assert_eq!(value, r#"{"identity":{"traits":{"email":"alice@contoso.example","groups":3}}}"#);
        served += 1;
    }
    assert!(served > 20, "{served} honest evaluations");
    assert!(deadlines.load(Relaxed) > 2, "hardly anything was hostile");

    for (result, text) in attack.await.expect("no panic") {
        let text: String = text.chars().take(60).collect();
        match result {
            Ok(value) => assert!(value.len() <= 256 * 1024, "{text}"),
            Err(error) => {
                assert!(
                    !matches!(error.kind(), "worker_lied" | "worker_unavailable" | "queue_timeout" | "worker_died"),
                    "{text}: {error}"
                );
                assert!(
                    error.diagnostic().len() < 8 * 1024,
                    "{text}: {} bytes of diagnostic",
                    error.diagnostic().len()
                );
                assert!(error.code() == 500);
            }
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "the server grew by {grown} bytes");
}

/// Pieces that make snippets which get past the lexer, and often past the parser.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    "::",
    "+:",
    ",",
    ";",
    ".",
    "=",
    "==",
    "+",
    "-",
    "!",
    "%",
    "local ",
    "if ",
    " then ",
    " else ",
    " for ",
    " in ",
    "function",
    "error ",
    "assert ",
    "import ",
    "self",
    "super",
    "$",
    "x",
    "f",
    "a",
    "std",
    "std.extVar('claims')",
    "claims",
    "'s'",
    "\"d\"",
    "1",
    "1e99",
    "null",
    "true",
    "|||\n",
    "\n",
    "// c\n",
    "std.map(",
    "std.range(1,9)",
    "std.foldl(",
    "tailstrict",
    "é",
    "\0",
    "[x for x in ",
    "local f(x)=",
];

#[test]
fn random_snippets_end_with_a_value_or_a_named_error_in_every_job() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mapper = Mapper::new(settings());
    let snippet = prop::collection::vec(prop::sample::select(PIECES), 0..25).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&snippet, |text| {
        let source = bia_mapper::Source { name: "random", text: &text };
        runtime.block_on(async {
            let evaluated = evaluate(&mapper, &text).await;
            if let Err(error) = &evaluated {
                let named =
                    ["worker_lied", "worker_died", "worker_unavailable", "evaluator_panicked"].contains(&error.kind());
                prop_assert!(!named, "{}", error);
                prop_assert!(error.diagnostic().len() < 8 * 1024);
            }
            let checked = mapper.check(&source).await;
            prop_assert!(checked.is_ok() || evaluated.is_err());
            prop_assert_eq!(mapper.lint(&source, None).await.is_ok(), checked.is_ok());
            if let Ok(formatted) = mapper.format(&source).await {
                let again = evaluate(&mapper, &formatted).await;
                prop_assert_eq!(again.ok(), evaluated.ok(), "formatting changed the meaning");
            }
            Ok(())
        })
    });
    outcome.expect("every snippet ends well");
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
}
