//! Bia's built-in user interface: login, registration, settings, errors, "you are signed in".
//!
//! For self-hosters who have no user interface of their own, and for the try-out. A page is a function from the JSON
//! that any other user interface would get from the public API (a flow, a session, an error) to HTML. The pages work
//! without JavaScript, with keyboard and screen reader, light and dark, on phone and desktop.
//!
//! It never does I/O while rendering, never speaks HTTP, never decides anything about flows, and knows no other crate
//! of ours. Operators' templates and languages are read once, by [`Pages::new`], which also tries each of them.
//!
//! Everything in a flow is treated as hostile: each value is escaped, each address is checked ([`safe_url`] knows the
//! allowed schemes), and [`CSP`] forbids scripts and inline styles, so that what slipped through would still not run.
//!
//! ```
//! use bia_pages::{Options, Page, Pages};
//! let pages = Pages::new(Options { title: Some("Contoso".to_owned()), ..Options::default() }).unwrap();
//! let flow = serde_json::json!({ "id": "1", "ui": { "action": "/self-service/login?flow=1", "nodes": [] } });
//! let page = Page { language: pages.language("de-AT,de;q=0.9,en;q=0.5"), ..Page::default() };
//! let html = pages.login(&flow, &page).unwrap();
//! assert!(html.contains("Anmelden") && html.contains("Contoso"));
//! ```
//!
//! Start reading in `pages.rs` (what each page is given), then `form.rs` (a flow's nodes as a form), then `templates/`.

mod assets;
mod catalogue;
mod colour;
mod csp;
mod details;
mod error;
mod error_page;
mod form;
mod language;
mod logo;
mod moment;
mod node;
mod options;
mod page;
mod pages;
mod palette;
mod placeholders;
mod provider_kind;
mod safe_url;
mod sample;
mod sentences;
mod sessions;
mod templates;
mod test_login;

pub use assets::Asset;
pub use csp::CSP;
pub use error::PageError;
pub use language::Language;
pub use options::{Options, Theme};
pub use page::{Consent, Page, Settings, Welcome};
pub use pages::Pages;
