use super::*;

fn path_and_mode(dsn: &str) -> (String, SqliteMode) {
    match Dsn::parse(dsn).unwrap() {
        Dsn::SqliteFile { path, mode } => (path.display().to_string(), mode),
        other => panic!("{dsn} was read as {other:?}"),
    }
}

fn limits_of(dsn: &str) -> (Box<PgConnectOptions>, DsnLimits) {
    match Dsn::parse(dsn).unwrap() {
        Dsn::Postgres { options, limits } => (options, limits),
        other => panic!("{dsn} was read as {other:?}"),
    }
}

fn reason(dsn: &str) -> String {
    Dsn::parse(dsn).unwrap_err().to_string()
}

#[test]
fn sqlite_forms_of_kratos_name_the_same_files() {
    use SqliteMode::{ReadOnly, ReadWrite, ReadWriteCreate};
    let cases = [
        ("sqlite://db.sqlite?_fk=true&mode=rwc", "db.sqlite", ReadWriteCreate),
        ("sqlite:///var/lib/sqlite/db.sqlite?_fk=true", "/var/lib/sqlite/db.sqlite", ReadWriteCreate),
        ("sqlite://./a/b.db?mode=rw", "./a/b.db", ReadWrite),
        ("sqlite3://file:x.db?cache=shared&mode=ro", "x.db", ReadOnly),
    ];
    for (dsn, path, mode) in cases {
        assert_eq!(path_and_mode(dsn), (path.to_owned(), mode), "{dsn}");
    }
}

#[test]
fn every_form_of_memory_is_a_database_of_its_own() {
    let mut names = std::collections::BTreeSet::new();
    for dsn in [
        "memory",
        ":memory:",
        "sqlite://:memory:",
        "sqlite://file::memory:?_fk=true&cache=shared",
        "sqlite://x?mode=memory",
    ] {
        match Dsn::parse(dsn).unwrap() {
            Dsn::SqliteMemory { name } => assert!(names.insert(name)),
            other => panic!("{dsn} was read as {other:?}"),
        }
    }
}

#[test]
fn go_parameters_of_postgres_become_limits() {
    let (options, limits) = limits_of(
        "postgres://u:p%40ss@db.example:5433/bia?sslmode=disable&max_conns=20&max_idle_conns=4\
         &max_conn_lifetime=1h30m&max_conn_idle_time=90s&connect_timeout=7",
    );
    assert_eq!(options.get_host(), "db.example");
    assert_eq!(options.get_port(), 5433);
    assert_eq!(options.get_database(), Some("bia"));
    assert_eq!(
        limits,
        DsnLimits {
            connections_max: Some(20),
            idle_connections_max: Some(4),
            connection_lifetime: Some(Duration::from_secs(5400)),
            connection_idle_time: Some(Duration::from_secs(90)),
            connect_timeout: Some(Duration::from_secs(7)),
        }
    );
}

#[test]
fn unknown_postgres_parameters_are_settings_of_the_session() {
    let (options, _) = limits_of("postgres://u@h/d?search_path=tenant_a");
    assert!(options.get_options().unwrap().contains("search_path=tenant_a"));
    assert_eq!(options.get_application_name(), Some("bia"));
}

#[test]
fn other_databases_are_refused_with_a_sentence() {
    assert!(reason("mysql://root:hunter2@tcp(h)/x").contains("not in MySQL"));
    assert!(reason("cockroach://root@h/x").contains("not in CockroachDB"));
    assert!(reason("mongodb://h/x").contains("unknown scheme `mongodb`"));
    assert!(reason("/var/lib/x.db").contains("sqlite://<path>"));
    assert!(reason("sqlite://").contains("names no file"));
    assert!(reason("sqlite://x?mode=wr").contains("mode=wr"));
    assert!(reason("postgres://h/x?max_conns=many").contains("max_conns"));
    assert!(reason("postgres://h/x?max_conn_lifetime=1y").contains("max_conn_lifetime"));
}

#[test]
fn passwords_never_reach_an_error_or_a_debug_form() {
    for dsn in [
        "postgres://u:hunter2@h:99999999/x",
        "postgres://u:hunter2@h/x?sslmode=sometimes",
        "mysql://u:hunter2@h/x",
        "nosuch://u:hunter2@h/x",
        "postgres:hunter2@h/x",
    ] {
        assert!(!reason(dsn).contains("hunter2"), "{dsn}");
    }
    let dsn = Dsn::parse("postgres://u:hunter2@h/x").unwrap();
    assert!(!format!("{dsn:?}{}", dsn.describe()).contains("hunter2"));
}
