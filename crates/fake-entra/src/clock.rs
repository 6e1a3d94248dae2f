//! The stand-in's clock, which tests may stop or move.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::macros::format_description;

/// Seconds since 1970: the system's, moved by an offset, or standing still.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) standing_at: Option<i64>,
    pub(crate) offset: i64,
}

impl Clock {
    pub(crate) fn now(self) -> i64 {
        let base = self.standing_at.unwrap_or_else(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
        });
        base + self.offset
    }
}

/// `2026-11-21 02:03:06Z`, as in Entra's error texts.
pub(crate) fn entra_timestamp(seconds: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|moment| moment.format(format).ok()).unwrap_or_default()
}
