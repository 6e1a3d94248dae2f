//! An administrator's word counts as proof of an address, as a provider's does.
//!
//! Whoever reaches the admin port may do anything, and this is how people are matched whom a company has imported by
//! their addresses. It counts where it is stated and not where it is only left as it was: an address that a mapper alone
//! marked stays unproven, whatever else about the identity is changed.

use bia_model::{Identity, VerifiableAddress};

/// Takes note of addresses whose verification was stated or taken back. `before` is what was stored.
pub(super) fn record(identity: &mut Identity, before: &[VerifiableAddress]) {
    let was_verified = |address: &&VerifiableAddress| {
        before.iter().any(|old| old.verified && old.via == address.via && old.value == address.value)
    };
    let values = |verified: bool| -> Vec<String> {
        let addresses = identity.verifiable_addresses.iter().filter(|address| address.verified == verified);
        addresses
            .filter(|address| was_verified(address) != verified)
            .map(|address| address.value.to_lowercase())
            .collect()
    };
    let (stated, taken_back) = (values(true), values(false));
    for address in stated {
        identity.prove(&address, "admin");
    }
    identity.keep_proofs(|proven| !taken_back.iter().any(|address| address == proven));
}
