//! Makes a database large: copies of one person that signed in, each with names, identifiers and two sessions of her own.
//!
//! It writes Bia's tables directly, since a million registrations would take an hour; what the copies look like comes
//! from a row that Bia wrote itself.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rusqlite::Connection;
use sqlx::{Connection as _, PgConnection, Row as _};

/// The template's columns that have to differ from row to row.
struct Template {
    email: String,
    subject: String,
}

/// The file behind a DSN of SQLite.
pub(crate) fn file_of(dsn: &str) -> &Path {
    Path::new(dsn.trim_start_matches("sqlite://").split('?').next().unwrap_or_default())
}

/// Adds `count` identities; `first` numbers them apart from those before.
pub(crate) async fn fill(dsn: &str, first: u64, count: u64) -> anyhow::Result<()> {
    if count == 0 {
        return Ok(());
    }
    if dsn.starts_with("sqlite") {
        sqlite(&Connection::open(file_of(dsn))?, first, count)
    } else {
        let mut connection = PgConnection::connect(dsn).await?;
        postgres(&mut connection, first, count).await
    }
}

/// Every session but the newest thousand has expired.
pub(crate) async fn expire(dsn: &str) -> anyhow::Result<u64> {
    let statement = "UPDATE sessions SET expires_at = 1 WHERE id NOT IN \
                     (SELECT id FROM sessions ORDER BY issued_at DESC LIMIT 1000)";
    if dsn.starts_with("sqlite") {
        let connection = Connection::open(file_of(dsn))?;
        connection.busy_timeout(Duration::from_secs(60))?;
        return Ok(connection.execute(statement, [])? as u64);
    }
    Ok(sqlx::query(statement).execute(&mut PgConnection::connect(dsn).await?).await?.rows_affected())
}

/// How many sessions are expired and still there.
pub(crate) async fn expired(dsn: &str) -> anyhow::Result<i64> {
    let statement = "SELECT COUNT(*) FROM sessions WHERE expires_at = 1";
    if dsn.starts_with("sqlite") {
        return Ok(Connection::open(file_of(dsn))?.query_row(statement, [], |row| row.get(0))?);
    }
    Ok(sqlx::query_scalar(statement).fetch_one(&mut PgConnection::connect(dsn).await?).await?)
}

const IDENTIFIER: &str =
    "SELECT identifier FROM credential_identifiers WHERE type = 'oidc' ORDER BY identifier LIMIT 1";
const ADDRESS: &str = "SELECT value FROM addresses WHERE identity_id = \
                       (SELECT identity_id FROM credential_identifiers WHERE type = 'oidc' AND identifier = $1) LIMIT 1";

impl Template {
    fn new(identifier: &str, email: &str) -> anyhow::Result<Template> {
        let subject = identifier.split_once(':').context("an identifier without a provider")?.1.to_owned();
        ensure!(subject.len() >= 8, "the template's subject is too short to be replaced");
        Ok(Template { email: email.to_owned(), subject })
    }

    /// A document with this row's own names, in SQL that both databases read.
    fn body(&self, alias: &str) -> String {
        format!(
            "replace(replace({alias}.body, '{}', 'fill-' || b.n || '@contoso.example'), '{}', 'fill-subject-' || b.n)",
            self.email, self.subject
        )
    }

    /// The identity's documents and what they are found by. `here` selects the template's identity id.
    fn statements(&self, here: &str) -> [String; 3] {
        let (email, subject) = (&self.email, &self.subject);
        [
            format!(
                "INSERT INTO identities SELECT b.id, t.schema_id, t.state, NULL, t.organization_id, t.created_at, \
                 t.updated_at, {} FROM bench_new b, identities t WHERE t.id = ({here})",
                self.body("t")
            ),
            format!(
                "INSERT INTO credential_identifiers SELECT t.type, replace(replace(t.identifier, '{subject}', \
                 'fill-subject-' || b.n), '{email}', 'fill-' || b.n || '@contoso.example'), b.id \
                 FROM bench_new b, credential_identifiers t WHERE t.identity_id = ({here})"
            ),
            format!(
                "INSERT INTO addresses SELECT t.kind, t.via, replace(t.value, '{email}', \
                 'fill-' || b.n || '@contoso.example'), b.id FROM bench_new b, addresses t WHERE t.identity_id = ({here})"
            ),
        ]
    }
}

/// Two sessions for each, begun one second apart from person to person.
fn sessions(here: &str, random: &str, hash: &str) -> String {
    format!(
        "INSERT INTO sessions SELECT {random}, {hash}, b.id, t.active, t.issued_at - b.n, t.expires_at, \
         t.authenticated_at, t.aal, t.upstream_provider, t.upstream_sid, t.checked_at, t.body \
         FROM bench_new b, (SELECT * FROM sessions WHERE identity_id = ({here}) LIMIT 1) t, \
         (SELECT 1 UNION ALL SELECT 2) twice"
    )
}

const HERE: &str = "SELECT identity_id FROM credential_identifiers WHERE type = 'oidc' AND identifier = ";

fn sqlite(connection: &Connection, first: u64, count: u64) -> anyhow::Result<()> {
    let identifier: String = connection.query_row(IDENTIFIER, [], |row| row.get(0))?;
    let email: String = connection.query_row(ADDRESS, [&identifier], |row| row.get(0))?;
    let template = Template::new(&identifier, &email)?;
    let here = format!("{HERE}'{identifier}'");
    let mut statements = vec![
        "PRAGMA busy_timeout = 60000".to_owned(),
        "PRAGMA synchronous = OFF".to_owned(),
        "PRAGMA cache_size = -200000".to_owned(),
        format!(
            "CREATE TEMP TABLE bench_new AS WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM \
             numbers WHERE n + 1 < {}) SELECT n, randomblob(16) AS id FROM numbers",
            first + count
        ),
        "BEGIN IMMEDIATE".to_owned(),
    ];
    statements.extend(template.statements(&here));
    statements.push(sessions(&here, "randomblob(16)", "randomblob(32)"));
    statements.extend(["COMMIT", "DROP TABLE bench_new", "PRAGMA wal_checkpoint(TRUNCATE)"].map(str::to_owned));
    connection.execute_batch(&statements.join(";"))?;
    Ok(())
}

async fn postgres(connection: &mut PgConnection, first: u64, count: u64) -> anyhow::Result<()> {
    let identifier: String = sqlx::query(IDENTIFIER).fetch_one(&mut *connection).await?.get(0);
    let email: String = sqlx::query(ADDRESS).bind(&identifier).fetch_one(&mut *connection).await?.get(0);
    let template = Template::new(&identifier, &email)?;
    let here = format!("{HERE}'{identifier}'");
    let hash = "sha256(uuid_send(gen_random_uuid()))";
    let mut statements = vec![
        format!(
            "CREATE TEMP TABLE bench_new AS SELECT n, gen_random_uuid() AS id FROM generate_series({first}::bigint, \
             {}) AS n",
            first + count - 1
        ),
        "SET synchronous_commit = off".to_owned(),
    ];
    statements.extend(template.statements(&here));
    statements.push(sessions(&here, "gen_random_uuid()", hash));
    statements.extend(["DROP TABLE bench_new", "ANALYZE"].map(str::to_owned));
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_testkit::database::TestDatabase;
    use bia_testkit::sample::{insert_identity, insert_session, link, person, session};

    #[tokio::test]
    async fn copies_are_sound_identities_with_two_sessions_each() {
        let database = TestDatabase::sqlite_file().await;
        let mut alice = person("alice");
        let subject = "5d6a7c1e-0f43-4c5e-9d07-3a1f3b1a9f11";
        alice.set_oidc_links(vec![link("microsoft", subject)], alice.created_at);
        insert_identity(&database.store, &alice).await;
        insert_session(&database.store, &session(&alice)).await;
        fill(&database.dsn, 0, 40).await.expect("filled");
        fill(&database.dsn, 40, 2).await.expect("filled up");
        let faults = database.store.check_integrity().await.expect("a look");
        assert_eq!(faults, [], "what the store would have written itself");
        let count = |table: &str| -> i64 {
            let connection = Connection::open(file_of(&database.dsn)).expect("a connection");
            connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).expect("a count")
        };
        assert_eq!((count("identities"), count("sessions")), (43, 85));
        assert_eq!(expire(&database.dsn).await.expect("expired"), 0, "the newest thousand stay");
        database.remove().await;
    }
}
