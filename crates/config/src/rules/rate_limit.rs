//! `bia.rate_limit`: times that a limit can be counted in.

use std::time::Duration;

use serde_json::Value;

use super::at;
use crate::duration;
use crate::finding::{Finding, KeyPath};

const LEAST: Duration = Duration::from_millis(1);
const MOST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn check(root: &Value, findings: &mut Vec<Finding>) {
    for limit in ["per_address", "per_flow"] {
        let key = format!("bia.rate_limit.{limit}.per");
        let Some(per) = at(root, &key).and_then(Value::as_str).and_then(duration::parse) else { continue };
        if !(LEAST..=MOST).contains(&per) {
            // Nothing is refilled in no time, and a bucket that is refilled over weeks never forgets a mistake.
            let finding = Finding::error("out_of_range", KeyPath::of(&key), "is not between `1ms` and `24h`");
            findings.push(finding.help("For example `1m`. To switch the limit off, leave it out."));
        }
    }
}
