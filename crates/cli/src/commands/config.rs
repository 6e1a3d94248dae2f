//! `bia config check` and `bia config schema`.

use super::check_mappers::check_mappers;
use crate::args::{ConfigCheck, ForProgram};
use crate::{assemble, output};
use bia_config::{Finding, KeyPath, Loaded, Location, Severity};
use bia_identity::Schemas;
use bia_outbound::{Outbound, Policy, Sources};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn schema() -> anyhow::Result<ExitCode> {
    output::json(&bia_config::json_schema())?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that can be said without opening a port, a database or a connection.
pub(crate) async fn check(args: ConfigCheck) -> anyhow::Result<ExitCode> {
    let findings = match super::load::load(&args.files, args.dev) {
        Err(errors) => errors.errors().to_vec(),
        Ok(loaded) => {
            let mut findings: Vec<Finding> = loaded.findings().cloned().collect();
            findings.extend(stand_in(&loaded));
            findings.extend(files(&loaded).await?);
            if args.for_program == Some(ForProgram::Kratos) {
                findings.extend(bia_config::for_kratos(&loaded));
            }
            findings
        }
    };
    if args.json {
        output::json(&findings.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        print(&findings);
    }
    let worst = if args.strict { Severity::Warning } else { Severity::Advice };
    Ok(super::code(findings.iter().all(|finding| finding.severity < worst)))
}

fn stand_in(loaded: &Loaded) -> Option<Finding> {
    let error = assemble::refuse_stand_in(&loaded.config).err()?;
    Some(finding(Severity::Error, "stand_in", "selfservice.methods.oidc.config.providers", error.to_string()))
}

/// What the configuration points at on this machine: identity schemas and mappers.
async fn files(loaded: &Loaded) -> anyhow::Result<Vec<Finding>> {
    let sources = Arc::new(Sources::new(Outbound::new(Policy::default())?));
    let mut findings = Vec::new();
    if let Err(errors) = Schemas::load(Arc::new(loaded.config.clone()), sources.clone()).await {
        let all = errors
            .iter()
            .map(|error| finding(Severity::Error, "identity_schema", "identity.schemas", error.to_string()));
        findings.extend(all);
    }
    findings.extend(check_mappers(loaded, &sources).await);
    Ok(findings)
}

fn finding(severity: Severity, code: &'static str, path: &str, message: String) -> Finding {
    Finding { severity, code, path: KeyPath::of(path), location: Location::Unknown, message, help: None }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Advice => "advice",
        Severity::Warning => "warning",
    }
}

fn print(findings: &[Finding]) {
    if findings.is_empty() {
        output::line("Nothing to say against it.");
        return;
    }
    for severity in [Severity::Error, Severity::Advice, Severity::Warning] {
        for finding in findings.iter().filter(|finding| finding.severity == severity) {
            output::line(format_args!("{}: {finding}", word(severity)));
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    output::line(format_args!(
        "{} error(s), {} advice, {} warning(s)",
        count(Severity::Error),
        count(Severity::Advice),
        count(Severity::Warning)
    ));
}

fn as_json(finding: &Finding) -> Value {
    let place = match &finding.location {
        Location::Unknown => Value::Null,
        Location::File { file, line, column } => json!({ "file": file, "line": line, "column": column }),
        Location::Variable { name, line, column } => json!({ "variable": name, "line": line, "column": column }),
        Location::Override => json!({ "flag": true }),
    };
    json!({
        "severity": word(finding.severity), "code": finding.code, "key": finding.path.to_string(),
        "location": place, "message": finding.message, "help": finding.help,
    })
}
