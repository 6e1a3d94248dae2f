//! Results as text: for people here and in `report/people.rs`, for build servers as JUnit XML and TAP.

mod junit;
mod people;
mod tap;

pub use junit::junit;
pub use people::{lint, run, test};
pub use tap::tap;

use std::io::IsTerminal;

/// Colours, or none: a pipe and `NO_COLOR` get plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// None.
    pub const OFF: Self = Self(false);

    /// Colours when `stream` is a terminal whose user did not say `no_color`.
    pub fn on(stream: &impl IsTerminal, no_color: Option<&std::ffi::OsStr>) -> Self {
        Self(stream.is_terminal() && no_color.is_none_or(std::ffi::OsStr::is_empty))
    }

    fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn odd(self, text: &str) -> String {
        self.wrap("33", text)
    }

    fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A terminal obeys what it is sent: control characters out of claims and file names are shown, not sent.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' => letter,
            _ if letter.is_control() => '\u{fffd}',
            _ => letter,
        })
        .collect()
}
