//! `bia mapper run` and `bia mapper test`: what a mapper makes of claims, through the workers that serve.

use super::jsonnet::read;
use crate::args::{MapperRun, MapperTest};
use crate::{glob, output};
use anyhow::{Context as _, ensure};
use bia_mapper::{Evaluation, Mapper, NO_IDENTITY, Settings, Source};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Claims are no larger in a sign-in, either.
const CLAIMS_BYTES_MAX: u64 = 1024 * 1024;
const CLAIMS_SUFFIX: &str = ".claims.json";

pub(crate) async fn run(args: MapperRun) -> anyhow::Result<ExitCode> {
    let claims = if args.claims.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(CLAIMS_BYTES_MAX + 1).read_to_string(&mut text)?;
        text
    } else {
        read(&args.claims)?
    };
    let identity = args.identity.as_deref().map(read).transpose()?;
    let mapper = Mapper::new(Settings::default());
    let outcome = evaluate(&mapper, &args.mapper, &claims, identity.as_deref()).await;
    mapper.shutdown().await;
    match outcome? {
        Ok(value) => output::json(&value)?,
        Err(diagnostic) => {
            output::note(diagnostic);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One case and how it came out.
struct Case {
    mapper: PathBuf,
    name: String,
    /// What is wrong, if anything.
    fault: Option<String>,
}

pub(crate) async fn test(args: MapperTest) -> anyhow::Result<ExitCode> {
    let mapper = Mapper::new(Settings::default());
    let mut cases = Vec::new();
    for path in glob::expand(&args.mappers)? {
        run_cases(&mapper, &path, args.update, &mut cases).await?;
    }
    mapper.shutdown().await;
    let failed = cases.iter().filter(|case| case.fault.is_some()).count();
    if args.json {
        let all = cases.iter().map(|case| json!({ "mapper": case.mapper, "case": case.name, "fault": case.fault }));
        output::json(&all.collect::<Vec<_>>())?;
    } else {
        for case in &cases {
            match &case.fault {
                None => output::line(format_args!("ok    {} {}", case.mapper.display(), case.name)),
                Some(fault) => output::line(format_args!("FAIL  {} {}\n{fault}", case.mapper.display(), case.name)),
            }
        }
        output::line(format_args!("{} passed, {failed} failed", cases.len() - failed));
    }
    Ok(super::code(failed == 0))
}

async fn run_cases(mapper: &Mapper, path: &Path, update: bool, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    let folder = path.with_extension("");
    let claims = glob::expand(&[format!("{}/*{CLAIMS_SUFFIX}", folder.display())])
        .with_context(|| format!("{} has no cases in {}", path.display(), folder.display()))?;
    for claims_path in claims {
        let file_name = claims_path.file_name().unwrap_or_default().to_string_lossy();
        let name = file_name.trim_end_matches(CLAIMS_SUFFIX).to_owned();
        let beside = |suffix: &str| folder.join(format!("{name}{suffix}"));
        let identity = beside(".identity.json");
        let identity = identity.is_file().then(|| read(&identity)).transpose()?;
        let got = match evaluate(mapper, path, &read(&claims_path)?, identity.as_deref()).await? {
            Ok(value) => value,
            Err(diagnostic) => json!({ "error": diagnostic }),
        };
        let expected_path = beside(".expected.json");
        let fault = if update {
            std::fs::write(&expected_path, serde_json::to_string_pretty(&got)? + "\n")?;
            None
        } else {
            let expected: Value = serde_json::from_str(&read(&expected_path)?)
                .with_context(|| format!("{} is not JSON", expected_path.display()))?;
            fault(&expected, &got)
        };
        cases.push(Case { mapper: path.to_owned(), name, fault });
    }
    Ok(())
}

/// An expected error is a part of the message; anything else must be equal.
fn fault(expected: &Value, got: &Value) -> Option<String> {
    let message = |value: &Value| value.get("error").and_then(Value::as_str).map(str::to_owned);
    match (message(expected), message(got)) {
        (Some(part), Some(whole)) if whole.contains(&part) => None,
        _ if expected == got => None,
        _ => Some(format!("  expected {expected:#}\n  got      {got:#}")),
    }
}

/// What came out of the mapper, or what is wrong with it; the person who wrote it reads both.
async fn evaluate(
    mapper: &Mapper,
    path: &Path,
    claims: &str,
    identity: Option<&str>,
) -> anyhow::Result<Result<Value, String>> {
    let (name, text) = (path.display().to_string(), read(path)?);
    let identity = identity.unwrap_or(NO_IDENTITY);
    for (what, json) in [("claims", claims), ("identity", identity)] {
        let parsed: Value = serde_json::from_str(json).with_context(|| format!("the {what} of {name} are not JSON"))?;
        ensure!(parsed.is_object(), "the {what} of {name} must be a JSON object");
    }
    let source = Source { name: &name, text: &text };
    let ext_vars = [("claims", claims), ("identity", identity)];
    let evaluation = Evaluation { source, ext_vars: &ext_vars, tla: &[], imports: &[] };
    let value: Value = match mapper.evaluate(evaluation).await {
        Ok(json) => serde_json::from_str(&json).context("the mapper's output is not JSON")?,
        Err(error) => return Ok(Err(error.diagnostic())),
    };
    if value.get("deny").is_none_or(Value::is_null) {
        // A shape that a sign-in would refuse is an error here, too.
        if let Err(error) = mapper.map_identity(&source, claims, identity).await {
            return Ok(Err(error.diagnostic()));
        }
    }
    Ok(Ok(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expected_error_matches_by_a_part_of_its_message_and_nothing_else_does() {
        let got = json!({ "error": "Field does not exist: email" });
        assert!(fault(&json!({ "error": "does not exist" }), &got).is_none());
        assert!(fault(&json!({ "error": "timeout" }), &got).is_some());
        assert!(fault(&json!({ "identity": {} }), &got).is_some());
        assert!(fault(&json!({ "error": "" }), &json!({ "identity": {} })).is_some());
    }
}
