//! Mappers: read, parsed, linted against the schema, and run on the cases beside them.

use crate::examination::{PROVIDERS, Patient};
use crate::finding::{Area, Finding, Level};
use bia_config::{Config, OidcProvider, Source};
use bia_mapper::LintSeverity;
use bia_workbench::cases::Suite;
use bia_workbench::suite::Outcome;
use bia_workbench::{cases, claims, lint, suite};
use std::path::Path;

/// Largest text.
const TEXT_MAX: usize = 1024 * 1024;
/// Failing cases that are told one by one.
const CASES_TOLD: usize = 5;

/// The mapper of every enabled provider. Those on the web are left alone.
pub(crate) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let config = patient.config();
    let imports = match &patient.imports {
        Ok(imports) => imports.as_slice(),
        Err(why) => {
            return vec![
                Finding::problem(Area::Mapper, "mapper_imports", format!("what mappers import can't be read: {why}"))
                    .key("bia.mapper.import_dir")
                    .why("No mapper runs, so nobody can sign up.")
                    .fix(
                        "Name a folder that the user that runs Bia can read, with nothing in it that leads out of it.",
                    ),
            ];
        }
    };
    let schema = default_schema(config, patient).await;
    let mut findings = Vec::new();
    for (index, provider) in config.providers().iter().enumerate().filter(|(_, provider)| provider.enabled) {
        let key = format!("{PROVIDERS}.{index}.mapper_url");
        if !matches!(provider.mapper_url, Source::File(_) | Source::Base64(_)) {
            continue;
        }
        let text = match patient.sources.text(&provider.mapper_url.to_text(), TEXT_MAX).await {
            Ok(text) => text,
            Err(error) => {
                let what = format!("the mapper of `{}` can't be read: {error}", provider.id);
                findings.push(unusable("mapper_unreadable", what, &key));
                continue;
            }
        };
        let read = read(patient, provider, &text, schema.as_deref(), imports, &key).await;
        let parses = read.iter().all(|finding| finding.code != "mapper_syntax");
        findings.extend(read);
        if let (true, Source::File(path)) = (parses, &provider.mapper_url) {
            findings.extend(run_cases(patient, provider, path, imports, &key).await);
        }
    }
    findings
}

async fn default_schema(config: &Config, patient: &Patient<'_>) -> Option<String> {
    let schema = config.identity.schema(&config.identity.default_schema_id)?;
    if matches!(schema.url, Source::Http(_)) {
        return None;
    }
    patient.sources.text(&schema.url.to_text(), TEXT_MAX).await.ok().map(|text| text.to_string())
}

fn unusable(code: &'static str, what: String, key: &str) -> Finding {
    Finding::problem(Area::Mapper, code, what)
        .key(key)
        .why("Nobody can sign up with this provider.")
        .fix("A relative path counts from the working directory; `bia mapper check` says more about the text.")
}

/// Parses and lints; a comment `lint: allow <rule>` in the mapper silences a finding, as in `bia mapper lint`.
async fn read(
    patient: &Patient<'_>,
    provider: &OidcProvider,
    text: &str,
    schema: Option<&str>,
    imports: &[(String, String)],
    key: &str,
) -> Vec<Finding> {
    let name = provider.mapper_url.to_string();
    let source = bia_mapper::Source { name: &name, text };
    let options = lint::Options {
        schema: schema.map(str::to_owned),
        claims: claim_options(provider),
        imports: imports.to_vec(),
        ..lint::Options::default()
    };
    let report = lint::lint(patient.mapper, source, &options).await;
    if let Some(error) = report.error {
        let what = format!("the mapper of `{}` can't be used: {}", provider.id, error.diagnostic);
        return vec![unusable("mapper_syntax", what, key)];
    }
    if report.findings.is_empty() {
        let what = format!("the mapper of `{}` parses, and the linter finds nothing", provider.id);
        return vec![Finding::good(Area::Mapper, "mapper", what)];
    }
    let told = report.findings.into_iter().map(|lint| {
        let level = if lint.severity == LintSeverity::Error { Level::Problem } else { Level::Warning };
        let mut finding =
            Finding::new(level, Area::Mapper, "mapper_lint", format!("{} ({})", lint.message, lint.rule)).key(key);
        if lint.line > 0 {
            finding.place = format!("{name}:{}:{}", lint.line, lint.column);
        }
        finding.why("The linter says so because sign-ins of some people fail on it, or write what nobody meant.").fix(
            lint.hint
                .unwrap_or_else(|| format!("`bia mapper lint` explains it; `// lint: allow {}` allows it.", lint.rule)),
        )
    });
    told.collect()
}

async fn run_cases(
    patient: &Patient<'_>,
    provider: &OidcProvider,
    path: &Path,
    imports: &[(String, String)],
    key: &str,
) -> Vec<Finding> {
    let suites: Vec<Suite> = match cases::suites(path, false) {
        Ok(suites) => suites,
        Err(none) => {
            let what = format!("the mapper of `{}` has no cases", provider.id);
            return vec![
                Finding::note(Area::Mapper, "mapper_no_cases", what)
                    .key(key)
                    .why("A change of the mapper or of the provider's claims is noticed by the people who sign in.")
                    .fix(format!("{}: {}", none.place, none.problem)),
            ];
        }
    };
    let options =
        suite::Options { claims: claim_options(provider), imports: imports.to_vec(), ..suite::Options::default() };
    let results = suite::test(patient.mapper, &suites, &options).await;
    if results.ok() {
        let what = format!("{} case(s) of the mapper of `{}` come out as expected", results.passed, provider.id);
        return vec![Finding::good(Area::Mapper, "mapper_cases", what)];
    }
    let failed = results.cases.iter().filter(|case| case.outcome == Outcome::Failed);
    let told = failed.take(CASES_TOLD).map(|case| case.case.as_str()).collect::<Vec<_>>().join(", ");
    let more = if results.failed > CASES_TOLD { ", …" } else { "" };
    let what = format!(
        "{} of {} case(s) of the mapper of `{}` come out otherwise than expected: {told}{more}",
        results.failed,
        results.cases.len(),
        provider.id
    );
    let mut finding = Finding::problem(Area::Mapper, "mapper_cases", what)
        .key(key)
        .why("Somebody's next sign-in comes out otherwise than whoever wrote the cases wanted.")
        // What differs is not shown here: cases hold claims.
        .fix(format!(
            "`bia mapper test {}` shows what differs; --update takes it as the new expectation.",
            path.display()
        ));
    finding.place = path.display().to_string();
    vec![finding]
}

fn claim_options(provider: &OidcProvider) -> claims::Options {
    claims::Options { subject_source: provider.subject_source, profile: provider.microsoft.profile.clone() }
}
