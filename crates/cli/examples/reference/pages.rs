//! Which pages are generated, and from what.

use super::{commands, keys};
use serde_json::Value;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The generated pages of the book: path in the repository, text.
pub(crate) fn generated(root: &Path) -> io::Result<Vec<(String, String)>> {
    Ok(vec![
        ("docs/reference/keys.md".to_owned(), keys::page()),
        ("docs/reference/commands.md".to_owned(), commands::page()),
        ("docs/reference/aadsts.md".to_owned(), aadsts()),
        ("docs/differences.md".to_owned(), differences(root)?),
    ])
}

/// What Microsoft's numbers mean, as the log explains them.
fn aadsts() -> String {
    let mut out = "\
# AADSTS numbers

What Microsoft's error numbers mean for your configuration, and what visitors read in their place. This page is generated from
the table that explains them in the log; `cargo run -p bia --example reference` writes it anew. Microsoft changes its
numbers, so nothing in Bia depends on them: they only explain. A number that isn't here is logged as it is, with
Microsoft's correlation id.

| Number | What it means, and what to change | What the visitor reads |
| --- | --- | --- |
"
    .to_owned();
    for one in bia_provider::explanations() {
        let codes: Vec<String> = one.codes().iter().map(|code| format!("AADSTS{code}")).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            codes.join(", "),
            one.operator,
            one.visitor.unwrap_or("a plain sentence, and the reference for you")
        );
    }
    out
}

/// The README's table, and where the contract suite sees it.
fn differences(root: &Path) -> io::Result<String> {
    let readme = std::fs::read_to_string(root.join("README.md"))?;
    let part = readme.split("\n## Differences from Kratos\n").nth(1).unwrap_or_default();
    let table: Vec<&str> =
        part.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).collect();
    let listed: Value = serde_json::from_str(&std::fs::read_to_string(root.join("tests/contract/departures.json"))?)?;
    let mut reasons: Vec<&str> = Vec::new();
    for reason in entries(&listed).filter_map(|entry| entry["reason"].as_str()) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let mut out = format!(
        "# Differences from Kratos\n\n\
         What Bia does otherwise than Kratos, on purpose. What is not in this table is meant to be the same; a difference that \
         isn't listed is a bug. This page is generated from the README and `tests/contract/departures.json`; \
         `cargo run -p bia --example reference` writes it anew.\n\n{}\n\n\
         ## As the contract suite sees them\n\n\
         The suite plays recorded conversations with Kratos against Bia. These are the reasons for which an answer may differ:\n\n",
        table.join("\n").replace("](docs/", "](").replace("](tests/", "](../tests/")
    );
    for reason in reasons {
        let _ = writeln!(out, "- {reason}");
    }
    Ok(out)
}

fn entries(listed: &Value) -> impl Iterator<Item = &Value> {
    let list = listed.as_array().or_else(|| listed["departures"].as_array());
    list.map(Vec::as_slice).unwrap_or_default().iter()
}

/// The index of all pages for programs that read: title, address and first sentence, in the order of the book.
pub(crate) fn llms_txt(root: &Path) -> io::Result<(String, String)> {
    let summary = std::fs::read_to_string(root.join("docs/SUMMARY.md"))?;
    let mut out = "# Bia\n\n> Signs people in with Microsoft Entra ID and any OpenID Connect provider, through the API of Ory Kratos.\n> One program beside your application; identities and sessions stay in SQLite or PostgreSQL.\n".to_owned();
    for line in summary.lines() {
        if let Some(part) = line.strip_prefix("# ").filter(|part| *part != "Summary") {
            let _ = write!(out, "\n## {part}\n\n");
        } else if let Some((title, file)) = link(line) {
            if out.ends_with("PostgreSQL.\n") {
                out.push_str("\n## Begin\n\n");
            }
            let page = std::fs::read_to_string(root.join("docs").join(file))?;
            let _ = writeln!(out, "- [{title}]({file}): {}", first_sentence(&page));
        }
    }
    Ok(("docs/llms.txt".to_owned(), out))
}

/// Title and file of a line of the summary.
pub(crate) fn link(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches("- ");
    let (title, rest) = line.strip_prefix('[')?.split_once("](")?;
    Some((title, rest.strip_suffix(')')?))
}

fn first_sentence(page: &str) -> String {
    // The parts outside of fences, of which the first prose line begins the first paragraph.
    let prose: Vec<&str> = page.split("```").step_by(2).flat_map(str::lines).collect();
    let is_plain = |line: &str| !line.is_empty() && !line.starts_with(['#', '|', '<', '!', '-']);
    let paragraph = prose.iter().skip_while(|line| !is_plain(line)).take_while(|line| !line.is_empty());
    let text = paragraph.copied().collect::<Vec<_>>().join(" ");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].trim_end_matches(':').to_owned()
}
