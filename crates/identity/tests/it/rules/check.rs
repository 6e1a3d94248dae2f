//! Everything that can be asked, compared with the model.

use super::deeds::external;
use super::world::{Life, address, identifier};
use super::{Account, EMAILS, EXTERNAL_IDS, PROVIDERS, SUBJECTS};
use bia_identity::SessionCredentials;
use bia_model::{Aal, CredentialsType, IdentityState};
use bia_store::{AddressKind, IdentityFilter, Page, SessionFilter};
use std::collections::BTreeSet;
use uuid::Uuid;

impl Life<'_> {
    pub(crate) async fn check(&self) {
        self.check_people().await;
        self.check_owners().await;
        self.check_sessions().await;
        self.check_lists().await;
    }

    pub(crate) async fn end(&self) {
        let faults = self.world.store.check_integrity().await.unwrap();
        assert!(faults.is_empty(), "{}: {faults:?}", self.last);
    }

    async fn check_people(&self) {
        let store = &self.world.store;
        let mut expected: Vec<Uuid> = self.model.living().map(|person| person.id).collect();
        expected.sort();
        let listed = store.list_identities(&IdentityFilter::All, &Page::first(1000)).await.unwrap().items;
        let ids: Vec<Uuid> = listed.iter().map(|identity| identity.id).collect();
        assert_eq!(ids, expected, "{}", self.last);
        for identity in listed {
            let person = self.model.living().find(|person| person.id == identity.id).unwrap();
            let links: BTreeSet<String> = identity.oidc_links().iter().map(|link| link.identifier()).collect();
            assert_eq!(links, person.links.iter().copied().map(identifier).collect(), "{}", self.last);
            let state = if person.active { IdentityState::Active } else { IdentityState::Inactive };
            assert_eq!(
                (identity.state, &identity.external_id),
                (state, &person.external_id.map(external)),
                "{}",
                self.last
            );
            let addresses: Vec<_> =
                identity.verifiable_addresses.iter().map(|a| (a.value.clone(), a.verified)).collect();
            assert_eq!(addresses, [(address(person.email), person.verified)], "{}", self.last);
            // What was proven and verified goes together here; giving the address up ends both.
            let proofs = (identity.proven_addresses.len(), identity.proven_by.len());
            assert_eq!(proofs, (usize::from(person.verified), usize::from(person.verified)), "{}", self.last);
        }
    }

    async fn check_owners(&self) {
        let store = &self.world.store;
        for email in 0..EMAILS {
            let owner = self.model.owner_of_email(email);
            for kind in [AddressKind::Verifiable, AddressKind::Recovery] {
                let found = store.find_identity_by_address(kind, "email", &address(email)).await.unwrap();
                assert_eq!(found.map(|found| found.id), owner, "{}: {kind:?} {email}", self.last);
            }
            let found = store.find_identity_by_identifier(CredentialsType::Password, &address(email)).await.unwrap();
            assert_eq!(found.map(|found| found.id), owner, "{}: identifier {email}", self.last);
        }
        for provider in PROVIDERS {
            let mut links = 0;
            for subject in 0..SUBJECTS {
                let account = Account { provider, subject };
                let owner = self.model.owner_of_account(account);
                let found =
                    store.find_identity_by_identifier(CredentialsType::Oidc, &identifier(account)).await.unwrap();
                assert_eq!(found.map(|found| found.id), owner, "{}: {account:?}", self.last);
                links += u64::from(owner.is_some());
            }
            assert_eq!(store.count_links(provider).await.unwrap(), links, "{}: {provider}", self.last);
        }
        for id in 0..EXTERNAL_IDS {
            let found = store.find_identity_by_external_id(&external(id)).await.unwrap();
            assert_eq!(found.map(|found| found.id), self.model.owner_of_external_id(id), "{}: {id}", self.last);
        }
    }

    async fn check_sessions(&self) {
        for known in &self.model.sessions {
            let shown = SessionCredentials { header: Some(known.token.clone()), ..SessionCredentials::default() };
            let found = self.world.sessions.authenticate(&shown, self.now).await.unwrap();
            assert_eq!(found.is_some(), self.model.counts(known, self.now), "{}: {known:?}", self.last);
            let Some(found) = self.world.store.find_session(known.id).await.unwrap() else {
                assert!(known.gone, "{}: lost {known:?}", self.last);
                continue;
            };
            let aal = if known.raised > 0 { Aal::Aal2 } else { Aal::Aal1 };
            assert_eq!(
                (found.identity_id, found.active, found.expires_at, found.aal, found.authentication_methods.len()),
                (known.owner, known.flagged, known.expires_at, aal, 1 + known.raised),
                "{}",
                self.last
            );
        }
    }

    async fn check_lists(&self) {
        let store = &self.world.store;
        let rows = self.model.kept().count() as u64;
        assert_eq!(store.count_sessions(&SessionFilter::default()).await.unwrap(), rows, "{}", self.last);
        for person in &self.model.people {
            for active in [true, false] {
                let filter = SessionFilter {
                    identity_id: Some(person.id),
                    active: Some((active, self.now)),
                    ..SessionFilter::default()
                };
                let listed = store.list_sessions(&filter, &Page::first(1000), false).await.unwrap().items;
                let listed: BTreeSet<Uuid> = listed.into_iter().map(|session| session.id).collect();
                // The list looks at flag and time; whether the owner may sign in is another question.
                let own = self.model.kept().filter(|session| session.owner == person.id);
                let own = own.filter(|session| (session.flagged && self.now < session.expires_at) == active);
                assert_eq!(listed, own.map(|session| session.id).collect(), "{}: active {active}", self.last);
            }
        }
    }
}
