//! The only form in which tokens and codes reach the database.

use crate::error::{Result, StoreError};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a session token or code. These carry at least 190 bits of randomness, so a plain digest can't be
/// reversed by guessing, and whoever reads the database can't sign in with what is found there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as the client presents it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_column(bytes: &[u8]) -> Result<Self> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| StoreError::Damaged { what: "token hash", reason: format!("{} bytes long", bytes.len()) })
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}
