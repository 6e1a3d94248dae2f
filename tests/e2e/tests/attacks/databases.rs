//! What counts once is settled by the database, so such attacks meet each kind of it.

use bia_e2e::{Database, Site};
use serde_json::json;

/// The attack on SQLite, and on PostgreSQL where `BIA_TEST_POSTGRES` names one.
pub(crate) async fn on_each_database(attack: impl AsyncFn(&Site)) {
    attack(&Site::new().await).await;
    if let Some(database) = Database::create().await {
        attack(&Site::with(json!({ "dsn": database.dsn(None) })).await).await;
        database.drop().await;
    }
}
