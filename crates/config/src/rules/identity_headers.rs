//! `bia.identity_headers`: names that proxies and applications can rely on, templates that can be filled.

use std::collections::BTreeMap;

use serde_json::Value;

use super::at;
use crate::finding::{Finding, KeyPath};
use crate::identity_headers::{HeaderTemplate, MOST_HEADERS, refused_name};

const KEY: &str = "bia.identity_headers";

pub(super) fn check(root: &Value, findings: &mut Vec<Finding>) {
    let Some(headers) = at(root, KEY).and_then(Value::as_object) else { return };
    let key = KeyPath::of(KEY);
    if headers.len() > MOST_HEADERS {
        let message = format!("names {} headers; at most {MOST_HEADERS} fit into what proxies read", headers.len());
        findings.push(
            Finding::error("too_many", key.clone(), message).help("Leave out what the application can ask for itself."),
        );
    }
    let mut seen = BTreeMap::new();
    for (name, template) in headers {
        let path = key.child(name);
        if let Some(why) = refused_name(name) {
            findings.push(Finding::error("header_name", path.clone(), format!("is no name for such a header: {why}")));
        } else if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
            let message = format!("is the same header as `{other}`: case does not count");
            findings.push(Finding::error("header_name", path.clone(), message).help("Remove one of the two."));
        }
        if let Some(Err(message)) = template.as_str().map(HeaderTemplate::parse) {
            let finding = Finding::error("header_template", path, message);
            findings
                .push(finding.help(
                    r#"For example `{identity.id}`, `{verified_email}` or `{metadata_public.groups|join:","}`."#,
                ));
        }
    }
}
