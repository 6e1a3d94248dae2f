//! How much there is: what tests look at to know that nothing was lost or left behind.

use crate::Store;
use crate::error::Result;
use crate::query::Query;

/// Rows per table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub identities: u64,
    pub sessions: u64,
    pub flows: u64,
    pub continuity: u64,
    pub token_exchanges: u64,
    pub self_service_errors: u64,
    pub subject_migrations: u64,
}

/// Counted at the same moment. Reads an index of each table to its end, so it is not for every request.
const SQL: &str = "SELECT (SELECT COUNT(*) FROM identities), \
    (SELECT COUNT(*) FROM sessions), (SELECT COUNT(*) FROM flows), \
    (SELECT COUNT(*) FROM continuity), (SELECT COUNT(*) FROM token_exchanges), \
    (SELECT COUNT(*) FROM self_service_errors), (SELECT COUNT(*) FROM subject_migrations)";

impl Store {
    /// Counts the rows of all tables.
    pub async fn statistics(&self) -> Result<Statistics> {
        let Some(row) = self.fetch_optional(Query::new("statistics", SQL)).await? else {
            return Ok(Statistics::default());
        };
        let count = |index| row.int(index).map(|count| u64::try_from(count).unwrap_or_default());
        Ok(Statistics {
            identities: count(0)?,
            sessions: count(1)?,
            flows: count(2)?,
            continuity: count(3)?,
            token_exchanges: count(4)?,
            self_service_errors: count(5)?,
            subject_migrations: count(6)?,
        })
    }
}
