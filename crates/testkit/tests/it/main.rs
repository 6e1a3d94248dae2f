//! The conformance suite on every database, and what concerns one of them alone.

mod integrity;
mod ownership;
mod postgres;
mod sqlite;
mod sudden_death;

use bia_testkit::database::TestDatabase;

async fn sqlite_file() -> Option<TestDatabase> {
    Some(TestDatabase::sqlite_file().await)
}

async fn memory() -> Option<TestDatabase> {
    Some(TestDatabase::memory().await)
}

mod on_sqlite_file {
    bia_testkit::store_conformance!(crate::sqlite_file);
}

mod on_memory {
    bia_testkit::store_conformance!(crate::memory);
}

mod on_postgres {
    bia_testkit::store_conformance!(bia_testkit::database::TestDatabase::postgres);
}
