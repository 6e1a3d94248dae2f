//! A logo that is a file beside the configuration: read once, served as one of the pages' own files.

use crate::error::PageError;
use std::path::{Path, PathBuf};

const MAX_BYTES: u64 = 512 * 1024;

/// Endings, what a browser has to be told, and how such a file begins (nothing: any text).
const KINDS: [(&str, &str, &[u8]); 5] = [
    ("svg", "image/svg+xml", b""),
    ("png", "image/png", b"\x89PNG"),
    ("jpg", "image/jpeg", b"\xff\xd8"),
    ("jpeg", "image/jpeg", b"\xff\xd8"),
    ("webp", "image/webp", b"RIFF"),
];

/// The picture and its content type.
#[derive(Debug)]
pub(crate) struct Logo {
    /// `logo.svg`: where it is found below `assets/`.
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The path of a `file://` address; relative ones count from the working directory, as everywhere in `kratos.yml`.
pub(crate) fn path(logo_url: &str) -> Option<PathBuf> {
    logo_url.strip_prefix("file://").filter(|path| !path.is_empty()).map(PathBuf::from)
}

pub(crate) fn read(path: &Path) -> Result<Logo, PageError> {
    let wrong = |problem: String| PageError::LogoFile { path: path.into(), problem };
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let Some((ending, content_type, start)) = KINDS.iter().find(|(known, ..)| *known == ending) else {
        return Err(wrong("expected a picture: .svg, .png, .jpg, .jpeg or .webp".to_owned()));
    };
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(wrong(format!("larger than {MAX_BYTES} bytes; a logo is a small picture")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    if !bytes.starts_with(start) {
        return Err(wrong(format!("is no picture of the kind that its ending .{ending} says")));
    }
    Ok(Logo { name: format!("logo.{ending}"), content_type, bytes })
}
