//! Looks for mistakes in mappers: by reading them, and, when asked to, by running them on every persona.

use crate::claims;
use crate::error::Failure;
use crate::personas;
use bia_mapper::{Evaluation, LintFinding, LintSeverity, MappedIdentity, Mapper, MapperError, NO_IDENTITY, Source};
use serde::Serialize;

/// What else to look at.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The text of the identity schema that the traits must fit.
    pub schema: Option<String>,
    /// Run the mapper on the twelve personas: for mappers of Microsoft.
    pub personas: bool,
    /// Settings of the provider that the mapper is for.
    pub claims: claims::Options,
    /// Texts that mappers may import.
    pub imports: Vec<(String, String)>,
}

/// What was found in one file.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub file: String,
    pub findings: Vec<LintFinding>,
    /// It does not parse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl Report {
    /// Nothing was found.
    pub fn clean(&self) -> bool {
        self.findings.is_empty() && self.error.is_none()
    }
}

/// Lints one mapper. A finding is waived by a comment `lint: allow <rule>` in its line or in the one above; one about
/// the whole mapper by such a comment anywhere.
pub async fn lint(mapper: &Mapper, source: Source<'_>, options: &Options) -> Report {
    let mut report = Report { file: source.name.to_owned(), findings: Vec::new(), error: None };
    match mapper.lint(&source, options.schema.as_deref()).await {
        Ok(findings) => report.findings = findings,
        Err(error) => {
            report.error = Some(error.into());
            return report;
        }
    }
    if options.personas {
        report.findings.extend(failing_personas(mapper, source, options).await);
    }
    report.findings.retain(|finding| !is_waived(finding, source.text));
    report
}

/// One finding for each way in which personas fail.
async fn failing_personas(mapper: &Mapper, source: Source<'_>, options: &Options) -> Vec<LintFinding> {
    let mut findings: Vec<(LintFinding, Vec<&str>)> = Vec::new();
    for persona in personas::all() {
        let Ok(given) = claims::of_persona(&persona.name, &options.claims) else { continue };
        let ext_vars = [("claims", given.json.as_str()), ("identity", NO_IDENTITY)];
        let evaluation = Evaluation { source, ext_vars: &ext_vars, tla: &[], imports: &options.imports };
        let outcome = mapper.evaluate(evaluation).await.and_then(|output| {
            let output = serde_json::from_str(&output).unwrap_or_default();
            Ok(MappedIdentity::from_output(output)?)
        });
        let Err(error) = outcome else { continue };
        let finding = finding(error);
        match findings.iter_mut().find(|(known, _)| *known == finding) {
            Some((_, names)) => names.push(&persona.name),
            None => findings.push((finding, vec![&persona.name])),
        }
    }
    let named = |(finding, names): (LintFinding, Vec<&str>)| LintFinding {
        message: format!("fails for the persona {}: {}", names.join(", "), finding.message),
        ..finding
    };
    findings.into_iter().map(named).collect()
}

fn finding(error: MapperError) -> LintFinding {
    let failure = Failure::from(error);
    let place = failure.place;
    LintFinding {
        rule: "fails-for-persona".to_owned(),
        severity: LintSeverity::Error,
        message: failure.message,
        hint: place.as_ref().and_then(|place| place.hints.first().cloned()),
        line: place.as_ref().map_or(0, |place| place.line),
        column: place.as_ref().map_or(0, |place| place.column),
        excerpt: place.and_then(|place| place.excerpt),
    }
}

fn is_waived(finding: &LintFinding, text: &str) -> bool {
    let waives = |line: &str| {
        let comment = line.split_once("//").or_else(|| line.split_once('#')).map(|(_, comment)| comment);
        let rules = comment.and_then(|comment| comment.trim().strip_prefix("lint: allow "));
        rules.is_some_and(|rules| rules.split([' ', ',']).any(|rule| rule == finding.rule))
    };
    match finding.line {
        0 => text.lines().any(waives),
        line => text.lines().skip(line.saturating_sub(2)).take(if line == 1 { 1 } else { 2 }).any(waives),
    }
}
