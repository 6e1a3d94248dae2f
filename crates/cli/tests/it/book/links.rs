//! Links: files exist, anchors are headings, addresses elsewhere are https. Nothing is fetched.

use super::generated::slug;
use super::{Page, pages};
use crate::support::root;
use std::collections::BTreeMap;
use std::path::Path;

/// As mdBook and code hosts make anchors of headings; repeated ones are numbered.
fn anchors(page: &Page) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for (_, line) in page.prose() {
        let Some(heading) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) else { continue };
        let Some(heading) = heading.strip_prefix(' ') else { continue };
        let slug = slug(heading.trim());
        let count = seen.entry(slug.clone()).or_default();
        anchors.push(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    anchors
}

/// The targets of the links in a line, code aside.
fn targets(line: &str) -> Vec<String> {
    let without_code: String =
        line.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "code" }).collect();
    let mut found = Vec::new();
    for (at, _) in without_code.match_indices("](") {
        let rest = &without_code[at + 2..];
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth < 0
        });
        found.push(rest[..end.unwrap_or(rest.len())].to_owned());
    }
    for (at, _) in without_code.match_indices("<http") {
        found.extend(without_code[at + 1..].split('>').next().map(str::to_owned));
    }
    found
}

fn problem(page: &Page, target: &str, all: &[Page]) -> Option<String> {
    if target.contains("://") {
        let url = url::Url::parse(target).map_err(|error| error.to_string());
        return match url {
            Ok(url)
                if url.scheme() == "https"
                    || url.host_str().is_some_and(|host| host == "localhost" || host == "127.0.0.1") =>
            {
                None
            }
            Ok(_) => Some("is not https".to_owned()),
            Err(error) => Some(error),
        };
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let name = if file.is_empty() {
        page.name.clone()
    } else {
        let folder = root().join(&page.name).parent().map(Path::to_path_buf).unwrap_or_default();
        let Ok(path) = folder.join(file).canonicalize() else { return Some("does not exist".to_owned()) };
        let Ok(inside) = path.strip_prefix(root()) else { return Some("leads out of the repository".to_owned()) };
        inside.to_string_lossy().into_owned()
    };
    let anchor = anchor?;
    let Some(other) = all.iter().find(|other| other.name == name) else {
        return Some("is no page with anchors".to_owned());
    };
    (!anchors(other).iter().any(|known| known == anchor)).then(|| format!("has no heading #{anchor}"))
}

#[test]
fn every_link_leads_somewhere() {
    let all = pages();
    let mut broken = Vec::new();
    let mut count = 0;
    for page in &all {
        for (line, text) in page.prose() {
            for target in targets(text) {
                count += 1;
                broken.extend(
                    problem(page, &target, &all).map(|problem| format!("{}:{line}: {target} {problem}", page.name)),
                );
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(count > 100, "only {count} links were found");
}

#[test]
fn links_are_found_and_broken_ones_told() {
    assert_eq!(
        targets("a [b](c.md#d) `[no](x)` <https://x.example/> ![p](q_(r).svg)"),
        ["c.md#d", "q_(r).svg", "https://x.example/"]
    );
    let page = Page { name: "docs/README.md".to_owned(), text: "# One `two`\n## One two\n".to_owned() };
    assert_eq!(anchors(&page), ["one-two", "one-two-1"]);
    let all = [page];
    for (target, expected) in [
        ("#one-two", None),
        ("#three", Some("has no heading #three")),
        ("nowhere.md", Some("does not exist")),
        ("http://example.com/", Some("is not https")),
        ("../../", Some("leads out of the repository")),
    ] {
        assert_eq!(problem(&all[0], target, &all).as_deref(), expected, "{target}");
    }
}

#[test]
fn every_aadsts_number_that_the_book_names_is_explained_by_the_program() {
    let mut count = 0;
    for page in pages() {
        for (at, mark) in page.text.match_indices("AADSTS") {
            let digits: String = page.text[at + mark.len()..].chars().take_while(char::is_ascii_digit).collect();
            let Ok(code) = digits.parse() else { continue };
            count += 1;
            assert!(bia_provider::explain(code).is_some(), "{} names AADSTS{code}, which nothing explains", page.name);
        }
    }
    assert!(count > 50, "only {count} numbers were found");
}

/// Sentences between “ ” on the page about troubles are what the program says.
#[test]
fn quoted_sentences_of_the_troubleshooting_page_are_in_the_source() {
    let page = std::fs::read_to_string(root().join("docs/troubleshooting.md")).expect("the page");
    let mut sources = String::new();
    for folder in ["selfservice", "provider", "model", "server"] {
        read_sources(&root().join("crates").join(folder).join("src"), &mut sources);
    }
    // Texts that are broken over lines in the source.
    let sources = sources.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let quotes: Vec<&str> =
        page.split('“').skip(1).filter_map(|rest| rest.split('”').next()).filter(|q| q.len() > 20).collect();
    assert!(quotes.len() >= 6, "{quotes:?}");
    for quote in quotes {
        assert!(sources.contains(quote), "nobody says: {quote}");
    }
}

fn read_sources(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).expect("sources") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            read_sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push_str(&std::fs::read_to_string(&path).expect("source"));
        }
    }
}
