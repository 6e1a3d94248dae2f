//! JUnit's XML, as build servers read it.

use crate::suite::{Outcome, Results};
use std::fmt::Write as _;

/// One `testsuite` for each mapper.
pub fn junit(results: &Results) -> String {
    let mut suites: Vec<&str> = results.cases.iter().map(|case| case.mapper.as_str()).collect();
    suites.dedup();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites tests=\"{}\" failures=\"{}\">", results.cases.len(), results.failed);
    for suite in suites {
        let cases: Vec<_> = results.cases.iter().filter(|case| case.mapper == suite).collect();
        let failed = cases.iter().filter(|case| case.outcome == Outcome::Failed).count();
        let time: f64 = cases.iter().map(|case| case.seconds.as_secs_f64()).sum();
        let name = escape(suite);
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{time:.3}\">",
            cases.len()
        );
        for case in cases {
            let (case_name, seconds) = (escape(&case.case), case.seconds.as_secs_f64());
            let _ = write!(xml, "    <testcase classname=\"{name}\" name=\"{case_name}\" time=\"{seconds:.3}\"");
            match &case.detail {
                Some(detail) => {
                    let first = escape(detail.lines().next().unwrap_or_default());
                    let _ = writeln!(
                        xml,
                        ">\n      <failure message=\"{first}\">{}</failure>\n    </testcase>",
                        escape(detail)
                    );
                }
                None => xml += "/>\n",
            }
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

/// XML has no way to write most control characters, not even escaped.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ if letter.is_control() => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
        out
    })
}
