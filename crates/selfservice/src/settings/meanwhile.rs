//! A prepared change meets another change of the same person: both hold where they touch different things.
//!
//! Hooks have judged the prepared change and may have called somebody, so it is carried over to the new version of the
//! row as it is instead of being made anew.

use bia_model::{Credentials, Identity, RecoveryAddress, VerifiableAddress};
use serde_json::{Map, Value};

/// `theirs` with everything that `mine` changed since `before`. `None` when both changed the same thing; among traits
/// mine then counts. Kratos: the later form wins.
pub(super) fn carry_over(before: &Identity, mine: &Identity, theirs: &Identity) -> Option<Identity> {
    if before.is_active() && !theirs.is_active() {
        return None;
    }
    let mut both = theirs.clone();
    (both.state, both.state_changed_at) = pick(
        &(before.state, before.state_changed_at),
        &(mine.state, mine.state_changed_at),
        &(theirs.state, theirs.state_changed_at),
    )?;
    both.schema_id = pick(&before.schema_id, &mine.schema_id, &theirs.schema_id)?;
    both.traits = traits(&before.traits, &mine.traits, &theirs.traits)?;
    both.metadata_public = pick(&before.metadata_public, &mine.metadata_public, &theirs.metadata_public)?;
    both.metadata_admin = pick(&before.metadata_admin, &mine.metadata_admin, &theirs.metadata_admin)?;
    both.external_id = pick(&before.external_id, &mine.external_id, &theirs.external_id)?;
    both.organization_id = pick(&before.organization_id, &mine.organization_id, &theirs.organization_id)?;
    let verifiable = |identity: &Identity| identity.verifiable_addresses.clone();
    both.verifiable_addresses =
        pick_by(&verifiable(before), &verifiable(mine), &verifiable(theirs), |a, b| is_same_list(a, b, is_verifiable))?;
    let recovery = |identity: &Identity| identity.recovery_addresses.clone();
    both.recovery_addresses =
        pick_by(&recovery(before), &recovery(mine), &recovery(theirs), |a, b| is_same_list(a, b, is_recovery))?;
    let proofs = |identity: &Identity| (identity.proven_addresses.clone(), identity.proven_by.clone());
    (both.proven_addresses, both.proven_by) = pick(&proofs(before), &proofs(mine), &proofs(theirs))?;
    for kind in before.credentials.keys().chain(mine.credentials.keys()) {
        let of = |identity: &Identity| identity.credentials.get(kind).cloned();
        // Two links and unlinks together could leave nobody's way in, so the second is asked to look again.
        match pick_by(&of(before), &of(mine), &of(theirs), is_same_credential)? {
            Some(credentials) => both.credentials.insert(*kind, credentials),
            None => both.credentials.remove(kind),
        };
    }
    Some(both)
}

/// The one of three that somebody changed; `None` when both did, and not to the same.
fn pick_by<T: Clone>(before: &T, mine: &T, theirs: &T, is_same: impl Fn(&T, &T) -> bool) -> Option<T> {
    if is_same(before, mine) || is_same(mine, theirs) {
        return Some(theirs.clone());
    }
    is_same(before, theirs).then(|| mine.clone())
}

fn pick<T: Clone + PartialEq>(before: &T, mine: &T, theirs: &T) -> Option<T> {
    pick_by(before, mine, theirs, T::eq)
}

/// Trait by trait: a form says all of them, but changes some.
fn traits(before: &Value, mine: &Value, theirs: &Value) -> Option<Value> {
    let (Some(old), Some(new), Some(other)) = (before.as_object(), mine.as_object(), theirs.as_object()) else {
        return pick(before, mine, theirs);
    };
    let mut both: Map<String, Value> = other.clone();
    for name in old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)) {
        match new.get(name) {
            Some(value) => both.insert(name.clone(), value.clone()),
            None => both.shift_remove(name),
        };
    }
    Some(Value::Object(both))
}

fn is_same_list<T>(a: &[T], b: &[T], is_same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
}

/// Ids and times aside: a form that was sent twice makes the same address twice.
fn is_verifiable(a: &VerifiableAddress, b: &VerifiableAddress) -> bool {
    (&a.via, &a.value, a.verified, &a.status) == (&b.via, &b.value, b.verified, &b.status)
}

fn is_recovery(a: &RecoveryAddress, b: &RecoveryAddress) -> bool {
    (&a.via, &a.value) == (&b.via, &b.value)
}

fn is_same_credential(a: &Option<Credentials>, b: &Option<Credentials>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (&a.identifiers, &a.config) == (&b.identifiers, &b.config),
        (a, b) => a.is_none() && b.is_none(),
    }
}
