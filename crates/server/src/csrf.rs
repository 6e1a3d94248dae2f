//! Which requests the anti-CSRF layer looks at, and what its cookie is called (contract §1.1).
//!
//! Tokens, masks and the refusal itself are [`bia_selfservice::csrf`]'s.

use http::Method;
use sha2::{Digest, Sha256};

/// `csrf_token_` and the SHA-256 of the public base URL as it is written in the configuration.
pub(crate) fn cookie_name(base_url: &str) -> String {
    format!("csrf_token_{}", hex::encode(Sha256::digest(base_url.as_bytes())))
}

/// What the CSRF layer does with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// Checks unsafe methods and issues the cookie.
    On,
    /// Neither checks nor sets the cookie, but answers vary by `Cookie`.
    Ignored,
    /// Not involved at all.
    Bypassed,
}

/// The rule for a path of the public port.
pub(crate) fn layer(path: &str) -> Layer {
    let Some(path) = path.strip_prefix('/') else { return Layer::On };
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["health", "alive" | "ready"] | ["version" | "openapi.json"] | ["metrics", "prometheus"] => Layer::Bypassed,
        // Shared caches may keep these, so no cookie may come with them.
        ["ui", "assets", _] => Layer::Bypassed,
        // Submissions carry no token on the way to a provider; the callback refuses what this browser did not start.
        ["self-service", "login" | "registration" | "settings"]
        | ["self-service", "login" | "registration" | "settings" | "logout", "api"]
        | ["self-service", "login", "test"]
        | ["self-service", "methods", "oidc", "callback"]
        | ["self-service", "methods", "oidc", "callback" | "logout", _]
        | ["self-service", "methods", "oidc", "organization", _, "callback", _]
        // Its form brings the token in the body, where the handler looks for it.
        | ["ui", "sessions"]
        | ["sessions"]
        | ["sessions", _]
        | ["sessions", _, "extend"]
        | ["schemas", _] => Layer::Ignored,
        ["identities", rest @ ..] | ["admin", "identities", rest @ ..] if is_identity_path(rest) => Layer::Ignored,
        _ => Layer::On,
    }
}

fn is_identity_path(rest: &[&str]) -> bool {
    matches!(rest, [] | [_] | [_, "sessions"] | [_, "credentials", _])
}

/// Methods that change something, where the token is checked.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_hash_of_the_base_url_as_written() {
        assert_eq!(
            cookie_name("http://127.0.0.1:4433/"),
            "csrf_token_806060ca5bf70dff3caa0e5c860002aade9d470a5a4dce73bcfa7ba10778f481"
        );
        assert_ne!(cookie_name("http://127.0.0.1:4433"), cookie_name("http://127.0.0.1:4433/"));
    }

    #[test]
    fn paths_of_the_contract_follow_its_rules() {
        for path in ["/health/alive", "/health/ready", "/version"] {
            assert_eq!(layer(path), Layer::Bypassed, "{path}");
        }
        for path in [
            "/self-service/login",
            "/self-service/settings",
            "/self-service/registration/api",
            "/self-service/logout/api",
            "/self-service/methods/oidc/callback/microsoft",
            "/sessions",
            "/sessions/whoami",
            "/schemas/default",
            "/identities",
            "/admin/identities/x",
            "/admin/identities/x/credentials/oidc",
        ] {
            assert_eq!(layer(path), Layer::Ignored, "{path}");
        }
        for path in [
            "/self-service/login/browser",
            "/self-service/login/flows",
            "/self-service/logout",
            "/schemas",
            "/nothing",
            "/health/alive/",
            "//health/alive",
            "/self-service/errors",
        ] {
            assert_eq!(layer(path), Layer::On, "{path}");
        }
    }
}
