//! What the server says to visitors, and whether the built-in pages can say it in every language that they speak.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Explained by the error's id on the pages, so that the sentence itself is for programs and support.
const EXPLAINED_BY_ID: [&str; 9] = [
    "Please retry the flow and optionally clear your cookies.",
    "We detected an AJAX call, please",
    "This endpoint can only be accessed with a valid session.",
    "An active session was found but it does not fulfill the requested Authenticator Assurance Level.",
    "The login session is too old and thus not allowed to update these fields.",
    // Each with what is wrong in the gap; the whole sentences are in the catalogue.
    "The identity provider's answer was not accepted: {}. Please sign in again.",
    "has been blocked. Please consult the documentation.",
    // For whoever writes mappers and requests; Kratos' own words.
    "Please check your Jsonnet code!",
    "Please include a token in the URL query.",
];

fn german() -> BTreeSet<String> {
    let catalogue: serde_json::Value =
        serde_json::from_str(include_str!("../../../pages/languages/de.json")).expect("JSON");
    catalogue["values"]["reason"].as_object().expect("sentences").keys().map(|sentence| gapless(sentence)).collect()
}

/// Gaps have other names in a source than in a catalogue.
fn gapless(sentence: &str) -> String {
    let mut parts = sentence.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "{}" + part.split_once('}').map_or("", |(_, after)| after))
}

#[test]
fn what_is_told_about_a_number_of_microsoft_is_told_in_german_too() {
    let german = german();
    let told: Vec<_> = bia_provider::explanations().iter().filter_map(|known| known.visitor).collect();
    assert!(told.len() >= 10, "{told:?}");
    let missing: Vec<_> = told.iter().filter(|sentence| !german.contains(**sentence)).collect();
    assert!(missing.is_empty(), "crates/pages/languages/de.json lacks {missing:?}");
}

/// Fields of a form are named by the schema; a visitor may meet each of the one that `bia init` and `bia dev` write.
#[test]
fn every_field_of_the_shipped_schema_has_a_german_name() {
    fn titles(value: &serde_json::Value, found: &mut Vec<String>) {
        for (key, child) in value.as_object().into_iter().flatten() {
            match child.as_str() {
                // A group's own title is on no page.
                Some(title) if key == "title" && value["type"] != "object" => found.push(title.to_owned()),
                _ => titles(child, found),
            }
        }
    }
    let schema = serde_json::from_str(include_str!("../../../../config/identity.schema.json")).expect("JSON");
    let mut found = Vec::new();
    titles(&schema, &mut found);
    assert!(found.len() >= 4, "{found:?}");
    let german: serde_json::Value =
        serde_json::from_str(include_str!("../../../pages/languages/de.json")).expect("JSON");
    let missing: Vec<_> = found.iter().filter(|title| german["values"]["title"][title.as_str()].is_null()).collect();
    assert!(missing.is_empty(), "crates/pages/languages/de.json lacks {missing:?}");
}

/// Whoever is asked to do something is asked in a language of theirs: a new sentence with "Please" needs its German.
#[test]
fn every_sentence_that_asks_a_visitor_to_do_something_exists_in_german() {
    let german = german();
    let mut asked = 0;
    let mut missing = Vec::new();
    for part in ["provider", "selfservice", "hooks", "mapper"] {
        for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(part).join("src")) {
            let text = fs::read_to_string(&file).expect("a source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for sentence in literals(code).iter().filter(|sentence| sentence.contains("lease ")) {
                asked += 1;
                let sentence = gapless(sentence);
                if !german.contains(&sentence) && !EXPLAINED_BY_ID.iter().any(|known| sentence.contains(known)) {
                    missing.push(format!("{}: {sentence}", file.display()));
                }
            }
        }
    }
    assert!(asked > 30, "{asked} found");
    assert!(missing.is_empty(), "crates/pages/languages/de.json lacks\n  {}", missing.join("\n  "));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
    found
}

/// The plain string literals of a source, comments left out.
fn literals(code: &str) -> Vec<String> {
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let mut found = Vec::new();
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // A quote as a character.
            '\'' if letters.as_str().starts_with("\"'") => drop(letters.by_ref().take(2).count()),
            '"' => found.push(literal(&mut letters)),
            _ => {}
        }
    }
    found
}

fn literal(letters: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                // A line that goes on below.
                Some('\n') => {
                    let rest = letters.as_str();
                    let blank = rest.chars().take_while(|letter| letter.is_whitespace()).count();
                    letters.by_ref().take(blank).for_each(drop);
                }
                Some(escaped) => text.push(escaped),
                None => break,
            },
            letter => text.push(letter),
        }
    }
    text
}
