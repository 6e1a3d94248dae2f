//! Everything that was found, as text for people and as JSON for programs.

use crate::catalogue;
use crate::finding::{Finding, Level};
use bia_config::ConfigErrors;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Changes when a field of the JSON changes its meaning or goes away; new fields and codes may come at any time.
const FORMAT: u32 = 1;
/// Width of everything before a finding's text.
const INDENT: &str = "           ";

/// Findings in the order of their areas, the worst first within each.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(mut findings: Vec<Finding>) -> Self {
        for finding in &mut findings {
            debug_assert!(catalogue::is_listed(finding), "the guide does not list this: {finding:?}");
            for text in [&mut finding.what, &mut finding.why, &mut finding.fix, &mut finding.place] {
                *text = harmless(text);
            }
        }
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

    /// For programs; docs/doctor.md describes every field.
    pub fn to_json(&self, strict: bool) -> Value {
        json!({
            "format": FORMAT,
            "healthy": self.is_healthy(strict),
            "problems": self.count(Level::Problem),
            "warnings": self.count(Level::Warning),
            "notes": self.count(Level::Note),
            "findings": self.findings,
        })
    }

    /// For a file or a pipe. What is in order takes one line each.
    pub fn to_text(&self) -> String {
        self.render(false)
    }

    /// For a terminal that shows colours.
    pub fn to_colours(&self) -> String {
        self.render(true)
    }

    fn render(&self, colours: bool) -> String {
        let mut text = String::new();
        let mut area = None;
        for finding in &self.findings {
            if area != Some(finding.area) {
                let gap = if area.is_some() { "\n" } else { "" };
                let _ = writeln!(text, "{gap}{}", painted(colours, "1", finding.area.title()));
                area = Some(finding.area);
            }
            one(&mut text, finding, colours);
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

fn one(text: &mut String, finding: &Finding, colours: bool) {
    let (word, colour) = match finding.level {
        Level::Good => ("ok     ", "32"),
        Level::Note => ("note   ", "36"),
        Level::Warning => ("WARNING", "33"),
        Level::Problem => ("PROBLEM", "31"),
    };
    let _ = writeln!(text, "  {}  {}", painted(colours, colour, word), indented(&finding.what));
    if finding.level == Level::Good {
        return;
    }
    let place = match (finding.key.as_str(), finding.place.as_str()) {
        ("", place) => place.to_owned(),
        (key, "") => key.to_owned(),
        (key, place) => format!("{key} ({place})"),
    };
    for (name, value) in [("where", &place), ("why", &finding.why), ("fix", &finding.fix)] {
        if !value.is_empty() {
            let _ = writeln!(text, "{INDENT}{name:<6} {}", indented(value));
        }
    }
}

/// A mapper's diagnostic has several lines.
fn indented(text: &str) -> String {
    text.replace('\n', &format!("\n{INDENT}"))
}

fn painted(colours: bool, code: &str, text: &str) -> String {
    if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A terminal obeys what it is sent, and names of certificates and versions are other people's texts.
fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}
