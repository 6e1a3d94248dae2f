//! What the admin API may do to identities and sessions (contract §1.8, §1.9).
//!
//! Each operation reads, decides and stores; none of them knows HTTP. Errors are Kratos' own, in its words.
//!
//! Where to start: [`create`] (one or many, with links imported), [`change`] (PUT, PATCH, DELETE) and
//! [`sessions`].

mod body;
pub mod change;
pub mod create;
mod credentials;
mod patch;
mod proof;
pub mod sessions;

pub use change::{UpdateIdentityBody, delete, patch, update};
pub use create::{BatchAction, BatchBody, BatchItem, BatchResult, CreateIdentityBody, batch, create};
pub use credentials::delete_credentials;
pub use sessions::{ManageSessionsBody, Managed, extend, manage};

use crate::identities::PrepareError;
use crate::schemas::{Schemas, SchemasError};
use bia_model::{ApiError, Timestamp, identity_schema};
use bia_store::{Store, StoreError};

/// What every operation works with.
#[derive(Clone, Copy)]
pub struct Admin<'a> {
    pub store: &'a Store,
    pub schemas: &'a Schemas,
    pub now: Timestamp,
}

pub use body::{decode, decode_strict};

/// What an operator is told about a failure of the database; the log has the rest.
pub fn store_error(error: &StoreError) -> ApiError {
    match error {
        StoreError::NotFound { .. } => ApiError::no_such_row(),
        StoreError::Conflict { .. } => ApiError::new(409)
            .with_message("Unable to insert or update resource because a resource with that value exists already"),
        StoreError::Stale { .. } => ApiError::conflict(
            "Somebody else changed this identity at the same time. Read it again and repeat the change.",
        ),
        _ => {
            tracing::error!(%error, "the database did not answer as expected");
            ApiError::new(503).with_reason("The database is not available right now. Please try again.")
        }
    }
}

fn prepare_error(error: PrepareError) -> ApiError {
    match error {
        PrepareError::Traits(errors) => ApiError::bad_request(identity_schema::admin_reason(&errors)),
        PrepareError::Schema(SchemasError::Unknown { id }) => {
            ApiError::bad_request(format!("Unable to find JSON Schema ID: {id}"))
        }
        PrepareError::Schema(error) => {
            tracing::error!(%error, "identity schema can't be used");
            ApiError::invalid_configuration("The identity schema can not be used. See the server's log for the reason.")
        }
    }
}
