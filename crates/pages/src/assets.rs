//! The files that pages load: one stylesheet, one icon, and a logo where it is a file.

use crate::colour::Colour;
use crate::error::PageError;
use crate::logo;
use crate::options::Options;
use crate::palette;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const STYLE: &str = include_str!("../assets/style.css");
const ICON: &str = include_str!("../assets/icon.svg");

/// A file that pages load. Its address changes with its contents, so it may be cached for good.
#[derive(Clone, Debug)]
pub struct Asset {
    pub content_type: &'static str,
    pub bytes: Arc<[u8]>,
    /// With its quotation marks, ready for the `ETag` header.
    pub etag: String,
}

impl Asset {
    fn new(content_type: &'static str, bytes: &[u8]) -> Self {
        let digest = hex::encode(&Sha256::digest(bytes)[..8]);
        Self { content_type, bytes: bytes.into(), etag: format!("\"{digest}\"") }
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Assets {
    style: Asset,
    icon: Asset,
    /// With its name, `logo.svg`.
    logo: Option<(String, Asset)>,
}

impl Assets {
    pub(crate) fn new(options: &Options) -> Result<Self, PageError> {
        let accent = Colour::parse(options.accent.as_deref().unwrap_or(palette::DEFAULT_ACCENT))?;
        let icon = ICON.replace("#1f5fbf", &accent.to_string()).replace("#ffffff", &accent.text_upon().to_string());
        let file = options.logo_url.as_deref().and_then(logo::path);
        let logo = file.map(|path| logo::read(&path)).transpose()?;
        Ok(Self {
            style: Asset::new("text/css; charset=utf-8", format!("{}{STYLE}", palette::css(accent)).as_bytes()),
            icon: Asset::new("image/svg+xml", icon.as_bytes()),
            logo: logo.map(|logo| (logo.name, Asset::new(logo.content_type, &logo.bytes))),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<Asset> {
        match name.trim_start_matches('/') {
            "style.css" => Some(self.style.clone()),
            "icon.svg" => Some(self.icon.clone()),
            name => self.logo.as_ref().filter(|(known, _)| known == name).map(|(_, logo)| logo.clone()),
        }
    }

    /// The address of the logo, where it is a file.
    pub(crate) fn logo_url(&self, ui_url: &str) -> Option<String> {
        self.logo.as_ref().map(|(name, _)| self.url(ui_url, name))
    }

    /// `<ui>/assets/<name>?v=<digest>`.
    pub(crate) fn url(&self, ui_url: &str, name: &str) -> String {
        let version = self.get(name).map(|asset| asset.etag.replace('"', "")).unwrap_or_default();
        format!("{}/assets/{name}?v={version}", ui_url.trim_end_matches('/'))
    }
}
