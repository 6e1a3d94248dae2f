//! "It works": what the admin's test login found out, as a list of checks.

use crate::catalogue::Catalogue;
use crate::details;
use crate::pages::of;
use minijinja::{Value as View, context};
use serde_json::Value;
use url::form_urlencoded;

const CHECKS: [&str; 4] = ["token", "mapper", "schema", "identity"];
const KINDS: [&str; 3] = ["added", "changed", "removed"];
const ROWS_MAX: usize = 200;
const TEXT_MAX: usize = 4000;

/// What a test flow holds once it came back from the provider.
pub(crate) fn payload(flow: &Value) -> Option<&Value> {
    flow["test_context"].get("debug_payload").filter(|payload| payload.is_object())
}

/// What the template sees. `query` is that of the page itself.
pub(crate) fn view(payload: &Value, query: Option<&str>, words: &Catalogue) -> View {
    let list = |name: &str| payload[name].as_array().map(Vec::as_slice).unwrap_or_default().iter().take(ROWS_MAX);
    let text = |value: &Value| details::cut(value.as_str().unwrap_or_default(), TEXT_MAX);
    let checks: Vec<View> = list("checks")
        .filter(|check| check["id"].as_str().is_some_and(|id| CHECKS.contains(&id)))
        .map(|check| context! { id => text(&check["id"]), ok => check["ok"] == true, detail => words.sentence(&text(&check["detail"])) })
        .collect();
    let works = !checks.is_empty() && list("checks").all(|check| check["ok"] == true);
    let json = |value: &Value| if value.is_null() { String::new() } else { details::cut(&value.to_string(), TEXT_MAX) };
    let changes: Vec<View> = list("changes")
        .filter(|change| change["kind"].as_str().is_some_and(|kind| KINDS.contains(&kind)))
        .map(|change| {
            context! { kind => text(&change["kind"]), path => text(&change["path"]), before => json(&change["before"]), after => json(&change["after"]) }
        })
        .collect();
    let refusals: Vec<View> = list("schema_validation_errors")
        .map(|refusal| context! { path => text(&refusal["path"]), message => text(&refusal["message"]) })
        .collect();
    let output = payload["jsonnet_output"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    context! {
        works, checks, changes, refusals,
        diagnostic => text(&payload["jsonnet_stderr"]),
        known => payload["changes"].is_array(),
        changes_are_applied => payload["changes_are_applied"] == true,
        traits => of(&details::rows(&payload["traits"])),
        claims => of(&details::rows(&payload["id_token_claims"])),
        output => output.as_ref().map(details::json).unwrap_or_default(),
        redact_query => redact_query(query),
    }
}

/// The page's own address with names and addresses taken out; `None` when they already are.
fn redact_query(query: Option<&str>) -> Option<String> {
    let query = query.filter(|query| !is_redacted(query))?;
    let mut serializer = form_urlencoded::Serializer::new(String::new());
    serializer.extend_pairs(form_urlencoded::parse(query.as_bytes())).append_pair("redact", "1");
    Some(serializer.finish())
}

fn is_redacted(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "redact" && value == "1")
}
