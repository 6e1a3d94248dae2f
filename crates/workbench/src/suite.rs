//! Runs folders of cases and says which came out otherwise than expected; writes expectations when asked to.

use crate::cases::{Case, Suite};
use crate::claims::{self, Given};
use crate::error::{Failure, InputError};
use crate::files;
use crate::run::{self, Report, Request};
use crate::verdict;
use bia_mapper::{Mapper, Source};
use bia_model::IdentitySchema;
use bia_model::difference;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How cases are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Write what came out where it is not what was expected.
    pub update: bool,
    /// The schema of cases that have none.
    pub schema: Option<IdentitySchema>,
    /// Settings of the provider that the mapper is for.
    pub claims: claims::Options,
    /// Texts that mappers may import.
    pub imports: Vec<(String, String)>,
}

/// All cases and how they came out.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub passed: usize,
    pub failed: usize,
    pub updated: usize,
    pub cases: Vec<CaseResult>,
}

impl Results {
    /// No case failed, and there was one.
    pub fn ok(&self) -> bool {
        self.failed == 0 && !self.cases.is_empty()
    }
}

/// One case and how it came out.
#[derive(Clone, Debug, Serialize)]
pub struct CaseResult {
    pub mapper: String,
    pub case: String,
    pub outcome: Outcome,
    /// What is wrong, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(serialize_with = "seconds")]
    pub seconds: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Failed,
    /// It failed, and what came out is the expectation now.
    Updated,
}

/// Runs every case of every suite.
pub async fn test(mapper: &Mapper, suites: &[Suite], options: &Options) -> Results {
    let mut cases = Vec::new();
    for suite in suites {
        let text = files::read_text(&suite.mapper);
        for case in &suite.cases {
            let started = Instant::now();
            let judged = match &text {
                Ok(text) => judge(mapper, suite, case, text, options).await,
                Err(error) => Err(error.clone()),
            };
            let (outcome, detail) = match judged {
                Ok(judged) => judged,
                Err(error) => (Outcome::Failed, Some(error.to_string())),
            };
            cases.push(CaseResult {
                mapper: suite.mapper.display().to_string(),
                case: case.name.clone(),
                outcome,
                detail,
                seconds: started.elapsed(),
            });
        }
    }
    let count = |outcome| cases.iter().filter(|case| case.outcome == outcome).count();
    Results { passed: count(Outcome::Passed), failed: count(Outcome::Failed), updated: count(Outcome::Updated), cases }
}

async fn judge(
    mapper: &Mapper,
    suite: &Suite,
    case: &Case,
    text: &str,
    options: &Options,
) -> Result<(Outcome, Option<String>), InputError> {
    let given = given(suite, case, options)?;
    let identity = match suite.identity(case) {
        Some(path) => Some(run::identity(&files::read_json(&path)?, &path.display().to_string())?),
        None => None,
    };
    let own_schema = suite.schema(case).map(|path| verdict::schema(&path)).transpose()?;
    // The name without folders, so that recorded errors are the same wherever the folder stands.
    let name = suite.mapper.file_name().unwrap_or_default().to_string_lossy();
    let request = Request {
        source: Source { name: &name, text },
        claims: &given,
        identity: identity.as_ref(),
        schema: own_schema.as_ref().or(options.schema.as_ref()),
        imports: &options.imports,
    };
    let report = run::run(mapper, request).await;
    let Some(detail) = fault(suite, case, &report)? else {
        return Ok((Outcome::Passed, None));
    };
    if !options.update {
        return Ok((Outcome::Failed, Some(detail)));
    }
    record(suite, case, &report)?;
    Ok((Outcome::Updated, None))
}

fn given(suite: &Suite, case: &Case, options: &Options) -> Result<Given, InputError> {
    if case.persona {
        return claims::of_persona(&case.name, &options.claims);
    }
    let path = suite.claims(case);
    if !path.is_file() {
        return Err(InputError::new(path.display(), "is missing, but something is expected of it"));
    }
    claims::given(files::read_json(&path)?, &path.display().to_string(), &options.claims)
}

/// What is wrong with the result, if anything.
fn fault(suite: &Suite, case: &Case, report: &Report) -> Result<Option<String>, InputError> {
    let (expected, expected_error) = (suite.expected(case), suite.expected_error(case));
    match (expected.is_file(), expected_error.is_file()) {
        (true, true) => {
            Err(InputError::new(expected.display(), "and .expected-error.txt contradict each other: delete one"))
        }
        (false, false) => {
            Ok(Some(format!("nothing is expected of it yet; --update records this:\n{}", outcome_of(report))))
        }
        (true, false) => {
            let expected = files::read_json(&expected)?;
            Ok(match error_text(&expected) {
                Some(part) => unlike_error(part, report),
                None => unlike_output(&expected, report),
            })
        }
        (false, true) => Ok(unlike_error(files::read_text(&expected_error)?.trim(), report)),
    }
}

/// `{"error": "part of the message"}` is another way to expect an error.
fn error_text(expected: &Value) -> Option<&str> {
    let fields = expected.as_object().filter(|fields| fields.len() == 1)?;
    fields.get("error")?.as_str()
}

fn unlike_output(expected: &Value, report: &Report) -> Option<String> {
    if let Some(error) = &report.error {
        return Some(format!("expected an identity, but it failed:\n{}", error.diagnostic));
    }
    let changes = difference::between(expected, report.output.as_ref().unwrap_or(&Value::Null));
    let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
    let lines = changes.iter().fold(String::new(), |mut lines, change| {
        let at = if change.path.is_empty() { "the output" } else { &change.path };
        let _ = write!(lines, "\n  {at}: expected {}, got {}", text(&change.before), text(&change.after));
        lines
    });
    (!lines.is_empty()).then(|| format!("the output is not as expected:{lines}"))
}

/// An expected error is a part of the whole diagnostic, so that a hand-written one can be short.
fn unlike_error(part: &str, report: &Report) -> Option<String> {
    let part = part.trim();
    match &report.error {
        _ if part.is_empty() => Some("the expected error is empty, which fits nothing".to_owned()),
        Some(error) if error.diagnostic.contains(part) => None,
        Some(error) => Some(format!("expected the error\n{part}\nbut it is\n{}", error.diagnostic)),
        None => Some(format!("expected the error\n{part}\nbut it ran:\n{}", outcome_of(report))),
    }
}

fn outcome_of(report: &Report) -> String {
    match (&report.error, &report.output) {
        (Some(Failure { diagnostic, .. }), _) => diagnostic.clone(),
        (None, output) => format!("{:#}", output.as_ref().unwrap_or(&Value::Null)),
    }
}

fn record(suite: &Suite, case: &Case, report: &Report) -> Result<(), InputError> {
    let (expected, expected_error) = (suite.expected(case), suite.expected_error(case));
    let (write, remove) = if report.error.is_some() { (expected_error, expected) } else { (expected, expected_error) };
    write_file(&write, &(outcome_of(report) + "\n"))?;
    match fs::remove_file(&remove) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(InputError::new(remove.display(), format!("can't be removed: {error}")))
        }
        _ => Ok(()),
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), InputError> {
    fs::write(path, text).map_err(|error| InputError::new(path.display(), format!("can't be written: {error}")))
}
