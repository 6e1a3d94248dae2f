//! Each step that concerns sessions alone, done to the database and to the model, with both answers compared.

use super::Step;
use super::deeds::sid;
use super::model::{Known, RECHECK};
use super::world::Life;
use bia_identity::admin::{self, ManageSessionsBody};
use bia_model::Aal;
use bia_store::CleanupOptions;
use std::collections::BTreeSet;
use uuid::Uuid;

impl Life<'_> {
    pub(super) async fn extend(&mut self, session: usize) {
        let Some(place) = self.chosen_session(session) else { return };
        let outcome = admin::extend(self.admin(), &self.world.sessions, self.model.sessions[place].id).await;
        let now = self.now;
        let session = &mut self.model.sessions[place];
        assert_eq!(outcome.is_ok(), !session.gone, "{}", self.last);
        session.extend(now);
        if let Ok(extended) = outcome {
            assert_eq!(extended.expires_at, session.expires_at, "{}", self.last);
        }
    }

    /// One more method, as a step-up or a link adds it.
    pub(super) async fn raise(&mut self, session: usize) {
        let Some(place) = self.chosen_session(session) else { return };
        let method = self.method(Aal::Aal2);
        let mut unit = self.world.store.begin().await.unwrap();
        let changed = unit.change_session(self.model.sessions[place].id, |session| {
            session.aal = Aal::Aal2;
            session.authenticated_at = method.completed_at;
            session.authentication_methods.push(method.clone());
        });
        let changed = changed.await.unwrap();
        unit.commit().await.unwrap();
        let now = self.now;
        let session = &mut self.model.sessions[place];
        assert_eq!(changed.is_some(), !session.gone && session.flagged, "{}", self.last);
        if changed.is_some() {
            session.raise(now);
        }
    }

    pub(super) async fn recheck(&mut self, provider: &str) {
        let taken =
            self.world.store.take_sessions_for_recheck(provider, self.now - RECHECK, self.now, 1000).await.unwrap();
        let taken: BTreeSet<Uuid> = taken.into_iter().map(|session| session.id).collect();
        let now = self.now;
        let mut expected = BTreeSet::new();
        for session in self.model.sessions.iter_mut().filter(|session| session.is_due(provider, now)) {
            session.checked_at = Some(now);
            expected.insert(session.id);
        }
        assert_eq!(taken, expected, "{}", self.last);
    }

    pub(super) async fn clean_up(&mut self) {
        let report = self.world.store.cleanup(&CleanupOptions::new(self.now)).await.unwrap();
        let now = self.now;
        let removed = self.model.remove(|session| session.expires_at < now);
        assert_eq!(report.sessions, removed, "{}", self.last);
    }

    /// Every way in which sessions end or go.
    pub(super) async fn end_sessions(&mut self, step: &Step) {
        let store = &self.world.store;
        let id_of = |place: usize| self.model.sessions[place].id;
        let (answer, expected) = match step {
            Step::SignOut(session) => {
                let Some(id) = self.chosen_session(*session).map(id_of) else { return };
                let ended = store.deactivate_session(id).await.unwrap();
                (u64::from(ended), self.model.end(|session| session.id == id))
            }
            Step::EndForSomebody { person, session } => {
                let Some((person, id)) = self.chosen_person(*person).zip(self.chosen_session(*session).map(id_of))
                else {
                    return;
                };
                let ended = store.deactivate_session_of(person, id).await.unwrap();
                (u64::from(ended), self.model.end(|session| session.id == id && session.owner == person))
            }
            Step::EndOthers(session) => {
                let Some(own) = self.chosen_session(*session).map(|place| self.model.sessions[place].clone()) else {
                    return;
                };
                let ended = store.deactivate_other_sessions(own.owner, Some(own.id)).await.unwrap();
                (ended, self.model.end(|session| session.owner == own.owner && session.id != own.id))
            }
            Step::EndOfLink(person, provider) => {
                let Some(person) = self.chosen_person(*person) else { return };
                let ended = store.deactivate_sessions_of_link(person, provider).await.unwrap();
                (ended, self.model.end(|session| session.owner == person && session.account.provider == *provider))
            }
            Step::EndByUpstream(account) => {
                let ended = store.deactivate_sessions_by_upstream_sid(account.provider, &sid(*account)).await.unwrap();
                (ended, self.model.end(|session| session.account == *account))
            }
            Step::ManagePeople { delete, people } => {
                let people: Vec<Uuid> = people.iter().filter_map(|index| self.chosen_person(*index)).collect();
                (
                    self.manage(*delete, &people, &[]).await,
                    self.end_or_remove(*delete, |session| people.contains(&session.owner)),
                )
            }
            Step::ManageSessions { delete, sessions } => {
                let ids: Vec<Uuid> =
                    sessions.iter().filter_map(|index| self.chosen_session(*index)).map(id_of).collect();
                (
                    self.manage(*delete, &[], &ids).await,
                    self.end_or_remove(*delete, |session| ids.contains(&session.id)),
                )
            }
            Step::DeleteSession(session) => {
                let Some(id) = self.chosen_session(*session).map(id_of) else { return };
                let deleted = store.delete_session(id).await.unwrap();
                (u64::from(deleted), self.model.remove(|session| session.id == id))
            }
            other => panic!("{other:?} ends no session"),
        };
        assert_eq!(answer, expected, "{}", self.last);
    }

    async fn manage(&self, delete: bool, people: &[Uuid], sessions: &[Uuid]) -> u64 {
        let texts = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>();
        if people.is_empty() && sessions.is_empty() {
            return 0;
        }
        let action = if delete { "delete" } else { "disable" }.to_owned();
        let body = ManageSessionsBody { action, identities: texts(people), sessions: texts(sessions) };
        admin::manage(self.admin(), &body).await.unwrap().processed
    }

    fn end_or_remove(&mut self, delete: bool, chosen: impl Fn(&Known) -> bool) -> u64 {
        if delete { self.model.remove(chosen) } else { self.model.end(chosen) }
    }
}
