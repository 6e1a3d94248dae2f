//! Results for people at a terminal.

use super::{Paint, harmless};
use crate::suite::{Outcome, Results};
use crate::{lint as linting, run as running};
use bia_mapper::LintSeverity;
use bia_model::difference::{Change, Kind};
use serde_json::Value;
use std::fmt::Write as _;

/// The outcome of one run.
pub fn run(report: &running::Report, paint: Paint) -> String {
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        let _ = writeln!(text, "{}\n{}\n", paint.strong(title), body.trim_end());
    };
    if let Some(output) = &report.output {
        section("Mapper output", &format!("{output:#}"));
    }
    if let Some(error) = report.error.as_ref().filter(|error| error.kind != "schema") {
        section(&paint.bad("The mapper failed"), &error.diagnostic);
    }
    if let Some(reason) = &report.deny {
        section(&paint.odd("The mapper refuses this sign-in"), &format!("The visitor reads: {reason}"));
    }
    if let Some(verdict) = &report.schema {
        let lines = verdict.refusals.iter().map(|refusal| format!("{}: {}", refusal.pointer, refusal.message));
        match verdict.valid {
            true => section("Identity schema", &paint.good("accepts the traits")),
            false => {
                section(&paint.bad("The identity schema refuses the traits"), &lines.collect::<Vec<_>>().join("\n"))
            }
        }
    }
    if let Some(changes) = &report.changes {
        section("Changes with update_identity_on_login: automatic", &difference(changes, paint));
    }
    match report.reproduced {
        Some(true) => section("Capture", "the captured failure shows again"),
        Some(false) => section("Capture", "the captured failure does not show"),
        None => {}
    }
    for note in &report.notes {
        section("Note", note);
    }
    harmless_but_colours(text.trim_end(), paint) + "\n"
}

fn difference(changes: &[Change], paint: Paint) -> String {
    if changes.is_empty() {
        return "none".to_owned();
    }
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    changes.iter().fold(String::new(), |mut text, Change { path, kind, before, after }| {
        let line = match kind {
            Kind::Added => paint.good(&format!("+ {path}: {}", json(after))),
            Kind::Removed => paint.bad(&format!("- {path}: {}", json(before))),
            Kind::Changed => paint.odd(&format!("~ {path}: {} -> {}", json(before), json(after))),
        };
        let _ = writeln!(text, "{line}");
        text
    })
}

/// The outcome of folders of cases.
pub fn test(results: &Results, paint: Paint) -> String {
    let mut text = String::new();
    for case in &results.cases {
        let mark = match case.outcome {
            Outcome::Passed => paint.good("ok     "),
            Outcome::Failed => paint.bad("FAILED "),
            Outcome::Updated => paint.odd("updated"),
        };
        let _ = writeln!(text, "{mark} {} {}", case.mapper, case.case);
        for line in case.detail.iter().flat_map(|detail| detail.lines()) {
            let _ = writeln!(text, "        {line}");
        }
    }
    let Results { passed, failed, updated, .. } = results;
    let _ = write!(text, "{passed} passed, {failed} failed");
    if *updated > 0 {
        let _ = write!(text, ", {updated} updated");
    }
    harmless_but_colours(&text, paint) + "\n"
}

/// Findings, one after the other, as compilers print them.
pub fn lint(report: &linting::Report, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(error) = &report.error {
        let _ = writeln!(text, "{} {}", paint.bad("error:"), error.diagnostic);
    }
    for finding in &report.findings {
        let severity = match finding.severity {
            LintSeverity::Error => paint.bad("error"),
            LintSeverity::Warning => paint.odd("warning"),
        };
        let place = if finding.line == 0 { String::new() } else { format!(":{}:{}", finding.line, finding.column) };
        let _ = writeln!(text, "{}{place}: {severity}: {} [{}]", report.file, finding.message, finding.rule);
        if let Some(excerpt) = &finding.excerpt {
            let caret = format!("{}{}", " ".repeat(excerpt.caret), "^".repeat(excerpt.width.max(1)));
            let _ = writeln!(text, "    {}\n    {caret}", excerpt.text);
        }
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "    help: {hint}");
        }
    }
    harmless_but_colours(&text, paint)
}

fn harmless_but_colours(text: &str, paint: Paint) -> String {
    if paint == Paint::OFF {
        return harmless(text);
    }
    // Only our own colour codes pass.
    let codes = ["\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        out += &harmless(&rest[..at]);
        let code = codes.iter().find(|code| rest[at..].starts_with(**code));
        out += code.copied().unwrap_or("\u{fffd}");
        rest = &rest[at + code.map_or(1, |code| code.len())..];
    }
    out + &harmless(rest)
}
