//! File patterns, for shells that hand them on: `*` and `?` within a name, `**` across folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// More files than any folder of mappers holds.
const FILES_MAX: usize = 10_000;
/// Deeper folders are not looked into, against loops of links.
const DEPTH_MAX: usize = 64;

/// The files that the patterns mean, in order. A name without wildcards is taken as it is.
pub(crate) fn expand(patterns: &[String]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for pattern in patterns {
        if !pattern.contains(['*', '?']) {
            files.push(PathBuf::from(pattern));
            continue;
        }
        let root = if pattern.starts_with('/') { Path::new("/") } else { Path::new("") };
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let found = files.len();
        walk(root, &parts, &mut files, 0)?;
        if files.len() == found {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no file fits the pattern {pattern}")));
        }
        files[found..].sort();
        files.dedup();
    }
    Ok(files)
}

fn walk(folder: &Path, parts: &[&str], files: &mut Vec<PathBuf>, depth: usize) -> io::Result<()> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    if depth > DEPTH_MAX || files.len() >= FILES_MAX {
        return Err(io::Error::other("the pattern fits too many files or folders"));
    }
    if *part == "**" {
        walk(folder, rest, files, depth + 1)?;
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(here) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let (name, path) = (entry.file_name(), folder.join(entry.file_name()));
        let name = name.to_string_lossy();
        let is_folder = entry.file_type()?.is_dir();
        if *part == "**" {
            if is_folder && !name.starts_with('.') {
                walk(&path, parts, files, depth + 1)?;
            }
        } else if fits(part.as_bytes(), name.as_bytes()) {
            match rest {
                [] if path.is_file() => files.push(path),
                [_, ..] if path.is_dir() => walk(&path, rest, files, depth + 1)?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether a name fits a pattern of one path part; linear in both but for one retreat to the last `*`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&letter) if letter == b'?' || letter == name[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((star_at, star_from)) => {
                    star = Some((star_at, star_from + 1));
                    (at, from) = (star_at + 1, star_from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&letter| letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_a_name() {
        for (pattern, name, expected) in [
            ("*.jsonnet", "a.jsonnet", true),
            ("*.jsonnet", "a.json", false),
            ("a?c*", "abcd", true),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxaxx", false),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_cross_folders_and_a_plain_name_is_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).expect("folders");
        for name in ["x.jsonnet", "a/y.jsonnet", "a/b/z.jsonnet", "a/b/z.json"] {
            fs::write(folder.path().join(name), "{}").expect("file");
        }
        let pattern = |tail: &str| vec![format!("{}/{tail}", folder.path().display())];
        assert_eq!(expand(&pattern("**/*.jsonnet")).expect("files").len(), 3);
        assert_eq!(expand(&pattern("*/*.jsonnet")).expect("files").len(), 1);
        assert!(expand(&pattern("*.txt")).is_err());
        assert_eq!(expand(&["missing.jsonnet".to_owned()]).expect("kept"), [PathBuf::from("missing.jsonnet")]);
    }
}
