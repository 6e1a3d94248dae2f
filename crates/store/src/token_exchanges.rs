//! Session token exchange of native apps (contract §3.10). Codes are hashed; the session token is kept
//! sealed under a key that needs both codes, so the database alone opens nothing.

use crate::error::{Result, StoreError};
use crate::query::{Query, Row};
use crate::token_hash::TokenHash;
use bia_model::Timestamp;
use uuid::Uuid;

/// One exchange: an app waits with the init code, a browser comes back with the return-to code.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenExchange {
    pub id: Uuid,
    pub flow_id: Uuid,
    pub init_code_hash: TokenHash,
    /// What the callback needs of the init code to seal the token; never the code itself.
    pub init_secret: String,
    pub return_to_code_hash: Option<TokenHash>,
    pub session_id: Option<Uuid>,
    pub sealed_token: Option<String>,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenExchange")
            .field("id", &self.id)
            .field("flow_id", &self.flow_id)
            .field("session_id", &self.session_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

macro_rules! columns {
    () => {
        "id, flow_id, init_code_hash, init_secret, return_to_code_hash, session_id, sealed_token, expires_at"
    };
}

on_both! {
    /// Keeps a new exchange.
    pub async fn insert_token_exchange(sql, exchange: &TokenExchange) -> Result<()> {
        let query = Query::new(
            "insert_token_exchange",
            concat!(
                "INSERT INTO token_exchanges (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            ),
        )
        .bind(exchange.id)
        .bind(exchange.flow_id)
        .bind(exchange.init_code_hash.as_bytes().as_slice())
        .bind(exchange.init_secret.as_str())
        .bind(exchange.return_to_code_hash.as_ref().map(|hash| hash.as_bytes().as_slice()))
        .bind(exchange.session_id)
        .bind(exchange.sealed_token.as_deref())
        .bind(exchange.expires_at);
        sql.execute(query).await.map(drop)
    }

    /// The exchange whose app waits with that init code.
    pub async fn find_token_exchange_by_init_code(sql, hash: &TokenHash) -> Result<Option<TokenExchange>> {
        let query = Query::new(
            "find_token_exchange_by_init_code",
            concat!("SELECT ", columns!(), " FROM token_exchanges WHERE init_code_hash = $1"),
        )
        .bind(hash.as_bytes().as_slice());
        sql.fetch_optional(query).await?.as_ref().map(exchange_of).transpose()
    }

    /// The exchange that a flow belongs to, if an app waits for it.
    pub async fn find_token_exchange_by_flow(sql, flow_id: Uuid) -> Result<Option<TokenExchange>> {
        let query = Query::new(
            "find_token_exchange_by_flow",
            concat!("SELECT ", columns!(), " FROM token_exchanges WHERE flow_id = $1 ORDER BY id LIMIT 1"),
        )
        .bind(flow_id);
        sql.fetch_optional(query).await?.as_ref().map(exchange_of).transpose()
    }

    /// Sets the return-to code, and the session with its sealed token once there is one.
    pub async fn set_token_exchange_return(
        sql,
        id: Uuid,
        return_to_code_hash: &TokenHash,
        session_id: Option<Uuid>,
        sealed_token: Option<&str>
    ) -> Result<()> {
        let query = Query::new(
            "set_token_exchange_return",
            "UPDATE token_exchanges SET return_to_code_hash = $2, session_id = $3, sealed_token = $4 \
             WHERE id = $1",
        )
        .bind(id)
        .bind(return_to_code_hash.as_bytes().as_slice())
        .bind(session_id)
        .bind(sealed_token);
        match sql.execute(query).await? {
            0 => Err(StoreError::NotFound { what: "token exchange" }),
            _ => Ok(()),
        }
    }

    /// Kratos: when a login turns into a registration, the waiting app waits for that one. False when no
    /// app waits.
    pub async fn move_token_exchange(sql, old_flow_id: Uuid, new_flow_id: Uuid) -> Result<bool> {
        let query = Query::new(
            "move_token_exchange",
            "UPDATE token_exchanges SET flow_id = $2 WHERE flow_id = $1",
        )
        .bind(old_flow_id)
        .bind(new_flow_id);
        Ok(sql.execute(query).await? > 0)
    }
}

fn exchange_of(row: &Row) -> Result<TokenExchange> {
    Ok(TokenExchange {
        id: row.uuid(0)?,
        flow_id: row.uuid(1)?,
        init_code_hash: TokenHash::from_column(row.bytes(2)?)?,
        init_secret: row.text(3)?.to_owned(),
        return_to_code_hash: row.optional_bytes(4)?.map(TokenHash::from_column).transpose()?,
        session_id: row.optional_uuid(5)?,
        sealed_token: row.optional_text(6)?.map(str::to_owned),
        expires_at: row.time(7)?,
    })
}
