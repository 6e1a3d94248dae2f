//! `secrets`: keys that sign cookies and seal state. They never appear in a log, an error or a `Debug` output.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Lists of secrets; the first of each list signs or seals, all of them verify or open.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Fallback for the other lists; at least 16 characters each. Default: generated once and kept beside the SQLite file.
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true), inner(length(min = 16)))]
    pub default: Vec<SecretString>,
    /// Signs and encrypts cookies; at least 16 characters each. Default: `secrets.default`.
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true), inner(length(min = 16)))]
    pub cookie: Vec<SecretString>,
    /// Seals stored tokens and the OAuth state; exactly 32 characters each. Default: none, `secrets.default` is used.
    #[schemars(with = "Vec<String>", length(min = 1), inner(length(min = 32, max = 32)))]
    pub cipher: Vec<SecretString>,
    /// Seals page tokens of the admin API; at least 16 characters each. Default: `secrets.default`.
    #[schemars(with = "Vec<String>", length(min = 1), inner(length(min = 16)))]
    pub pagination: Vec<SecretString>,
}

impl Secrets {
    /// What signs and verifies cookies.
    pub fn cookie(&self) -> &[SecretString] {
        or_default(&self.cookie, &self.default)
    }

    /// What seals state and tokens.
    pub fn cipher(&self) -> &[SecretString] {
        or_default(&self.cipher, &self.default)
    }

    /// What seals page tokens; without a default, what signs cookies.
    pub fn pagination(&self) -> &[SecretString] {
        or_default(&self.pagination, self.cookie_if_no_default())
    }

    fn cookie_if_no_default(&self) -> &[SecretString] {
        or_default(&self.default, &self.cookie)
    }

    /// Whether something would be left without a key, so that `secrets.default` has to be generated (or refused).
    pub fn need_default(&self) -> bool {
        self.default.is_empty() && (self.cookie.is_empty() || self.cipher.is_empty())
    }
}

fn or_default<'a>(own: &'a [SecretString], default: &'a [SecretString]) -> &'a [SecretString] {
    if own.is_empty() { default } else { own }
}

/// `ciphers`: how upstream tokens are stored.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ciphers {
    /// Algorithm for stored provider tokens. Default: `noop`, which Kratos stores in the clear.
    pub algorithm: CipherAlgorithm,
}

/// How stored provider tokens are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CipherAlgorithm {
    /// Kratos stores tokens in the clear.
    #[default]
    Noop,
    /// AES-GCM under `secrets.cipher`.
    Aes,
    /// XChaCha20-Poly1305 under `secrets.cipher`.
    #[serde(rename = "xchacha20-poly1305")]
    Xchacha20Poly1305,
}
