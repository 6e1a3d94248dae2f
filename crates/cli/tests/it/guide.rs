//! `docs/mappers.md` is true: its files are written, its commands run, and each prints what the page says.

use crate::support::{bia, root, run};
use std::path::Path;

/// A fenced block of the page.
struct Block<'a> {
    language: &'a str,
    file: Option<&'a str>,
    lines: Vec<&'a str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let (language, file) =
            info.split_once(" file=").map_or((info, None), |(language, file)| (language, Some(file)));
        blocks.push(Block { language, file, lines: lines.by_ref().take_while(|line| *line != "```").collect() });
    }
    blocks
}

/// Runs the commands of one block, each beginning with `$ bia `, and compares what they print.
fn check(folder: &Path, block: &Block<'_>) -> usize {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in &block.lines {
        match (line.strip_prefix("$ bia "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, expected))) => expected.push(line),
            (None, None) => panic!("output before any command: {line}"),
        }
    }
    for (command, expected) in &commands {
        let (_, out, err) = run(bia(folder).args(command.split(' ')));
        assert_eq!(format!("{out}{err}").trim_end(), expected.join("\n").trim_end(), "bia {command}");
    }
    commands.len()
}

#[test]
fn every_snippet_of_the_guide_runs_and_prints_what_the_page_says() {
    let page = std::fs::read_to_string(root().join("docs/mappers.md")).expect("the guide");
    let folder = tempfile::tempdir().expect("folder");
    let (mut files, mut commands) = (0, 0);
    for block in blocks(&page) {
        match block.file {
            Some(name) => {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
                std::fs::write(path, block.lines.join("\n") + "\n").expect("write");
                files += 1;
            }
            None if block.language == "sh" => commands += check(folder.path(), &block),
            None => {}
        }
    }
    assert!(files >= 8 && commands >= 12, "{files} files, {commands} commands");
}
