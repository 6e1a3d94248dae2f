//! Who the person is: subject sources, and moving from one to another (E1-E3).

use crate::bed::Bed;
use bia_fake_entra::{CONTOSO_TENANT_ID, TEST_CLIENT_ID, pairwise_subject};
use bia_selfservice::oidc::{RolledBack, preview_subject_rollback, roll_back_subject_migration};
use serde_json::json;

const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";

fn old() -> String {
    pairwise_subject(TEST_CLIENT_ID, ALICE)
}

async fn migrating() -> Bed {
    Bed::with_provider(json!({
        "subject_source": "tid_oid",
        "aliases": ["azure"],
        "microsoft": { "subject_migration": { "from": "userinfo" } },
    }))
    .await
}

fn new_identifier(provider: &str) -> String {
    format!("{provider}:{CONTOSO_TENANT_ID}/{ALICE}")
}

#[tokio::test]
async fn e1_each_source_gives_its_own_known_subject() {
    let tid_oid = format!("{CONTOSO_TENANT_ID}/{ALICE}");
    for (source, subject) in [("userinfo", old().as_str()), ("me", ALICE), ("oid", ALICE), ("tid_oid", &tid_oid)] {
        let bed = Bed::with_provider(json!({ "subject_source": source })).await;
        let answer = bed.browser().sign_in("microsoft", "alice").await;
        let owner = bed.owner_of(&format!("microsoft:{subject}")).await.unwrap();
        assert_eq!(owner.id, answer.identity_id(), "{source}");
    }
}

#[tokio::test]
async fn e2_one_object_id_in_two_tenants_is_two_people() {
    let bed = Bed::with_provider(json!({ "subject_source": "tid_oid" })).await;
    let alice = bed.browser().sign_in("microsoft", "alice").await.identity_id();
    let mut bob = bed.control().person("bob").unwrap();
    bob.oid = ALICE.to_owned();
    bed.control().put_person(bob);
    let bob = bed.browser().sign_in("microsoft", "bob").await.identity_id();
    assert_ne!(alice, bob);
}

#[tokio::test]
async fn e3_an_old_link_is_found_and_rewritten_once() {
    let bed = migrating().await;
    let alice = bed.import("alice@contoso.example", &[("microsoft", &old())], true).await;
    for _ in 0..2 {
        assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
    }
    // One identifier is left, the new one.
    let identity = bed.identity(alice).await;
    let subjects: Vec<_> = identity.oidc_links().into_iter().map(|link| link.identifier()).collect();
    assert_eq!(subjects, [new_identifier("microsoft")]);
    assert!(bed.owner_of(&format!("microsoft:{}", old())).await.is_none());
    let page = bia_store::Page::first(10);
    let rows = bed.deps.store.list_subject_migrations("microsoft", &page).await.unwrap().items;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].identity_id, rows[0].created_at), (alice, bed.now()));
}

#[tokio::test]
async fn e3_a_link_under_an_alias_is_found_too() {
    let bed = migrating().await;
    let alice = bed.import("alice@contoso.example", &[("azure", &old())], true).await;
    for _ in 0..2 {
        assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
    }
    assert!(bed.owner_of(&new_identifier("azure")).await.is_some());
}

#[tokio::test]
async fn e3_a_link_of_another_provider_is_never_taken() {
    let bed = Bed::builder()
        .provider(json!({ "subject_source": "tid_oid", "microsoft": { "subject_migration": { "from": "userinfo" } } }))
        .provider(json!({ "id": "other" }))
        .start()
        .await;
    let other = bed.import("somebody@contoso.example", &[("other", &old())], true).await;
    let alice = bed.browser().sign_in("microsoft", "alice").await.identity_id();
    assert_ne!(alice, other);
}

#[tokio::test]
async fn e3_an_old_object_id_of_another_tenant_is_not_believed_twice() {
    // From `oid` the old key says nothing about the tenant, but the link names one person alone: whoever comes first
    // with a checked tenant takes it along, and nobody can take it a second time.
    let bed = Bed::with_provider(json!({
        "subject_source": "tid_oid",
        "microsoft_tenant": CONTOSO_TENANT_ID,
        "microsoft": { "subject_migration": { "from": "oid" } },
    }))
    .await;
    let alice = bed.import("alice@contoso.example", &[("microsoft", ALICE)], true).await;
    let mut bob = bed.control().person("bob").unwrap();
    bob.oid = ALICE.to_owned();
    bed.control().put_person(bob);
    bed.control().allow_any_tenant(true);
    bed.browser().sign_in("microsoft", "bob").await.expect_nobody();
    assert!(bed.owner_of(&format!("microsoft:{ALICE}")).await.is_some());
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
}

#[tokio::test]
async fn e3_a_rollback_restores_the_old_links() {
    let bed = migrating().await;
    let alice = bed.import("alice@contoso.example", &[("microsoft", &old())], true).await;
    let gone = bed.import("norman@contoso.example", &[("microsoft", "x")], true).await;
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
    for _ in 0..2 {
        let preview = preview_subject_rollback(&bed.deps.store, "microsoft", bed.now()).await.unwrap();
        assert_eq!(preview, RolledBack { restored: 1, skipped: 0 }, "and it changes nothing");
    }
    let report = roll_back_subject_migration(&bed.deps.store, "microsoft", bed.now()).await.unwrap();
    assert_eq!(report, RolledBack { restored: 1, skipped: 0 });
    assert_eq!(bed.owner_of(&format!("microsoft:{}", old())).await.unwrap().id, alice);
    assert!(bed.owner_of(&new_identifier("microsoft")).await.is_none());
    assert_eq!(bed.identity(gone).await.oidc_links()[0].subject, "x");
    // A second call finds nothing left to do.
    let again = roll_back_subject_migration(&bed.deps.store, "microsoft", bed.now()).await.unwrap();
    assert_eq!(again, RolledBack::default());
}

#[tokio::test]
async fn e3_a_rollback_leaves_what_has_changed_since() {
    let bed = migrating().await;
    let alice = bed.import("alice@contoso.example", &[("microsoft", &old())], true).await;
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
    bed.import("else@contoso.example", &[("microsoft", &old())], true).await;
    let report = roll_back_subject_migration(&bed.deps.store, "microsoft", bed.now()).await.unwrap();
    assert_eq!(report, RolledBack { restored: 0, skipped: 1 });
    assert_eq!(bed.owner_of(&new_identifier("microsoft")).await.unwrap().id, alice);
}
