//! The audit of subject migrations: which link was rewritten when, and what it was before.

use crate::error::{Result, StoreError};
use crate::paging::{Listed, Page};
use crate::query::{Query, Row};
use bia_model::Timestamp;
use uuid::Uuid;

/// One rewritten link. Identifiers are `<provider id>:<subject>`.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectMigration {
    pub id: Uuid,
    pub provider: String,
    pub old_identifier: String,
    pub new_identifier: String,
    pub identity_id: Uuid,
    pub created_at: Timestamp,
    pub rolled_back_at: Option<Timestamp>,
}

/// Identifiers name a person at a provider.
impl std::fmt::Debug for SubjectMigration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectMigration")
            .field("id", &self.id)
            .field("provider", &self.provider)
            .field("identity_id", &self.identity_id)
            .finish_non_exhaustive()
    }
}

macro_rules! columns {
    () => {
        "id, provider, old_identifier, new_identifier, identity_id, created_at, rolled_back_at"
    };
}

on_both! {
    /// Records a rewritten link; belongs into the same unit as the rewriting.
    pub async fn insert_subject_migration(sql, migration: &SubjectMigration) -> Result<()> {
        let query = Query::new(
            "insert_subject_migration",
            concat!(
                "INSERT INTO subject_migrations (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
            ),
        )
        .bind(migration.id)
        .bind(migration.provider.as_str())
        .bind(migration.old_identifier.as_str())
        .bind(migration.new_identifier.as_str())
        .bind(migration.identity_id)
        .bind(migration.created_at)
        .bind(migration.rolled_back_at);
        sql.execute(query).await.map(drop)
    }

    /// A provider's rewritten links that weren't rolled back, ordered by id.
    pub async fn list_subject_migrations(
        sql,
        provider: &str,
        page: &Page<Uuid>
    ) -> Result<Listed<SubjectMigration>> {
        let cursor = match page {
            Page::After { cursor, .. } => cursor.unwrap_or_else(Uuid::nil),
            Page::Offset { .. } => Uuid::nil(),
        };
        let query = Query::new(
            "list_subject_migrations",
            concat!(
                "SELECT ",
                columns!(),
                " FROM subject_migrations WHERE provider = $1 AND rolled_back_at IS NULL AND id > $2 \
                 ORDER BY id LIMIT $3 OFFSET $4"
            ),
        )
        .bind(provider)
        .bind(cursor)
        .bind(page.limit())
        .bind(page.offset());
        let rows = sql.fetch_all(query).await?;
        Ok(Listed::cut(rows.iter().map(migration_of).collect::<Result<_>>()?, page))
    }

    /// Marks a rewritten link as undone; only the first time succeeds.
    pub async fn roll_back_subject_migration(sql, id: Uuid, now: Timestamp) -> Result<()> {
        let query = Query::new(
            "roll_back_subject_migration",
            "UPDATE subject_migrations SET rolled_back_at = $2 WHERE id = $1 AND rolled_back_at IS NULL",
        )
        .bind(id)
        .bind(now);
        match sql.execute(query).await? {
            0 => Err(StoreError::NotFound { what: "subject migration" }),
            _ => Ok(()),
        }
    }
}

fn migration_of(row: &Row) -> Result<SubjectMigration> {
    Ok(SubjectMigration {
        id: row.uuid(0)?,
        provider: row.text(1)?.to_owned(),
        old_identifier: row.text(2)?.to_owned(),
        new_identifier: row.text(3)?.to_owned(),
        identity_id: row.uuid(4)?,
        created_at: row.time(5)?,
        rolled_back_at: row.optional_time(6)?,
    })
}
