//! Pages of a list: by key, which stays right while rows come and go, or by offset, for Kratos' older clients.

use crate::error::{Result, StoreError};
use bia_model::{Session, Timestamp};
use uuid::Uuid;

/// More than any route of the API allows.
const SIZE_MAX: u32 = 1000;

/// Which part of a list. `size` is brought into 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page<C> {
    /// What follows the cursor; from the start without one.
    After {
        cursor: Option<C>,
        size: u32,
    },
    Offset {
        offset: u64,
        size: u32,
    },
}

impl<C> Page<C> {
    /// The first page of that size.
    pub const fn first(size: u32) -> Self {
        Self::After { cursor: None, size }
    }

    pub(crate) fn size(&self) -> u32 {
        match self {
            Self::After { size, .. } | Self::Offset { size, .. } => (*size).clamp(1, SIZE_MAX),
        }
    }

    /// One more than asked for, to know whether another page follows.
    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.size()) + 1
    }

    pub(crate) fn offset(&self) -> i64 {
        match self {
            Self::After { .. } => 0,
            Self::Offset { offset, .. } => i64::try_from(*offset).unwrap_or(i64::MAX),
        }
    }
}

/// One page, and whether another one follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    pub has_more: bool,
}

impl<T> Listed<T> {
    /// From rows that were asked for with [`Page::limit`].
    pub(crate) fn cut<C>(mut items: Vec<T>, page: &Page<C>) -> Self {
        let size = page.size() as usize;
        let has_more = items.len() > size;
        items.truncate(size);
        Self { items, has_more }
    }
}

/// Where a page of sessions ended. Newest first, so the next page holds older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    pub issued_at: Timestamp,
    pub id: Uuid,
}

impl SessionCursor {
    /// The cursor after that session.
    pub const fn after(session: &Session) -> Self {
        Self { issued_at: session.issued_at, id: session.id }
    }
}

/// `<micros>.<uuid>`: fit for a URL, opaque to clients.
impl std::fmt::Display for SessionCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.issued_at.micros(), self.id)
    }
}

impl std::str::FromStr for SessionCursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        text.split_once('.')
            .and_then(|(micros, id)| {
                Some(Self { issued_at: Timestamp::from_micros(micros.parse().ok()?), id: id.parse().ok()? })
            })
            .ok_or_else(|| StoreError::Damaged { what: "page token", reason: "expected <number>.<uuid>".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_cursor_survives_its_text_form() {
        let cursor = SessionCursor { issued_at: Timestamp::from_micros(-5), id: Uuid::from_u128(7) };
        assert_eq!(cursor.to_string().parse::<SessionCursor>().unwrap(), cursor);
        assert!("x.y".parse::<SessionCursor>().is_err());
    }
}
