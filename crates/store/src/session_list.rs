//! Listing sessions, newest first (contract §1.9, §8.5).

use crate::Store;
use crate::error::Result;
use crate::paging::{Listed, Page, SessionCursor};
use crate::query::Query;
use crate::session_rows::{session_columns, session_of};
use bia_model::{Session, Timestamp};
use uuid::Uuid;

/// Which sessions; everything given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    pub identity_id: Option<Uuid>,
    /// Kratos: active means flagged and unexpired at that moment; inactive is everything else.
    pub active: Option<(bool, Timestamp)>,
    /// All but this one, the caller's own.
    pub except: Option<Uuid>,
}

impl Store {
    /// A page of sessions, each with its identity when asked for.
    pub async fn list_sessions(
        &self,
        filter: &SessionFilter,
        page: &Page<SessionCursor>,
        with_identity: bool,
    ) -> Result<Listed<Session>> {
        let mut query = Query::assembled("list_sessions", concat!("SELECT ", session_columns!()));
        query.push(if with_identity {
            ", i.body FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE 1 = 1"
        } else {
            " FROM sessions s WHERE 1 = 1"
        });
        push_filter(&mut query, filter);
        if let Page::After { cursor: Some(cursor), .. } = page {
            query.push(" AND (s.issued_at, s.id) < (");
            query.push_arg(cursor.issued_at);
            query.push(", ");
            query.push_arg(cursor.id);
            query.push(")");
        }
        query.push(" ORDER BY s.issued_at DESC, s.id DESC LIMIT ");
        query.push_arg(page.limit());
        query.push(" OFFSET ");
        query.push_arg(page.offset());
        let rows = self.fetch_all(query).await?;
        let items = rows.iter().map(|row| session_of(row, with_identity)).collect::<Result<_>>()?;
        Ok(Listed::cut(items, page))
    }

    /// How many sessions the filter lets through.
    pub async fn count_sessions(&self, filter: &SessionFilter) -> Result<u64> {
        let mut query = Query::assembled("count_sessions", "SELECT COUNT(*) FROM sessions s WHERE 1 = 1");
        push_filter(&mut query, filter);
        let row = self.fetch_optional(query).await?;
        let count = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn push_filter(query: &mut Query<'_>, filter: &SessionFilter) {
    if let Some(identity_id) = filter.identity_id {
        query.push(" AND s.identity_id = ");
        query.push_arg(identity_id);
    }
    if let Some((active, now)) = filter.active {
        // The plus keeps SQLite from collecting and sorting all live sessions by way of the index on
        // `expires_at`, where walking the newest ones finds a page at once.
        query.push(if active { " AND (s.active = " } else { " AND (s.active <> " });
        query.push_arg(true);
        query.push(if active { " AND +s.expires_at > " } else { " OR +s.expires_at <= " });
        query.push_arg(now);
        query.push(")");
    }
    if let Some(except) = filter.except {
        query.push(" AND s.id <> ");
        query.push_arg(except);
    }
}
