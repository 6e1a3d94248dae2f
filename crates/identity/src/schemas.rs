//! The identity schemas of the configuration, parsed once and kept.

use bia_config::Config;
use bia_model::identity_schema::{IdentitySchema, SchemaError, SchemaOptions};
use bia_outbound::Sources;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// Why a schema can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemasError {
    /// The configuration doesn't name it.
    #[error("identity schema {id:?} is not in `identity.schemas`")]
    Unknown { id: String },
    /// Its text couldn't be had.
    #[error("identity schema {id:?} can't be read: {reason}")]
    Unreadable { id: String, reason: String },
    #[error("identity schema {id:?} is not JSON: line {line}, column {column}")]
    NotJson { id: String, line: usize, column: usize },
    #[error(transparent)]
    Invalid(#[from] SchemaError),
}

/// Largest schema that is read (Kratos: 1 MiB).
const SCHEMA_BYTES_MAX: usize = 1024 * 1024;

/// The schemas by id. File and inline schemas are parsed at start, http(s) ones at first use, since starting
/// never waits for the network.
#[derive(Clone)]
pub struct Schemas {
    config: Arc<Config>,
    sources: Arc<Sources>,
    parsed: Arc<RwLock<HashMap<String, IdentitySchema>>>,
}

impl Schemas {
    /// Parses every schema that doesn't need the network.
    ///
    /// # Errors
    /// Every schema that can't be used, since an operator wants to hear of all of them at once.
    pub async fn load(config: Arc<Config>, sources: Arc<Sources>) -> Result<Self, Vec<SchemasError>> {
        let schemas = Self { config: config.clone(), sources, parsed: Arc::default() };
        let mut errors = Vec::new();
        for entry in &config.identity.schemas {
            if matches!(entry.url, bia_config::Source::Http(_)) {
                continue;
            }
            if let Err(error) = schemas.get(&entry.id).await {
                errors.push(error);
            }
        }
        if errors.is_empty() { Ok(schemas) } else { Err(errors) }
    }

    /// The schema with this id.
    ///
    /// # Errors
    /// When it isn't configured, can't be read, or isn't a schema. A failure is never remembered.
    pub async fn get(&self, id: &str) -> Result<IdentitySchema, SchemasError> {
        if let Some(schema) = self.cached(id) {
            return Ok(schema);
        }
        let entry = self
            .config
            .identity
            .schemas
            .iter()
            .find(|schema| schema.id == id)
            .ok_or_else(|| SchemasError::Unknown { id: id.to_owned() })?;
        let text = self
            .sources
            .text(&entry.url.to_text(), SCHEMA_BYTES_MAX)
            .await
            .map_err(|error| SchemasError::Unreadable { id: id.to_owned(), reason: error.to_string() })?;
        let document: Value = serde_json::from_str(&text).map_err(|error| SchemasError::NotJson {
            id: id.to_owned(),
            line: error.line(),
            column: error.column(),
        })?;
        let options = SchemaOptions { disallow_ref: self.config.security.disallow_ref_in_identity_schemas };
        let schema = IdentitySchema::parse(id, document, options)?;
        if let Ok(mut parsed) = self.parsed.write() {
            parsed.insert(id.to_owned(), schema.clone());
        }
        Ok(schema)
    }

    /// The schema of identities that name none.
    pub fn default_id(&self) -> &str {
        &self.config.identity.default_schema_id
    }

    /// All configured schema ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.config.identity.schemas.iter().map(|schema| schema.id.as_str())
    }

    /// Whether a client may choose this schema for a flow.
    pub fn is_selectable(&self, id: &str) -> Option<bool> {
        self.config.identity.schemas.iter().find(|schema| schema.id == id).map(|schema| schema.selfservice_selectable)
    }

    fn cached(&self, id: &str) -> Option<IdentitySchema> {
        self.parsed.read().ok()?.get(id).cloned()
    }
}
