//! What counts as proof of an address (design §3): the provider's own word together with the mapper's. The
//! mapper alone never proves anything, which is what keeps nOAuth out of automatic linking.

use super::Arrival;
use bia_identity::identities::ProvenAddress;
use bia_model::Identity;

/// Whether this sign-in proves the address: the provider vouches for the e-mail claim, it is that address, and
/// the mapper lists it as verified.
pub(crate) fn proves(arrival: &Arrival<'_>, mapped: &[ProvenAddress], address: &str) -> bool {
    arrival.signed_in.facts.email_proven
        && arrival.signed_in.claims.email.trim().eq_ignore_ascii_case(address)
        && mapped.iter().any(|proof| proof.via == "email" && proof.value.eq_ignore_ascii_case(address))
}

/// Remembers with the identity which of its addresses were proven. Proofs of addresses that it gave up went when its
/// addresses were derived anew.
pub(crate) fn record(identity: &mut Identity, arrival: &Arrival<'_>, mapped: &[ProvenAddress]) {
    let own: Vec<String> = identity.verifiable_addresses.iter().map(|address| address.value.clone()).collect();
    for address in own {
        if proves(arrival, mapped, &address) {
            identity.prove(&address, &format!("provider:{}", arrival.provider.id));
        }
    }
}

/// Whether the address was proven for this identity before.
pub(crate) fn is_proven(identity: &Identity, address: &str) -> bool {
    identity.proven_addresses.iter().any(|proven| proven.eq_ignore_ascii_case(address))
}
