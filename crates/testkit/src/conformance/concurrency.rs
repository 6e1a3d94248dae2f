//! Many at once.

use crate::sample::{NOW, continuity, earlier, flow, insert_person, insert_session, later, link, person, session};
use bia_model::{CredentialsType, FlowKind};
use bia_store::{CleanupOptions, ConflictKind, Store, StoreError, TokenHash};
use std::time::Duration;
use tokio::task::JoinSet;

pub async fn sixty_four_writers_at_once_never_fail(store: &Store) {
    let mut tasks = JoinSet::new();
    for task in 0..64 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..4 {
                let identity = person(&format!("p{task}-{round}"));
                let session = session(&identity);
                let hash = TokenHash::of(&session.id.to_string());
                let flow = flow(FlowKind::Login);
                store.insert_flow(&flow).await?;
                let mut unit = store.begin().await?;
                unit.insert_identity(&identity).await?;
                unit.insert_session(&session, &hash).await?;
                unit.delete_flow(flow.id).await?;
                unit.commit().await?;
                let found = store.find_session_by_token_hash(&hash).await?;
                assert_eq!(found.map(|found| found.id), Some(session.id));
            }
            Ok::<(), StoreError>(())
        });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    let counted = store.statistics().await.unwrap();
    assert_eq!((counted.identities, counted.sessions, counted.flows), (256, 256, 0));
}

pub async fn of_many_takers_one_gets_the_container(store: &Store) {
    for round in 0..10 {
        let id = format!("state-{round}");
        assert!(store.put_continuity(&continuity(&id)).await.unwrap());
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (store, id) = (store.clone(), id.clone());
            tasks.spawn(async move { store.take_continuity(&id, "browser").await.unwrap() });
        }
        let got = tasks.join_all().await.into_iter().flatten().count();
        assert_eq!(got, 1);
    }
}

pub async fn of_two_people_with_one_identifier_one_gets_it(store: &Store) {
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut unit = store.begin().await?;
            unit.insert_identity(&person("alice")).await?;
            unit.commit().await
        });
    }
    let (mut kept, mut refused) = (0, 0);
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(()) => kept += 1,
            Err(StoreError::Conflict { what: ConflictKind::CredentialIdentifier, .. }) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((kept, refused), (1, 15));
}

pub async fn units_that_claim_values_in_opposite_order_do_not_deadlock(store: &Store) {
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut identity = person(&format!("p{task}"));
            let mut links = vec![link("a", "1"), link("b", "1"), link("c", "1")];
            if task % 2 == 0 {
                links.reverse();
            }
            identity.set_oidc_links(links, NOW);
            let mut unit = store.begin().await?;
            unit.insert_identity(&identity).await?;
            unit.commit().await
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes {
        assert!(matches!(outcome, Ok(()) | Err(StoreError::Conflict { .. })), "{outcome:?}");
    }
}

pub async fn concurrent_updates_lose_nothing(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let (store, id) = (store.clone(), alice.id);
        tasks.spawn(async move {
            let mut unit = store.begin().await.unwrap();
            let mut identity = unit.find_identity_for_update(id).await.unwrap().unwrap();
            let previous = identity.updated_at;
            let mut links = identity.oidc_links();
            links.push(link("google", &format!("s{task}")));
            identity.set_oidc_links(links, NOW);
            identity.updated_at = previous + Duration::from_secs(1);
            unit.update_identity(&identity, previous).await.unwrap();
            unit.commit().await.unwrap();
        });
    }
    tasks.join_all().await;
    let found = store.find_identity(alice.id).await.unwrap().unwrap();
    assert_eq!(found.oidc_links().len(), 17);
    assert_eq!(found.updated_at, later(16));
    assert_eq!(store.count_links("google").await.unwrap(), 16);
}

pub async fn concurrent_changes_of_a_session_all_stay(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let first = session(&alice);
    insert_session(store, &first).await;
    let mut tasks = JoinSet::new();
    for task in 0_u64..16 {
        let (store, id) = (store.clone(), first.id);
        tasks.spawn(async move {
            if task % 2 == 0 {
                assert!(store.extend_session(id, later(100_000 + task)).await.unwrap());
                return;
            }
            let mut unit = store.begin().await.unwrap();
            let changed = unit.change_session(id, |session| {
                let method = session.authentication_methods[0].clone();
                session.authentication_methods.push(method);
            });
            assert!(changed.await.unwrap().is_some());
            unit.commit().await.unwrap();
        });
    }
    tasks.join_all().await;
    let found = store.find_session(first.id).await.unwrap().unwrap();
    assert_eq!((found.authentication_methods.len(), found.expires_at), (9, later(100_014)));
}

pub async fn a_revocation_beats_changes_at_the_same_time(store: &Store) {
    for _ in 0..10 {
        let alice = insert_person(store, "alice").await;
        let first = session(&alice);
        insert_session(store, &first).await;
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let (store, id) = (store.clone(), first.id);
            tasks.spawn(async move {
                if task == 4 {
                    assert!(store.deactivate_session(id).await.unwrap());
                    return;
                }
                let mut unit = store.begin().await.unwrap();
                unit.change_session(id, |session| session.authenticated_at = later(task)).await.unwrap();
                unit.commit().await.unwrap();
            });
        }
        tasks.join_all().await;
        assert!(!store.find_session(first.id).await.unwrap().unwrap().active);
        let mut unit = store.begin().await.unwrap();
        unit.delete_identity(alice.id).await.unwrap();
        unit.commit().await.unwrap();
    }
}

pub async fn readers_are_not_blocked_by_an_open_unit(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let hash = insert_session(store, &session(&alice)).await;
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&person("bob")).await.unwrap();
    // The same task holds the unit, so waiting for it would never end.
    assert!(store.find_session_by_token_hash(&hash).await.unwrap().is_some());
    assert!(store.is_ready().await.unwrap());
    unit.commit().await.unwrap();
}

pub async fn cancelled_work_leaves_the_store_usable(store: &Store) {
    for round in 0_u64..60 {
        let store = store.clone();
        let work = async {
            let mut unit = store.begin().await?;
            unit.insert_identity(&person("cancelled")).await?;
            unit.find_identity_by_identifier(CredentialsType::Oidc, "microsoft:cancelled").await?;
            unit.rollback().await;
            Ok::<(), StoreError>(())
        };
        // Ends at a different point each time.
        let _ = tokio::time::timeout(Duration::from_micros(round * 40), work).await;
    }
    insert_person(store, "alice").await;
    assert_eq!(store.statistics().await.unwrap().identities, 1);
}

pub async fn two_cleanups_at_once_do_not_disturb_each_other(store: &Store) {
    let mut unit = store.begin().await.unwrap();
    for _ in 0..300 {
        let mut flow = flow(FlowKind::Login);
        flow.expires_at = earlier(1);
        unit.insert_flow(&flow).await.unwrap();
    }
    unit.commit().await.unwrap();
    let mut options = CleanupOptions::new(NOW);
    options.batch_size = 20;
    let (one, two) = tokio::join!(store.cleanup(&options), store.cleanup(&options));
    assert_eq!(one.unwrap().flows + two.unwrap().flows, 300);
    assert_eq!(store.statistics().await.unwrap().flows, 0);
}
