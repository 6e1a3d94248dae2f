//! Each step that concerns people, done to the database and to the model, with both answers compared.

use super::model::{Known, LIFESPAN, Person};
use super::world::{Life, address, identifier, link, subject};
use super::{Account, Step};
use bia_identity::Client;
use bia_identity::admin::{self, CreateIdentityBody, UpdateIdentityBody};
use bia_identity::identities::{self, ProvenAddress};
use bia_model::session::Upstream;
use bia_model::{Aal, AuthenticationMethod, CredentialsType, Identity, Session};
use bia_store::{StoreError, TokenHash, Transaction};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

impl Life<'_> {
    pub(crate) async fn act(&mut self, step: &Step) {
        match step {
            Step::Register { email, account } => self.register(*email, *account, true).await,
            Step::RegisterAndThinkBetter { email, account } => self.register(*email, *account, false).await,
            Step::CreateByAdmin { email, external_id, account } => self.create(*email, *external_id, *account).await,
            Step::SignIn(account) => self.sign_in(*account).await,
            Step::Link(person, account) => self.relink(*person, *account, true).await,
            Step::Unlink(person, account) => self.relink(*person, *account, false).await,
            Step::ChangeEmail(person, email) => self.change_email(*person, *email).await,
            Step::SetState(person, active) => self.set_state(*person, *active).await,
            Step::WriteOverAChange(person) => self.write_over_a_change(*person).await,
            Step::Delete(person) => self.delete(*person).await,
            Step::Extend(session) => self.extend(*session).await,
            Step::Raise(session) => self.raise(*session).await,
            Step::Recheck(provider) => self.recheck(provider).await,
            Step::Wait { minutes } => self.now = self.now + Duration::from_secs(60 * minutes),
            Step::CleanUp => self.clean_up().await,
            ending => self.end_sessions(ending).await,
        }
    }

    /// Somebody new signs in for the first time: identity and session in one unit, or nothing of both.
    async fn register(&mut self, email: u8, account: Account, commits: bool) {
        let mut person = self.candidate(email).await;
        person.set_oidc_links(vec![link(account)], self.now);
        let expected: BTreeSet<Uuid> =
            [self.model.owner_of_email(email), self.model.owner_of_account(account)].into_iter().flatten().collect();
        let found = identities::find_conflict(&self.world.store, &person).await.unwrap();
        assert_eq!(found.is_some(), !expected.is_empty(), "{}", self.last);
        assert!(found.is_none_or(|conflict| expected.contains(&conflict.identity.id)), "{}", self.last);
        let (session, token) = self.issue(&person, account);
        let mut unit = self.world.store.begin().await.unwrap();
        match unit.insert_identity(&person).await {
            Ok(()) => assert!(expected.is_empty(), "{}: nobody was in the way", self.last),
            Err(StoreError::Conflict { .. }) => {
                assert!(!expected.is_empty(), "{}: somebody was said to be in the way", self.last);
                unit.rollback().await;
                return;
            }
            Err(error) => panic!("{}: {error}", self.last),
        }
        unit.insert_session(&session, &TokenHash::of(&token)).await.unwrap();
        if !commits {
            unit.rollback().await;
            return;
        }
        unit.commit().await.unwrap();
        let links = BTreeSet::from([account]);
        self.model.people.push(Person {
            id: person.id,
            email,
            verified: true,
            links,
            active: true,
            external_id: None,
            gone: false,
        });
        self.remember(&session, token, account);
    }

    /// Whoever the provider vouches for: with a verified, proven address.
    async fn candidate(&self, email: u8) -> Identity {
        let mut person = Identity::new(Uuid::new_v4(), "person", self.now);
        // Kratos: addresses are compared in lower case.
        person.traits = json!({ "email": address(email).to_uppercase() });
        identities::prepare(&self.world.schemas, &mut person, self.now).await.unwrap();
        let proven = [ProvenAddress { via: "email".to_owned(), value: address(email) }];
        assert!(identities::mark_verified(&mut person, &proven, self.now));
        person.prove(&address(email), "provider:test");
        person
    }

    async fn create(&mut self, email: u8, external_id: Option<u8>, account: Option<Account>) {
        let links: Vec<_> = account
            .iter()
            .map(|account| json!({ "provider": account.provider, "subject": subject(*account) }))
            .collect();
        let body: CreateIdentityBody = serde_json::from_value(json!({
            "traits": { "email": address(email) },
            "external_id": external_id.map(external),
            "credentials": { "oidc": { "config": { "providers": links } } },
        }))
        .unwrap();
        let taken = self.model.owner_of_email(email).is_some()
            || account.is_some_and(|account| self.model.owner_of_account(account).is_some())
            || external_id.is_some_and(|id| self.model.owner_of_external_id(id).is_some());
        match admin::create(self.admin(), body).await {
            Ok(created) => {
                assert!(!taken, "{}", self.last);
                let links = account.into_iter().collect();
                let person =
                    Person { id: created.id, email, verified: false, links, active: true, external_id, gone: false };
                self.model.people.push(person);
            }
            Err(error) => assert_eq!((error.code, taken), (409, true), "{}", self.last),
        }
    }

    async fn sign_in(&mut self, account: Account) {
        let store = &self.world.store;
        let found = store.find_identity_by_identifier(CredentialsType::Oidc, &identifier(account)).await.unwrap();
        assert_eq!(found.as_ref().map(|found| found.id), self.model.owner_of_account(account), "{}", self.last);
        let Some(person) = found.filter(Identity::is_active) else { return };
        let (session, token) = self.issue(&person, account);
        store.insert_session(&session, &TokenHash::of(&token)).await.unwrap();
        self.remember(&session, token, account);
    }

    fn issue(&self, person: &Identity, account: Account) -> (Session, String) {
        let upstream = Upstream {
            provider: account.provider.to_owned(),
            subject: subject(account),
            sid: Some(sid(account)),
            // Some providers give none.
            refresh_token: (account.subject > 0).then(|| "sealed".to_owned()),
            ..Upstream::default()
        };
        self.world.sessions.issue(person, vec![self.method(Aal::Aal1)], &Client::default(), Some(upstream), self.now)
    }

    pub(super) fn method(&self, aal: Aal) -> AuthenticationMethod {
        AuthenticationMethod {
            method: "oidc".to_owned(),
            aal,
            completed_at: self.now,
            provider: None,
            organization: None,
            upstream_acr: None,
            upstream_amr: Vec::new(),
        }
    }

    fn remember(&mut self, session: &Session, token: String, account: Account) {
        self.model.sessions.push(Known {
            id: session.id,
            token,
            owner: session.identity_id,
            account,
            flagged: true,
            expires_at: self.now + LIFESPAN,
            authenticated_at: self.now,
            raised: 0,
            checked_at: (account.subject > 0).then_some(self.now),
            gone: false,
        });
    }

    /// Adds or takes away a link, as the settings flow does.
    async fn relink(&mut self, person: usize, account: Account, add: bool) {
        let Some(id) = self.chosen_person(person) else { return };
        let mut unit = self.world.store.begin().await.unwrap();
        let Some(mut identity) = unit.find_identity_for_update(id).await.unwrap() else {
            assert!(self.model.person(id).gone, "{}", self.last);
            return unit.rollback().await;
        };
        let mut links = identity.oidc_links();
        links.retain(|link| link.identifier() != identifier(account));
        links.extend(add.then(|| link(account)));
        identity.set_oidc_links(links, self.now);
        let taken = add && self.model.owner_of_account(account).is_some_and(|owner| owner != id);
        match write(unit, identity, self.now).await {
            Ok(()) => assert!(!taken, "{}: a link was moved", self.last),
            Err(StoreError::Conflict { .. }) => return assert!(taken, "{}", self.last),
            Err(error) => panic!("{}: {error}", self.last),
        }
        let links = &mut self.model.person(id).links;
        if add {
            links.insert(account)
        } else {
            links.remove(&account)
        };
    }

    async fn change_email(&mut self, person: usize, email: u8) {
        let Some(id) = self.chosen_person(person) else { return };
        let before = self.model.person(id).clone();
        let body = UpdateIdentityBody {
            traits: Some(json!({ "email": address(email) })),
            external_id: before.external_id.map(external),
            ..UpdateIdentityBody::default()
        };
        let taken = self.model.owner_of_email(email).is_some_and(|owner| owner != id);
        let expected = if before.gone {
            404
        } else if taken {
            409
        } else {
            200
        };
        let outcome = admin::update(self.admin(), Some(id), body).await;
        assert_eq!(outcome.err().map_or(200, |error| error.code), expected, "{}", self.last);
        if expected == 200 {
            let person = self.model.person(id);
            person.verified &= person.email == email;
            person.email = email;
        }
    }

    async fn set_state(&mut self, person: usize, active: bool) {
        let Some(id) = self.chosen_person(person) else { return };
        let state = if active { "active" } else { "inactive" };
        let patch = json!([{ "op": "replace", "path": "/state", "value": state }]).to_string();
        let outcome = admin::patch(self.admin(), Some(id), patch.as_bytes()).await;
        let person = self.model.person(id);
        let expected = if person.gone { 404 } else { 200 };
        assert_eq!(outcome.err().map_or(200, |error| error.code), expected, "{}", self.last);
        person.active = active;
    }

    /// Two read the same; the one who writes later has to hear of the other.
    async fn write_over_a_change(&mut self, person: usize) {
        let Some(id) = self.chosen_person(person) else { return };
        let Some(read) = self.world.store.find_identity(id).await.unwrap() else { return };
        let patch = br#"[{ "op": "add", "path": "/metadata_admin", "value": { "changed": true } }]"#;
        admin::patch(self.admin(), Some(id), patch).await.unwrap();
        let mut unit = self.world.store.begin().await.unwrap();
        let previous = read.updated_at;
        let outcome = unit.update_identity(&Identity { traits: json!({}), ..read }, previous).await;
        assert!(matches!(outcome, Err(StoreError::Stale { .. })), "{}: {outcome:?}", self.last);
        unit.rollback().await;
    }

    async fn delete(&mut self, person: usize) {
        let Some(id) = self.chosen_person(person) else { return };
        let expected = if self.model.person(id).gone { 404 } else { 200 };
        let outcome = admin::delete(self.admin(), Some(id)).await;
        assert_eq!(outcome.err().map_or(200, |error| error.code), expected, "{}", self.last);
        self.model.delete(id);
    }
}

async fn write(mut unit: Transaction, mut identity: Identity, now: bia_model::Timestamp) -> Result<(), StoreError> {
    let previous = identity.updated_at;
    identity.touch(now);
    match unit.update_identity(&identity, previous).await {
        Ok(()) => unit.commit().await,
        Err(error) => {
            unit.rollback().await;
            Err(error)
        }
    }
}

pub(crate) fn external(id: u8) -> String {
    format!("external-{id}")
}

pub(super) fn sid(account: Account) -> String {
    format!("sid-{}", account.subject)
}
