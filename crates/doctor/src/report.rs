//! Everything that was found, as text for people and as JSON for programs.

use crate::finding::{Finding, Level};
use bia_config::ConfigErrors;
use serde::Serialize;
use std::fmt::Write as _;

/// Findings in the order of their areas, the worst first within each.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| a.area.cmp(&b.area).then(b.level.cmp(&a.level)));
        Self { findings }
    }

    /// The report on a configuration that can't even be loaded.
    pub fn of_errors(errors: &ConfigErrors) -> Self {
        Self::new(errors.errors().iter().map(Finding::of_config).collect())
    }

    /// How many findings there are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Whether nothing stands against serving; with `strict`, warnings do.
    pub fn is_healthy(&self, strict: bool) -> bool {
        let worst = if strict { Level::Warning } else { Level::Problem };
        self.findings.iter().all(|finding| finding.level < worst)
    }

    /// For the terminal. What is in order takes one line each.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut area = None;
        for finding in &self.findings {
            if area != Some(finding.area) {
                let gap = if area.is_some() { "\n" } else { "" };
                let _ = writeln!(text, "{gap}{}", finding.area.title());
                area = Some(finding.area);
            }
            let word = match finding.level {
                Level::Good => "ok     ",
                Level::Note => "note   ",
                Level::Warning => "WARNING",
                Level::Problem => "PROBLEM",
            };
            let _ = writeln!(text, "  {word}  {}", finding.what);
            let place = match (finding.key.as_str(), finding.place.as_str()) {
                ("", place) => place.to_owned(),
                (key, "") => key.to_owned(),
                (key, place) => format!("{key} ({place})"),
            };
            if finding.level == Level::Good {
                continue;
            }
            for (name, value) in [("where", &place), ("why", &finding.why), ("fix", &finding.fix)] {
                if !value.is_empty() {
                    let _ = writeln!(text, "           {name:<6} {value}");
                }
            }
        }
        let _ = writeln!(
            text,
            "\n{} problem(s), {} warning(s), {} note(s), {} in order",
            self.count(Level::Problem),
            self.count(Level::Warning),
            self.count(Level::Note),
            self.count(Level::Good)
        );
        text
    }
}
