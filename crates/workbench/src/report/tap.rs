//! The Test Anything Protocol, version 13.

use super::harmless;
use crate::suite::{Outcome, Results};
use std::fmt::Write as _;

/// One line for each case; what is wrong follows as YAML.
pub fn tap(results: &Results) -> String {
    let mut text = format!("TAP version 13\n1..{}\n", results.cases.len());
    for (index, case) in results.cases.iter().enumerate() {
        let ok = if case.outcome == Outcome::Failed { "not ok" } else { "ok" };
        // A `#` would begin a directive such as TODO, which makes a failure count as none.
        let name = one_line(&format!("{}: {}", case.mapper, case.case)).replace('#', "\\#");
        let _ = writeln!(text, "{ok} {} - {name}", index + 1);
        if let Some(detail) = &case.detail {
            text += "  ---\n  message: |\n";
            for line in harmless(detail).lines() {
                let _ = writeln!(text, "    {line}");
            }
            text += "  ...\n";
        }
    }
    text
}

fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}
