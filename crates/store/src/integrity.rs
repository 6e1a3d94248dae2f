//! What a look through the whole database finds wrong (`bia doctor --db`): damage that the database itself knows of,
//! indexes that are gone, rows without their parent, and documents that disagree with the tables beside them.
//!
//! Everything is read in pages while instances serve on; what looks wrong is looked at a second time under a lock
//! before it is reported, because a registration may have come between two pages.

use crate::Store;
use crate::connection::Dialect;
use crate::error::{Result, StoreError};
use crate::identities::identity_from;
use crate::identity_writes::{Claim, claims_of};
use crate::migrate::names_made;
use crate::query::{Query, Row};
use crate::session_rows::{session_columns, session_of};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Rows read at a time.
const PAGE: u32 = 500;
/// More of one kind tell nothing new.
const FAULTS_MAX: usize = 20;
/// The column after those of `session_columns`.
const UPSTREAM_PROVIDER: usize = 9;

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Pages of the file contradict each other (SQLite's own check).
    Storage,
    /// An index or a constraint is missing, or PostgreSQL doesn't use it.
    Index,
    /// A row belongs to a row that is gone.
    Orphan,
    /// A document can't be read.
    Document,
    /// Identifiers or addresses of an identity, or columns of a session, are not those of its document.
    Mismatch,
}

/// One fault. It names ids, tables and indexes, never what a document holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub what: String,
}

impl Fault {
    fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }
}

impl Store {
    /// Looks through all of it; empty when all is well. Takes as long as reading every row does.
    ///
    /// # Errors
    /// When the database can't be asked at all.
    pub async fn check_integrity(&self) -> Result<Vec<Fault>> {
        let mut faults = self.storage().await?;
        faults.extend(self.indexes().await?);
        faults.extend(self.orphans().await?);
        faults.extend(self.identities_disagree().await?);
        faults.extend(self.sessions_disagree().await?);
        Ok(faults)
    }

    /// SQLite reads its file from end to end; PostgreSQL has no such statement, its checksums do that at every read.
    async fn storage(&self) -> Result<Vec<Fault>> {
        if self.dialect() == Dialect::Postgres {
            return Ok(Vec::new());
        }
        let rows = self.fetch_all(Query::new("check_integrity", "PRAGMA integrity_check(20)")).await?;
        let texts = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        Ok(texts.into_iter().filter(|text| *text != "ok").map(|text| Fault::new(FaultKind::Storage, text)).collect())
    }

    async fn indexes(&self) -> Result<Vec<Fault>> {
        let query = Query::by_dialect(
            "check_integrity",
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'index')",
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'i')",
        );
        let there = self.names(query).await?;
        let wanted = names_made(self.dialect());
        let gone = wanted.into_iter().filter(|name| !there.contains(*name));
        let mut faults: Vec<Fault> =
            gone.map(|name| Fault::new(FaultKind::Index, format!("the table or index {name} is missing"))).collect();
        if self.dialect() == Dialect::Postgres {
            let invalid = Query::new(
                "check_integrity",
                "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = current_schema() AND NOT (i.indisvalid AND i.indisready)",
            );
            for name in self.names(invalid).await? {
                faults.push(Fault::new(FaultKind::Index, format!("the index {name} is invalid and not used")));
            }
            let unchecked = Query::new(
                "check_integrity",
                "SELECT c.conname::text FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace \
                 WHERE n.nspname = current_schema() AND NOT c.convalidated",
            );
            for name in self.names(unchecked).await? {
                faults.push(Fault::new(FaultKind::Index, format!("the constraint {name} was never checked")));
            }
        }
        Ok(faults)
    }

    async fn names(&self, query: Query<'_>) -> Result<BTreeSet<String>> {
        self.fetch_all(query).await?.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    async fn orphans(&self) -> Result<Vec<Fault>> {
        let queries = [
            ("credential_identifiers", ORPHANED_IDENTIFIERS),
            ("addresses", ORPHANED_ADDRESSES),
            ("sessions", ORPHANED_SESSIONS),
        ];
        let mut faults = Vec::new();
        for (table, sql) in queries {
            let count = match self.fetch_optional(Query::new("check_integrity", sql)).await? {
                Some(row) => row.int(0)?,
                None => 0,
            };
            if count > 0 {
                let what = format!("{count} row(s) of {table} belong to an identity that is gone");
                faults.push(Fault::new(FaultKind::Orphan, what));
            }
        }
        Ok(faults)
    }

    /// Compares what each identity's document claims with the tables that keep it unique.
    async fn identities_disagree(&self) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        let mut after = None;
        while faults.len() < FAULTS_MAX {
            let page = self.documents(after).await?;
            let (Some(first), Some(last)) = (page.first(), page.last()) else { break };
            let mut kept = self.kept_claims(first.0, last.0).await?;
            for (id, body) in &page {
                let kept = kept.remove(id).unwrap_or_default();
                if difference(body, &kept).is_some()
                    && let Some(fault) = self.look_again(*id).await?
                {
                    faults.push(fault);
                }
            }
            after = Some(last.0);
        }
        faults.truncate(FAULTS_MAX);
        Ok(faults)
    }

    async fn documents(&self, after: Option<Uuid>) -> Result<Vec<(Uuid, String)>> {
        let query = match after {
            Some(after) => {
                Query::new("check_integrity", "SELECT id, body FROM identities WHERE id > $1 ORDER BY id LIMIT $2")
                    .bind(after)
                    .bind(PAGE)
            }
            None => Query::new("check_integrity", "SELECT id, body FROM identities ORDER BY id LIMIT $1").bind(PAGE),
        };
        let rows = self.fetch_all(query).await?;
        rows.iter().map(|row| Ok((row.uuid(0)?, row.text(1)?.to_owned()))).collect()
    }

    async fn kept_claims(&self, first: Uuid, last: Uuid) -> Result<BTreeMap<Uuid, BTreeSet<Claim>>> {
        let mut kept: BTreeMap<Uuid, BTreeSet<Claim>> = BTreeMap::new();
        let identifiers = Query::new("check_integrity", IDENTIFIERS).bind(first).bind(last);
        for row in &self.fetch_all(identifiers).await? {
            kept.entry(row.uuid(0)?).or_default().extend(Claim::identifier(row.text(1)?, row.text(2)?));
        }
        let addresses = Query::new("check_integrity", ADDRESSES).bind(first).bind(last);
        for row in &self.fetch_all(addresses).await? {
            kept.entry(row.uuid(0)?).or_default().extend(Claim::address(row.text(1)?, row.text(2)?, row.text(3)?));
        }
        Ok(kept)
    }

    /// One identity under a lock, so that nobody changes it between its document and its rows.
    async fn look_again(&self, id: Uuid) -> Result<Option<Fault>> {
        let mut unit = self.begin().await?;
        let document = Query::by_dialect(
            "check_integrity",
            "SELECT body FROM identities WHERE id = $1",
            "SELECT body FROM identities WHERE id = $1 FOR SHARE",
        );
        let Some(row) = unit.fetch_optional(document.bind(id)).await? else { return Ok(None) };
        let body = row.text(0)?.to_owned();
        let mut kept = BTreeSet::new();
        for row in &unit.fetch_all(Query::new("check_integrity", IDENTIFIERS).bind(id).bind(id)).await? {
            kept.extend(Claim::identifier(row.text(1)?, row.text(2)?));
        }
        for row in &unit.fetch_all(Query::new("check_integrity", ADDRESSES).bind(id).bind(id)).await? {
            kept.extend(Claim::address(row.text(1)?, row.text(2)?, row.text(3)?));
        }
        Ok(difference(&body, &kept).map(|(kind, what)| Fault::new(kind, format!("the identity {id} {what}"))))
    }

    async fn sessions_disagree(&self) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        let mut after = None;
        while faults.len() < FAULTS_MAX {
            let query = match after {
                Some(after) => Query::new("check_integrity", NEXT_SESSIONS).bind(after).bind(PAGE),
                None => Query::new("check_integrity", FIRST_SESSIONS).bind(PAGE),
            };
            let rows = self.fetch_all(query).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.uuid(0)?);
            for row in &rows {
                faults.extend(fault_of_session(row)?);
            }
        }
        faults.truncate(FAULTS_MAX);
        Ok(faults)
    }
}

const ORPHANED_IDENTIFIERS: &str = "SELECT COUNT(*) FROM credential_identifiers c \
    WHERE NOT EXISTS (SELECT 1 FROM identities i WHERE i.id = c.identity_id)";
const ORPHANED_ADDRESSES: &str = "SELECT COUNT(*) FROM addresses a \
    WHERE NOT EXISTS (SELECT 1 FROM identities i WHERE i.id = a.identity_id)";
const ORPHANED_SESSIONS: &str = "SELECT COUNT(*) FROM sessions s \
    WHERE NOT EXISTS (SELECT 1 FROM identities i WHERE i.id = s.identity_id)";
const IDENTIFIERS: &str = "SELECT identity_id, type, identifier FROM credential_identifiers \
    WHERE identity_id >= $1 AND identity_id <= $2";
const ADDRESSES: &str =
    "SELECT identity_id, kind, via, value FROM addresses WHERE identity_id >= $1 AND identity_id <= $2";
const FIRST_SESSIONS: &str =
    concat!("SELECT ", session_columns!(), ", s.upstream_provider FROM sessions s ORDER BY s.id LIMIT $1");
const NEXT_SESSIONS: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", s.upstream_provider FROM sessions s WHERE s.id > $1 ORDER BY s.id LIMIT $2"
);

fn difference(body: &str, kept: &BTreeSet<Claim>) -> Option<(FaultKind, String)> {
    let Ok(identity) = identity_from(body) else {
        return Some((FaultKind::Document, "has a document that can't be read".to_owned()));
    };
    let claimed = claims_of(&identity);
    let (missing, extra) = (claimed.difference(kept).count(), kept.difference(&claimed).count());
    (missing + extra > 0).then(|| {
        let what = format!("lacks {missing} and has {extra} surplus row(s) of identifiers and addresses");
        (FaultKind::Mismatch, what)
    })
}

fn fault_of_session(row: &Row) -> Result<Option<Fault>> {
    let id = row.uuid(0)?;
    let session = match session_of(row, false) {
        Ok(session) => session,
        Err(StoreError::Damaged { .. }) => {
            let what = format!("the session {id} has a document that can't be read");
            return Ok(Some(Fault::new(FaultKind::Document, what)));
        }
        Err(error) => return Err(error),
    };
    let provider = session.upstream.as_ref().map(|upstream| upstream.provider.as_str());
    Ok((provider != row.optional_text(UPSTREAM_PROVIDER)?).then(|| {
        let what = format!("the session {id} is filed under another provider than its document names");
        Fault::new(FaultKind::Mismatch, what)
    }))
}
