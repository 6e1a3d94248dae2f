//! Sessions one at a time and in batches.

use crate::sample::{NOW, earlier, insert_identity, insert_person, insert_session, later, person, session};
use bia_model::{Aal, Identity, Session};
use bia_store::{ConflictKind, SessionSelection, Store, StoreError, TokenHash};
use uuid::Uuid;

async fn is_active(store: &Store, session: &Session) -> bool {
    store.find_session(session.id).await.unwrap().unwrap().active
}

async fn insert_sessions(store: &Store, identity: &Identity, count: usize) -> Vec<Session> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        let session = session(identity);
        insert_session(store, &session).await;
        sessions.push(session);
    }
    sessions
}

pub async fn a_session_is_found_by_its_token_with_its_identity(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut expected = session(&alice);
    let hash = insert_session(store, &expected).await;
    expected.identity = Some(alice);
    let found = store.find_session_by_token_hash(&hash).await.unwrap();
    assert_eq!(found.as_ref(), Some(&expected));
    assert_eq!(store.find_session(expected.id).await.unwrap(), Some(expected));
    let wrong = TokenHash::of("another token");
    assert_eq!(store.find_session_by_token_hash(&wrong).await.unwrap(), None);
}

pub async fn the_raw_form_parses_to_the_same_session(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let hash = insert_session(store, &session(&alice)).await;
    let raw = store.find_raw_session_by_token_hash(&hash).await.unwrap().unwrap();
    let parsed = store.find_session_by_token_hash(&hash).await.unwrap().unwrap();
    assert_eq!(raw.parse().unwrap(), parsed);
    assert!(!format!("{raw:?}").contains("alice"));
}

pub async fn a_session_needs_an_identity(store: &Store) {
    let orphan = session(&person("nobody"));
    let outcome = store.insert_session(&orphan, &TokenHash::of("t")).await;
    assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
}

pub async fn two_sessions_cannot_share_a_token(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let hash = insert_session(store, &session(&alice)).await;
    let outcome = store.insert_session(&session(&alice), &hash).await;
    assert!(matches!(outcome, Err(StoreError::Conflict { what: ConflictKind::Key, .. })), "{outcome:?}");
}

/// Changes a session in a unit of its own.
async fn change(store: &Store, id: Uuid, edit: impl FnOnce(&mut Session)) -> Option<Session> {
    let mut unit = store.begin().await.unwrap();
    let changed = unit.change_session(id, edit).await.unwrap();
    unit.commit().await.unwrap();
    changed
}

pub async fn a_change_replaces_what_the_sign_in_said(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut expected = session(&alice);
    let hash = insert_session(store, &expected).await;
    expected.aal = Aal::Aal2;
    expected.authenticated_at = later(7);
    expected.devices.clear();
    expected.authentication_methods.push(expected.authentication_methods[0].clone());
    expected.upstream.as_mut().unwrap().sid = Some("sid-2".to_owned());
    let edited = expected.clone();
    let changed = change(store, expected.id, |session| *session = edited).await;
    assert_eq!(changed.as_ref(), Some(&expected));
    assert_eq!(store.find_sessions_by_upstream_sid("microsoft", "sid-2").await.unwrap().len(), 1);
    let without = change(store, expected.id, |session| session.upstream = None).await.unwrap();
    assert_eq!(store.find_sessions_by_upstream_sid("microsoft", "sid-2").await.unwrap(), []);
    expected = Session { identity: Some(alice), ..without };
    assert_eq!(store.find_session_by_token_hash(&hash).await.unwrap(), Some(expected));
}

pub async fn a_change_moves_neither_owner_nor_end(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let bob = insert_person(store, "bob").await;
    let before = session(&alice);
    insert_session(store, &before).await;
    store.extend_session(before.id, later(100_000)).await.unwrap();
    // As somebody would who read the session before it was extended.
    let changed = change(store, before.id, |session| {
        *session = Session { id: Uuid::new_v4(), identity_id: bob.id, active: false, aal: Aal::Aal2, ..before.clone() };
    })
    .await;
    let expected = Session { expires_at: later(100_000), aal: Aal::Aal2, ..before.clone() };
    assert_eq!(changed.as_ref(), Some(&expected));
    let found = store.find_session(before.id).await.unwrap().unwrap();
    assert_eq!(Session { identity: None, ..found }, expected);
}

pub async fn a_change_neither_revives_nor_touches_an_ended_session(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let ended = session(&alice);
    insert_session(store, &ended).await;
    store.deactivate_session(ended.id).await.unwrap();
    for id in [ended.id, Uuid::new_v4()] {
        let raised = change(store, id, |session| (session.active, session.aal) = (true, Aal::Aal2)).await;
        assert_eq!(raised, None);
    }
    let found = store.find_session(ended.id).await.unwrap().unwrap();
    assert_eq!((found.active, found.aal), (false, Aal::Aal1));
}

pub async fn extending_never_moves_the_end_back(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let session = session(&alice);
    insert_session(store, &session).await;
    for (asked, expected) in [(100_000, 100_000), (90_000, 100_000), (100_001, 100_001)] {
        assert!(store.extend_session(session.id, later(asked)).await.unwrap());
        let found = store.find_session(session.id).await.unwrap().unwrap();
        assert_eq!(found.expires_at, later(expected));
    }
    assert!(!store.extend_session(Uuid::new_v4(), NOW).await.unwrap());
}

pub async fn deactivating_works_once_and_keeps_the_row(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let session = session(&alice);
    let hash = insert_session(store, &session).await;
    assert!(store.deactivate_session(session.id).await.unwrap());
    assert!(!store.deactivate_session(session.id).await.unwrap());
    let found = store.find_session_by_token_hash(&hash).await.unwrap().unwrap();
    assert!(!found.active, "no stale answer after logout");
}

pub async fn somebody_elses_session_is_left_alone(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let bob = insert_person(store, "bob").await;
    let session = session(&alice);
    insert_session(store, &session).await;
    assert!(!store.deactivate_session_of(bob.id, session.id).await.unwrap());
    assert!(is_active(store, &session).await);
    assert!(store.deactivate_session_of(alice.id, session.id).await.unwrap());
    assert!(!is_active(store, &session).await);
}

pub async fn all_other_sessions_end_but_the_kept_one(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let bob = insert_person(store, "bob").await;
    let sessions = insert_sessions(store, &alice, 3).await;
    let others = insert_sessions(store, &bob, 1).await;
    let ended = store.deactivate_other_sessions(alice.id, Some(sessions[1].id)).await.unwrap();
    assert_eq!(ended, 2);
    assert!(!is_active(store, &sessions[0]).await && is_active(store, &sessions[1]).await);
    assert_eq!(store.deactivate_other_sessions(alice.id, None).await.unwrap(), 1);
    assert!(is_active(store, &others[0]).await);
}

pub async fn sessions_of_a_link_end_without_those_of_other_providers(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mine = session(&alice);
    let mut other = session(&alice);
    other.upstream.as_mut().unwrap().provider = "google".to_owned();
    insert_session(store, &mine).await;
    insert_session(store, &other).await;
    assert_eq!(store.deactivate_sessions_of_link(alice.id, "microsoft").await.unwrap(), 1);
    assert!(!is_active(store, &mine).await && is_active(store, &other).await);
}

pub async fn sessions_end_by_the_providers_session_id(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mine = session(&alice);
    let mut other = session(&alice);
    other.upstream.as_mut().unwrap().provider = "google".to_owned();
    let mut without = session(&alice);
    without.upstream.as_mut().unwrap().sid = None;
    for session in [&mine, &other, &without] {
        insert_session(store, session).await;
    }
    let found = store.find_sessions_by_upstream_sid("microsoft", "sid-1").await.unwrap();
    assert_eq!(found, std::slice::from_ref(&mine));
    assert_eq!(store.deactivate_sessions_by_upstream_sid("microsoft", "sid-2").await.unwrap(), 0);
    assert_eq!(store.deactivate_sessions_by_upstream_sid("microsoft", "sid-1").await.unwrap(), 1);
    assert!(!is_active(store, &mine).await);
    assert!(is_active(store, &other).await && is_active(store, &without).await);
    let found = store.find_sessions_by_upstream_sid("microsoft", "sid-1").await.unwrap();
    assert!(found.is_empty(), "ended ones are of no interest");
}

pub async fn deleting_removes_rows(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let sessions = insert_sessions(store, &alice, 3).await;
    assert!(store.delete_session(sessions[0].id).await.unwrap());
    assert!(!store.delete_session(sessions[0].id).await.unwrap());
    assert_eq!(store.delete_sessions_of(alice.id).await.unwrap(), 2);
    assert_eq!(store.delete_sessions_of(alice.id).await.unwrap(), 0);
    assert_eq!(store.find_session(sessions[1].id).await.unwrap(), None);
}

pub async fn batches_disable_and_delete_what_they_name_up_to_their_limit(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let bob = insert_person(store, "bob").await;
    let of_alice = insert_sessions(store, &alice, 4).await;
    let of_bob = insert_sessions(store, &bob, 2).await;
    let two = SessionSelection::Sessions(vec![of_alice[0].id, of_bob[0].id, Uuid::new_v4()]);
    assert_eq!(store.disable_sessions(&two, 500).await.unwrap(), 2);
    assert_eq!(store.disable_sessions(&two, 500).await.unwrap(), 0);
    assert!(!is_active(store, &of_alice[0]).await && is_active(store, &of_alice[1]).await);
    let hers = SessionSelection::Identities(vec![alice.id]);
    assert_eq!(store.disable_sessions(&hers, 2).await.unwrap(), 2);
    assert_eq!(store.disable_sessions(&hers, 2).await.unwrap(), 1);
    assert_eq!(store.delete_sessions(&hers, 500).await.unwrap(), 4);
    assert_eq!(store.disable_sessions(&SessionSelection::AllIdentities, 500).await.unwrap(), 1);
    assert_eq!(store.delete_sessions(&SessionSelection::AllIdentities, 1).await.unwrap(), 1);
    assert_eq!(store.statistics().await.unwrap().sessions, 1);
    for nobody in [SessionSelection::Sessions(vec![]), SessionSelection::Identities(vec![])] {
        assert_eq!(store.delete_sessions(&nobody, 500).await.unwrap(), 0);
    }
}

pub async fn sessions_due_for_recheck_are_taken_once(store: &Store) {
    let mut alice = person("alice");
    alice.external_id = None;
    insert_identity(store, &alice).await;
    let with_token = |checked_ago: u64| {
        let mut session = session(&alice);
        session.authenticated_at = earlier(90_000);
        let upstream = session.upstream.as_mut().unwrap();
        upstream.refresh_token = Some("sealed".to_owned());
        upstream.checked_at = Some(earlier(checked_ago));
        session
    };
    let (due, fresh, mut ended) = (with_token(1000), with_token(10), with_token(1000));
    ended.active = false;
    let without = session(&alice);
    for session in [&due, &fresh, &ended, &without] {
        insert_session(store, session).await;
    }
    let take = || store.take_sessions_for_recheck("microsoft", earlier(900), NOW, 10);
    let taken = take().await.unwrap();
    assert_eq!(taken.iter().map(|session| session.id).collect::<Vec<_>>(), [due.id]);
    assert!(take().await.unwrap().is_empty(), "two instances must not ask for the same session");
    let found = store.find_session(due.id).await.unwrap().unwrap();
    assert_eq!(found.upstream.unwrap().checked_at, Some(NOW));
}
