//! Finding identities.

use crate::error::{Result, StoreError};
use crate::query::{Query, Row};
use crate::transaction::Transaction;
use bia_model::{CredentialsType, Identity};
use uuid::Uuid;

/// Which of an identity's two kinds of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressKind {
    Verifiable,
    Recovery,
}

impl AddressKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Verifiable => "verifiable",
            Self::Recovery => "recovery",
        }
    }
}

on_both! {
    /// The identity with everything that belongs to it. To change it, see
    /// [`Transaction::find_identity_for_update`] and [`Transaction::update_identity`].
    pub async fn find_identity(sql, id: Uuid) -> Result<Option<Identity>> {
        let query = Query::new("find_identity", "SELECT body FROM identities WHERE id = $1").bind(id);
        found(sql.fetch_optional(query).await?)
    }

    /// Those that exist, ordered by id.
    pub async fn find_identities(sql, ids: &[Uuid]) -> Result<Vec<Identity>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Query::assembled("find_identities", "SELECT body FROM identities WHERE id IN ");
        query.push_list(ids.iter().copied());
        query.push(" ORDER BY id");
        sql.fetch_all(query).await?.iter().map(identity_of).collect()
    }

    /// Whoever signs in with that identifier, for `oidc` `<provider id>:<subject>`. Compared byte by byte.
    pub async fn find_identity_by_identifier(
        sql,
        credentials_type: CredentialsType,
        identifier: &str
    ) -> Result<Option<Identity>> {
        let query = Query::new(
            "find_identity_by_identifier",
            "SELECT i.body FROM credential_identifiers c JOIN identities i ON i.id = c.identity_id \
             WHERE c.type = $1 AND c.identifier = $2",
        )
        .bind(credentials_type.as_str())
        .bind(identifier);
        found(sql.fetch_optional(query).await?)
    }

    /// Whoever has that address.
    pub async fn find_identity_by_address(
        sql,
        kind: AddressKind,
        via: &str,
        value: &str
    ) -> Result<Option<Identity>> {
        let query = Query::new(
            "find_identity_by_address",
            "SELECT i.body FROM addresses a JOIN identities i ON i.id = a.identity_id \
             WHERE a.kind = $1 AND a.via = $2 AND a.value = $3",
        )
        .bind(kind.as_str())
        .bind(via)
        .bind(value);
        found(sql.fetch_optional(query).await?)
    }

    /// Whoever carries that id of another system.
    pub async fn find_identity_by_external_id(sql, external_id: &str) -> Result<Option<Identity>> {
        let query = Query::new(
            "find_identity_by_external_id",
            "SELECT body FROM identities WHERE external_id = $1",
        )
        .bind(external_id);
        found(sql.fetch_optional(query).await?)
    }

    /// How many links to a provider exist, which tells whether its id may be changed.
    pub async fn count_links(sql, provider_id: &str) -> Result<u64> {
        // From "<id>:" up to the next character after the colon.
        let query = Query::new(
            "count_links",
            "SELECT COUNT(*) FROM credential_identifiers \
             WHERE type = 'oidc' AND identifier >= $1 AND identifier < $2",
        )
        .bind(format!("{provider_id}:"))
        .bind(format!("{provider_id};"));
        let row = sql.fetch_optional(query).await?;
        let count = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

impl Transaction {
    /// As [`Transaction::find_identity`], and nobody else can change it until this unit ends.
    pub async fn find_identity_for_update(&mut self, id: Uuid) -> Result<Option<Identity>> {
        // SQLite has one writer, and this unit is it.
        let query = Query::by_dialect(
            "find_identity_for_update",
            "SELECT body FROM identities WHERE id = $1",
            "SELECT body FROM identities WHERE id = $1 FOR UPDATE",
        )
        .bind(id);
        found(self.fetch_optional(query).await?)
    }
}

impl crate::Store {
    /// The provider ids that links exist for, at most `limit`. An id that is missing from the configuration
    /// was probably renamed there, which cuts its people off.
    pub async fn list_linked_providers(&self, limit: usize) -> Result<Vec<String>> {
        let mut providers = Vec::new();
        let mut from = String::new();
        // Jumps from one provider to the next through the index, however many links each has.
        while providers.len() < limit {
            let query = Query::new(
                "list_linked_providers",
                "SELECT identifier FROM credential_identifiers \
                 WHERE type = 'oidc' AND identifier >= $1 ORDER BY identifier LIMIT 1",
            )
            .bind(from.as_str());
            let Some(row) = self.fetch_optional(query).await? else {
                break;
            };
            let identifier = row.text(0)?;
            let provider = identifier.split(':').next().unwrap_or(identifier);
            from = format!("{provider};");
            providers.push(provider.to_owned());
        }
        Ok(providers)
    }
}

fn found(row: Option<Row>) -> Result<Option<Identity>> {
    row.as_ref().map(identity_of).transpose()
}

/// Reads the first column as an identity.
pub(crate) fn identity_of(row: &Row) -> Result<Identity> {
    identity_from(row.text(0)?)
}

pub(crate) fn identity_from(body: &str) -> Result<Identity> {
    serde_json::from_str(body).map_err(|error| StoreError::document("identity", &error))
}
