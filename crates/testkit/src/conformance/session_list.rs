//! Lists of sessions.

use crate::sample::{NOW, earlier, insert_person, insert_session, later, session};
use bia_model::{Identity, Session};
use bia_store::{Page, SessionCursor, SessionFilter, Store};
use uuid::Uuid;

/// Sessions issued one after the other, two of them at the same moment.
async fn insert_sessions(store: &Store, identity: &Identity, count: u64) -> Vec<Session> {
    let mut sessions = Vec::new();
    for index in 0..count {
        let mut session = session(identity);
        session.issued_at = later(index.max(1));
        insert_session(store, &session).await;
        sessions.push(session);
    }
    sessions.sort_by_key(|session| std::cmp::Reverse((session.issued_at, session.id)));
    sessions
}

fn ids(sessions: &[Session]) -> Vec<Uuid> {
    sessions.iter().map(|session| session.id).collect()
}

pub async fn sessions_are_listed_newest_first_in_pages(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let bob = insert_person(store, "bob").await;
    let expected = ids(&insert_sessions(store, &alice, 5).await);
    insert_sessions(store, &bob, 2).await;
    let filter = SessionFilter { identity_id: Some(alice.id), ..SessionFilter::default() };
    for size in [1, 2, 5, 250] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page::After { cursor, size };
            let listed = store.list_sessions(&filter, &page, false).await.unwrap();
            seen.extend(ids(&listed.items));
            cursor = listed.items.last().map(SessionCursor::after);
            if !listed.has_more {
                break;
            }
        }
        assert_eq!(seen, expected, "size {size}");
    }
    let second = Page::Offset { offset: 2, size: 2 };
    let listed = store.list_sessions(&filter, &second, false).await.unwrap();
    assert_eq!(ids(&listed.items), expected[2..4]);
    assert_eq!(store.count_sessions(&filter).await.unwrap(), 5);
    assert_eq!(store.count_sessions(&SessionFilter::default()).await.unwrap(), 7);
}

pub async fn active_and_inactive_split_all_sessions(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let live = session(&alice);
    let mut expired = session(&alice);
    expired.expires_at = earlier(1);
    let mut just_expired = session(&alice);
    just_expired.expires_at = NOW;
    let mut ended = session(&alice);
    ended.active = false;
    for session in [&live, &expired, &just_expired, &ended] {
        insert_session(store, session).await;
    }
    let listed = async |active| {
        let filter = SessionFilter { active: Some((active, NOW)), ..SessionFilter::default() };
        let listed = store.list_sessions(&filter, &Page::first(10), true).await.unwrap();
        assert_eq!(store.count_sessions(&filter).await.unwrap(), listed.items.len() as u64);
        for session in &listed.items {
            assert_eq!(session.is_active(NOW), active);
        }
        listed.items.len()
    };
    assert_eq!((listed(true).await, listed(false).await), (1, 3));
    let others = SessionFilter { active: Some((true, NOW)), except: Some(live.id), identity_id: Some(alice.id) };
    assert_eq!(store.count_sessions(&others).await.unwrap(), 0);
}

pub async fn identities_come_along_only_when_asked_for(store: &Store) {
    let alice = insert_person(store, "alice").await;
    insert_session(store, &session(&alice)).await;
    let (filter, page) = (SessionFilter::default(), Page::first(10));
    let with = store.list_sessions(&filter, &page, true).await.unwrap();
    assert_eq!(with.items[0].identity.as_ref(), Some(&alice));
    let without = store.list_sessions(&filter, &page, false).await.unwrap();
    assert_eq!(without.items[0].identity, None);
    assert_eq!(without.items[0].devices, with.items[0].devices);
}
