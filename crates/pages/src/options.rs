//! What an operator may choose about the pages (`bia.ui`).

use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Light, dark, or what the visitor's system prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

/// Everything about the pages that stays the same from request to request.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name shown at the top and in the window's title, for example `Contoso`.
    pub title: Option<String>,
    /// Picture beside it: `https://…`, a path on this host, `data:image/…`, or a file (`file:///etc/bia/logo.svg`), which
    /// is read once and served below `<ui_url>/assets/`.
    pub logo_url: Option<String>,
    pub theme: Theme,
    /// Colour of buttons and links as `#rrggbb`. Shades with enough contrast are derived from it for both themes.
    pub accent: Option<String>,
    /// Folder with `*.html` that replace built-in templates of the same name.
    pub templates_dir: Option<PathBuf>,
    /// Folder with `<language>.json`: new languages, or single texts that replace built-in ones.
    pub languages_dir: Option<PathBuf>,
    /// Language for visitors whose browser asks for none that exists. Default: `en`.
    pub default_language: Option<String>,
    /// Which kind (`microsoft`, `google`, `github`, `gitlab`, `apple`, `generic`) a provider id is. Without an entry
    /// id and label are looked at.
    pub provider_kinds: BTreeMap<String, String>,
    /// What a provider id is called where a session names it, as its button does.
    pub provider_labels: BTreeMap<String, String>,
    /// `serve.public.base_url`, where the self-service routes are. Empty: the root of the pages' own host.
    pub public_url: String,
    /// Where the server mounts the pages; stylesheet and icon are below it in `assets/`. Default: `/ui`.
    pub ui_url: String,
    /// Show links to registration. Default: true.
    pub registration: bool,
    /// Origins that forms may lead to, for the `form-action` of the Content-Security-Policy. Empty: any, see
    /// [`crate::CSP`].
    pub form_targets: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            title: None,
            logo_url: None,
            theme: Theme::Auto,
            accent: None,
            templates_dir: None,
            languages_dir: None,
            default_language: None,
            provider_kinds: BTreeMap::new(),
            provider_labels: BTreeMap::new(),
            public_url: String::new(),
            ui_url: "/ui".to_owned(),
            registration: true,
            form_targets: Vec::new(),
        }
    }
}
