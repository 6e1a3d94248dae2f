//! The `state` parameter: sealed, so that nobody can read, make or change one (contract §3.3, design §2).
//!
//! It names the flow and the provider and never holds the PKCE verifier; what must stay secret waits in the
//! continuity container.

use crate::deps::Deps;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bia_identity::{Purpose, Sealer};
use bia_model::FlowKind;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a state says once it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(rename = "f")]
    pub(crate) flow_id: Uuid,
    #[serde(rename = "k")]
    pub(crate) kind: FlowKind,
    #[serde(rename = "p")]
    pub(crate) provider_id: String,
    /// SHA-512 of a native app's exchange code; empty for browsers.
    #[serde(rename = "c", default, skip_serializing_if = "String::is_empty")]
    pub(crate) init_code_hash: String,
    /// Makes each state unguessable and unique, even before it is sealed.
    #[serde(rename = "n")]
    nonce: String,
}

impl State {
    pub(crate) fn new(flow_id: Uuid, kind: FlowKind, provider_id: &str, init_code_hash: String) -> Self {
        let mut nonce = [0; 16];
        rand::rng().fill_bytes(&mut nonce);
        Self {
            flow_id,
            kind,
            provider_id: provider_id.to_owned(),
            init_code_hash,
            nonce: STANDARD_NO_PAD.encode(nonce),
        }
    }

    pub(crate) fn seal(&self, sealer: &Sealer) -> String {
        sealer.seal(Purpose::State, &serde_json::to_vec(self).unwrap_or_default())
    }

    /// Opens a state that this server (or another instance with the same secrets) made.
    pub(crate) fn open(sealer: &Sealer, text: &str) -> Option<Self> {
        serde_json::from_slice(&sealer.open(Purpose::State, text)?).ok()
    }
}

/// The flow that a state belongs to, if it is one of ours. Says nothing about whether the state is used up.
pub fn flow_of_state(deps: &Deps, text: &str) -> Option<Uuid> {
    State::open(&deps.sealer, text).map(|state| state.flow_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_identity::{Secrets, TokenCipher};
    use secrecy::SecretString;

    fn sealer(secret: &str) -> Sealer {
        let list = [SecretString::from(secret)];
        Sealer::new(&Secrets { default: &list, cookie: &[], cipher: &[], token_cipher: TokenCipher::Noop })
    }

    #[test]
    fn opens_only_under_the_same_secret_and_unchanged() {
        let state = State::new(Uuid::from_u128(7), FlowKind::Login, "microsoft", String::new());
        let sealed = state.seal(&sealer("one-secret-0123456789"));
        assert_eq!(State::open(&sealer("one-secret-0123456789"), &sealed), Some(state));
        assert_eq!(State::open(&sealer("two-secret-0123456789"), &sealed), None);
        assert_eq!(State::open(&sealer("one-secret-0123456789"), &format!("{sealed}A")), None);
        assert_eq!(State::open(&sealer("one-secret-0123456789"), "garbage"), None);
    }

    #[test]
    fn two_states_of_one_flow_differ() {
        let sealer = sealer("one-secret-0123456789");
        let make = || State::new(Uuid::from_u128(7), FlowKind::Login, "microsoft", String::new()).seal(&sealer);
        assert_ne!(make(), make());
    }
}
