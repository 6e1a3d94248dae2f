//! Listing identities for the admin API (contract §1.8).

use crate::Store;
use crate::error::Result;
use crate::identities::identity_of;
use crate::paging::{Listed, Page};
use crate::query::Query;
use bia_model::Identity;
use uuid::Uuid;

/// Which identities. Kratos combines none of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdentityFilter {
    #[default]
    All,
    Ids(Vec<Uuid>),
    /// Any credential has one of these identifiers, for example one as typed and one normalised.
    Identifier(Vec<String>),
    /// Any credential has an identifier that begins with one of these.
    IdentifierSimilar(Vec<String>),
    Organization(Uuid),
}

impl IdentityFilter {
    /// An empty list lets nobody through, and SQL has no text for one.
    fn names_nothing(&self) -> bool {
        match self {
            Self::All | Self::Organization(_) => false,
            Self::Ids(ids) => ids.is_empty(),
            Self::Identifier(texts) | Self::IdentifierSimilar(texts) => texts.is_empty(),
        }
    }
}

impl Store {
    /// A page, ordered by id.
    pub async fn list_identities(&self, filter: &IdentityFilter, page: &Page<Uuid>) -> Result<Listed<Identity>> {
        if filter.names_nothing() {
            return Ok(Listed::cut(Vec::new(), page));
        }
        let mut query = Query::assembled("list_identities", "SELECT i.body FROM identities i WHERE ");
        push_filter(&mut query, filter);
        if let Page::After { cursor: Some(cursor), .. } = page {
            query.push(" AND i.id > ");
            query.push_arg(*cursor);
        }
        query.push(" ORDER BY i.id LIMIT ");
        query.push_arg(page.limit());
        query.push(" OFFSET ");
        query.push_arg(page.offset());
        let rows = self.fetch_all(query).await?;
        let items = rows.iter().map(identity_of).collect::<Result<_>>()?;
        Ok(Listed::cut(items, page))
    }

    /// How many identities the filter lets through.
    pub async fn count_identities(&self, filter: &IdentityFilter) -> Result<u64> {
        if filter.names_nothing() {
            return Ok(0);
        }
        let mut query = Query::assembled("count_identities", "SELECT COUNT(*) FROM identities i WHERE ");
        push_filter(&mut query, filter);
        let row = self.fetch_optional(query).await?;
        let count = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn push_filter<'q>(query: &mut Query<'q>, filter: &'q IdentityFilter) {
    const OF_CREDENTIALS: &str = "i.id IN (SELECT c.identity_id FROM credential_identifiers c WHERE ";
    match filter {
        IdentityFilter::All => query.push("1 = 1"),
        IdentityFilter::Ids(ids) => {
            query.push("i.id IN ");
            query.push_list(ids.iter().copied());
        }
        IdentityFilter::Organization(id) => {
            query.push("i.organization_id = ");
            query.push_arg(*id);
        }
        IdentityFilter::Identifier(identifiers) => {
            query.push(OF_CREDENTIALS);
            query.push("c.identifier IN ");
            query.push_list(identifiers.iter().map(String::as_str));
            query.push(")");
        }
        IdentityFilter::IdentifierSimilar(prefixes) => {
            query.push(OF_CREDENTIALS);
            for (index, prefix) in prefixes.iter().enumerate() {
                // Kratos: `LIKE '<escaped>%'`. As a range it means the same and both databases use the index.
                query.push(if index == 0 { "(c.identifier >= " } else { " OR (c.identifier >= " });
                query.push_arg(prefix.as_str());
                query.push(" AND c.identifier < ");
                query.push_arg(format!("{prefix}{}", char::MAX));
                query.push(")");
            }
            query.push(")");
        }
    }
}
