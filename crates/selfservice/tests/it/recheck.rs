//! Leavers (E14).

use crate::bed::Bed;
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use bia_selfservice::recheck::{RecheckReport, pace, recheck_due};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(15 * 60);

async fn bed() -> Bed {
    Bed::with_provider(json!({ "recheck": "15m" })).await
}

async fn recheck(bed: &Bed) -> RecheckReport {
    recheck_due(&bed.deps, bed.now()).await.unwrap()
}

fn report(confirmed: u64, ended: u64, undecided: u64) -> RecheckReport {
    RecheckReport { confirmed, ended, undecided }
}

#[tokio::test]
async fn e14_somebody_who_left_loses_every_session_of_the_link_at_the_next_check() {
    let bed = bed().await;
    let (phone, laptop) = (bed.signed_in("alice").await, bed.signed_in("alice").await);
    let bob = bed.signed_in("bob").await;
    assert_eq!(recheck(&bed).await, report(0, 0, 0));
    bed.control().disable_person("alice");
    bed.advance(INTERVAL + Duration::from_secs(1));
    let done = recheck(&bed).await;
    assert_eq!((done.confirmed, done.ended, done.undecided), (1, 2, 0));
    assert!(phone.session().await.is_none() && laptop.session().await.is_none());
    assert!(bob.session().await.is_some());
}

#[tokio::test]
async fn e14_a_rotated_token_is_kept_and_serves_the_next_time() {
    let bed = bed().await;
    let alice = bed.signed_in("alice").await;
    let kept = |session: bia_model::Session| session.upstream.unwrap().refresh_token.unwrap();
    let first = kept(alice.session().await.unwrap());
    bed.control().clear_log();
    for _ in 0..3 {
        bed.advance(INTERVAL + Duration::from_secs(1));
        assert_eq!(recheck(&bed).await, report(1, 0, 0));
    }
    let last = kept(alice.session().await.unwrap());
    assert_ne!(last, first);
    // The stand-in lets old tokens go on, as Entra does: what was sent tells whether the newest one was used.
    let calls = bed.control().calls();
    let sent: Vec<&str> = calls.iter().filter_map(|call| Some(call.form.get("refresh_token")?.as_str())).collect();
    assert_eq!((sent.len(), sent.iter().collect::<BTreeSet<_>>().len()), (3, 3), "each time the one kept last");
    // The first one sent is what `first` seals; `last` seals one that was not sent yet, but looks alike.
    assert!(sent[0].starts_with("1.A") && !first.contains(sent[0]), "the token of the sign-in is sealed");
    assert!(!first.contains('.') && !last.contains('.'), "and so is one that was kept later");
    assert_eq!(alice.session().await.unwrap().upstream.unwrap().checked_at, Some(bed.now()));
}

#[tokio::test]
async fn e14_faults_that_are_not_the_persons_never_sign_anybody_out() {
    let bed = bed().await;
    let alice = bed.signed_in("alice").await;
    let faults = [
        EndpointFault::error("invalid_client"),
        EndpointFault::throttled(7),
        EndpointFault::status(503),
        EndpointFault::Reset,
        EndpointFault::Malformed,
        // AADSTS numbers only explain; the OAuth error decides.
        EndpointFault::aadsts("temporarily_unavailable", 50057, "The user account is disabled."),
    ];
    for fault in faults {
        bed.control().clear_faults();
        bed.control().add_fault(Fault::at(Endpoint::Token, fault));
        bed.advance(INTERVAL + Duration::from_secs(1));
        assert_eq!(recheck(&bed).await, report(0, 0, 1));
        assert!(alice.session().await.is_some());
    }
    bed.control().clear_faults();
    bed.advance(INTERVAL + Duration::from_secs(1));
    assert_eq!(recheck(&bed).await, report(1, 0, 0));
}

#[tokio::test]
async fn e14_a_new_proof_that_is_demanded_ends_the_session() {
    let bed = bed().await;
    let alice = bed.signed_in("alice").await;
    bed.control().add_fault(Fault::at(Endpoint::Token, EndpointFault::error("interaction_required")));
    bed.advance(INTERVAL + Duration::from_secs(1));
    assert_eq!(recheck(&bed).await, report(0, 1, 0));
    assert!(alice.session().await.is_none());
}

#[tokio::test]
async fn e14_two_instances_never_ask_about_the_same_session() {
    let bed = bed().await;
    for _ in 0..5 {
        bed.signed_in("alice").await;
    }
    bed.advance(INTERVAL + Duration::from_secs(1));
    bed.control().clear_log();
    let (one, other) = tokio::join!(recheck(&bed), recheck(&bed));
    assert_eq!((one + other).confirmed, 5);
    assert_eq!(bed.control().count(Endpoint::Token), 5);
}

#[tokio::test]
async fn e14_more_sessions_than_one_batch_are_all_asked_about_in_one_round() {
    let bed = bed().await;
    let session = bed.signed_in("alice").await.session().await.unwrap();
    for _ in 0..204 {
        let other = bia_model::Session { id: uuid::Uuid::new_v4(), ..session.clone() };
        bia_testkit::sample::insert_session(&bed.deps.store, &other).await;
    }
    bed.advance(INTERVAL + Duration::from_secs(1));
    assert_eq!(recheck(&bed).await, report(205, 0, 0));
    assert_eq!(recheck(&bed).await, report(0, 0, 0));
}

#[tokio::test]
async fn e14_a_provider_that_throttles_is_left_alone_after_one_batch() {
    let bed = bed().await;
    let session = bed.signed_in("alice").await.session().await.unwrap();
    for _ in 0..149 {
        let other = bia_model::Session { id: uuid::Uuid::new_v4(), ..session.clone() };
        bia_testkit::sample::insert_session(&bed.deps.store, &other).await;
    }
    bed.control().add_fault(Fault::at(Endpoint::Token, EndpointFault::throttled(7)));
    bed.advance(INTERVAL + Duration::from_secs(1));
    assert_eq!(recheck(&bed).await, report(0, 0, 100));
}

#[tokio::test]
async fn e14_the_other_account_of_one_provider_stays_signed_in() {
    let bed = Bed::builder().provider(json!({ "recheck": "15m", "subject_source": "oid" })).start().await;
    let links =
        [("microsoft", "a11ce000-0000-4000-8000-000000000001"), ("microsoft", "b0b00000-0000-4000-8000-000000000002")];
    bed.import("both@mail.example", &links, true).await;
    let (as_alice, as_bob) = (bed.signed_in("alice").await, bed.signed_in("bob").await);
    bed.control().disable_person("alice");
    bed.advance(INTERVAL + Duration::from_secs(1));
    assert_eq!(recheck(&bed).await.ended, 1);
    assert!(as_alice.session().await.is_none());
    assert!(as_bob.session().await.is_some());
}

#[tokio::test]
async fn e14_without_the_key_no_token_is_kept_and_nobody_is_asked() {
    let bed = Bed::new().await;
    let alice = bed.signed_in("alice").await;
    assert_eq!(alice.session().await.unwrap().upstream.unwrap().refresh_token, None);
    bed.advance(Duration::from_secs(3600));
    assert_eq!(recheck(&bed).await, report(0, 0, 0));
    assert_eq!(pace(&bed.deps.config), None);
}
