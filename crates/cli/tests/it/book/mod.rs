//! The book in `docs/`: every page is reachable, every link leads somewhere, every snippet is checked, and what is
//! generated is in step with the code.
//!
//! How a fenced block is checked says its first word; a block without one fails. `text` is for what nothing could check.
//!
//! | Fence | Checked by |
//! | --- | --- |
//! | `yaml` | loads as a configuration, whole or laid over a small one (`examples.rs`) |
//! | `yaml provider` | loads as part of one provider's entry |
//! | `yaml file=…`, `json file=…`, … | written by a test that goes through the page (`guide.rs`) |
//! | `json` | parses |
//! | `jsonnet` | parses, with the same parser that runs it |
//! | `sh` | a shell parses it; calls of `bia` parse as the program would |
//! | `html template=<name>` | is tried as a template by the tests of `bia-pages` |
//! | anything else, `of=<file>` | its lines stand in that file of the repository, one after the other |

mod generated;
mod links;
mod shell;
mod snippets;

use crate::support::root;
use std::path::{Path, PathBuf};

/// A page of the repository.
pub(crate) struct Page {
    /// From the root of the repository: `docs/start.md`.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block.
pub(crate) struct Block {
    pub(crate) page: String,
    pub(crate) line: usize,
    pub(crate) info: String,
    pub(crate) text: String,
}

impl Block {
    pub(crate) fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    /// `name=value` of the fence.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.info.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

/// Every page of the book, the README and what else is read beside them.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)).to_vec();
    collect(&root().join("docs"), &mut paths);
    collect(&root().join("contrib"), &mut paths);
    paths.sort();
    let page = |path: PathBuf| Page {
        name: path.strip_prefix(root()).expect("in the repository").to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&path).expect("a page"),
    };
    paths.into_iter().map(page).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
}

impl Page {
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in self.text.lines().enumerate() {
            let trimmed = line.trim_start();
            match (&mut open, trimmed.strip_prefix("```")) {
                (Some(_), Some("")) => open = None,
                (Some((indent, _)), _) => {
                    let block = blocks.last_mut().expect("an open block");
                    block.text.push_str(line.get(*indent..).unwrap_or_default());
                    block.text.push('\n');
                }
                (None, Some(info)) => {
                    open = Some((line.len() - trimmed.len(), info.to_owned()));
                    let (page, info) = (self.name.clone(), info.trim().to_owned());
                    blocks.push(Block { page, line: number + 1, info, text: String::new() });
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is never closed", self.name);
        blocks
    }

    /// The lines outside of fenced blocks, with their numbers.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_inside = false;
        let mut lines = Vec::new();
        for (number, line) in self.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                is_inside = !is_inside;
            } else if !is_inside {
                lines.push((number + 1, line));
            }
        }
        lines
    }
}
