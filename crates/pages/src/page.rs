//! What differs from request to request: whose language, which links, and what a page shows besides a flow.

use crate::language::Language;
use serde_json::Value;

/// The visitor's side of one page.
#[derive(Clone, Debug, Default)]
pub struct Page<'a> {
    /// From [`crate::Pages::language`]; the default is the default language.
    pub language: Language,
    /// `logout_url` as `GET /self-service/logout/browser` answers it. Without one no sign-out link is shown.
    pub sign_out_url: Option<&'a str>,
    /// Query of this page's own address, for example `flow=<id>`. With it the page offers the other languages as
    /// links to itself with `lang=<tag>` added; without it, it doesn't.
    pub query: Option<&'a str>,
    /// The present, in seconds since 1970. With it times are told as `5 minutes ago`, without it by date and UTC.
    pub now: Option<i64>,
    /// A line above everything, for example that this is a try-out.
    pub notice: Option<&'a str>,
}

/// What the settings page shows.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The settings flow.
    pub flow: &'a Value,
    /// This session, as `/sessions/whoami` answers.
    pub session: Option<&'a Value>,
    /// The other sessions, as `GET /sessions` answers.
    pub sessions: Option<&'a Value>,
    /// Where the form goes that ends sessions: a POST with the flow's `csrf_token` and `revoke` = `others` or the id
    /// of a session. Without it the sessions are only listed.
    pub revoke_url: Option<&'a str>,
}

/// What the page after a sign-in shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Welcome<'a> {
    /// The session with its identity, as `/sessions/whoami` answers; without one the page offers to sign in.
    pub session: Option<&'a Value>,
    /// The provider's claims, where the caller has kept them (the try-out does).
    pub claims: Option<&'a Value>,
}

/// What an administrator reports who comes back from the link that grants permissions for an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Microsoft says yes, for this tenant if it named one. Anybody can write that into an address.
    Granted(Option<String>),
    /// Why not, in words of ours.
    Refused(String),
    /// The address was opened without a report.
    Nothing,
    /// No such connection, or one that is switched off.
    Unknown,
}
