//! What a running process can't take from a changed configuration: sockets that are open, a database that is in use,
//! a log that is being written, traces that are sent.

use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::dsn::Dsn;
use crate::finding::{Finding, KeyPath};
use crate::tracing::Tracing;

/// Puts the running values back, and says which keys have to wait for the next start.
pub(super) fn keep(config: &mut Config, running: &Config) -> Vec<Finding> {
    let mut waiting = Vec::new();
    let (public, admin) = (&mut config.serve.public, &mut config.serve.admin);
    let old = &running.serve;
    hold("serve.public.host", &mut public.host, &old.public.host, &mut waiting);
    hold("serve.public.port", &mut public.port, &old.public.port, &mut waiting);
    hold("serve.public.socket", &mut public.socket, &old.public.socket, &mut waiting);
    hold("serve.admin.host", &mut admin.host, &old.admin.host, &mut waiting);
    hold("serve.admin.port", &mut admin.port, &old.admin.port, &mut waiting);
    hold("serve.admin.socket", &mut admin.socket, &old.admin.socket, &mut waiting);
    hold("log", &mut config.log, &running.log, &mut waiting);
    hold("bia.audit", &mut config.bia.audit, &running.bia.audit, &mut waiting);
    if !is_same_tracing(&config.tracing, &running.tracing) {
        config.tracing.clone_from(&running.tracing);
        waiting.push(finding("tracing"));
    }
    if !is_same_database(&config.dsn, &running.dsn) {
        config.dsn = running.dsn.clone();
        waiting.push(finding("dsn"));
    }
    waiting
}

fn hold<T: Clone + PartialEq>(key: &str, new: &mut T, old: &T, waiting: &mut Vec<Finding>) {
    if new != old {
        new.clone_from(old);
        waiting.push(finding(key));
    }
}

fn finding(key: &str) -> Finding {
    // Kratos: a change below `serve` or `log` has the whole edit refused, and a changed `dsn` is not noticed.
    let message = "has changed, which takes effect at the next start; the old value is in use until then.";
    Finding::warning("needs_restart", KeyPath::of(key), message).help("Everything else in the file counts now.")
}

fn is_same_tracing(a: &Tracing, b: &Tracing) -> bool {
    fn header(tracing: &Tracing) -> Option<&str> {
        tracing.providers.otlp.authorization_header.as_ref().map(|header| header.expose_secret())
    }
    // The text has every key but the header, in whose place it says that there is one.
    format!("{a:?}") == format!("{b:?}") && header(a) == header(b)
}

fn is_same_database(a: &Dsn, b: &Dsn) -> bool {
    match (a, b) {
        (Dsn::Memory, Dsn::Memory) => true,
        (
            Dsn::Sqlite { path: a, read_only: a_read_only, must_exist: a_must_exist },
            Dsn::Sqlite { path: b, read_only: b_read_only, must_exist: b_must_exist },
        ) => (a, a_read_only, a_must_exist) == (b, b_read_only, b_must_exist),
        (Dsn::Postgres { url: a, pool: a_pool, .. }, Dsn::Postgres { url: b, pool: b_pool, .. }) => {
            a.expose_secret() == b.expose_secret() && a_pool == b_pool
        }
        _ => false,
    }
}
