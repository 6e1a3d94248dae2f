//! Lists of identities for the admin API.

use crate::sample::{insert_identity, insert_person, person};
use bia_store::{IdentityFilter, Page, Store};
use std::collections::BTreeSet;
use uuid::Uuid;

async fn insert_people(store: &Store, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for index in 0..count {
        ids.push(insert_person(store, &format!("p{index}")).await.id);
    }
    ids.sort_unstable();
    ids
}

async fn walk(store: &Store, filter: &IdentityFilter, size: u32) -> Vec<Uuid> {
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list_identities(filter, &Page::After { cursor, size }).await.unwrap();
        assert!(page.items.len() <= size as usize);
        seen.extend(page.items.iter().map(|identity| identity.id));
        if !page.has_more {
            return seen;
        }
        assert_eq!(page.items.len(), size as usize, "only the last page may be short");
        cursor = page.items.last().map(|identity| identity.id);
    }
}

async fn ids_of(store: &Store, filter: IdentityFilter) -> BTreeSet<Uuid> {
    let ids = walk(store, &filter, 2).await;
    assert_eq!(store.count_identities(&filter).await.unwrap(), ids.len() as u64);
    ids.into_iter().collect()
}

pub async fn pages_by_key_visit_everybody_once_in_order(store: &Store) {
    let ids = insert_people(store, 7).await;
    for size in [1, 2, 3, 7, 250] {
        assert_eq!(walk(store, &IdentityFilter::All, size).await, ids, "size {size}");
    }
    let zero = store.list_identities(&IdentityFilter::All, &Page::first(0)).await.unwrap();
    assert_eq!(zero.items.len(), 1, "a size of nothing would never end");
}

pub async fn pages_by_key_stay_right_while_rows_come_and_go(store: &Store) {
    let ids = insert_people(store, 6).await;
    let first = store.list_identities(&IdentityFilter::All, &Page::first(3)).await.unwrap();
    let cursor = first.items.last().map(|identity| identity.id);
    let mut unit = store.begin().await.unwrap();
    assert!(unit.delete_identity(ids[0]).await.unwrap());
    assert!(unit.delete_identity(ids[2]).await.unwrap());
    unit.commit().await.unwrap();
    let rest = store.list_identities(&IdentityFilter::All, &Page::After { cursor, size: 3 }).await.unwrap();
    let rest: Vec<_> = rest.items.iter().map(|identity| identity.id).collect();
    assert_eq!(rest, ids[3..]);
}

pub async fn pages_by_offset_cut_the_same_order(store: &Store) {
    let ids = insert_people(store, 5).await;
    let page = |offset| Page::Offset { offset, size: 2 };
    for (offset, expected, has_more) in
        [(0, &ids[0..2], true), (2, &ids[2..4], true), (4, &ids[4..], false), (9, &ids[5..], false)]
    {
        let listed = store.list_identities(&IdentityFilter::All, &page(offset)).await.unwrap();
        let found: Vec<_> = listed.items.iter().map(|identity| identity.id).collect();
        assert_eq!((found.as_slice(), listed.has_more), (expected, has_more), "offset {offset}");
    }
    assert_eq!(store.count_identities(&IdentityFilter::All).await.unwrap(), 5);
}

pub async fn filters_let_through_what_they_name(store: &Store) {
    let organization = Uuid::new_v4();
    let mut alice = person("alice");
    alice.organization_id = Some(organization);
    insert_identity(store, &alice).await;
    let bob = insert_person(store, "bob").await;
    let carol = insert_person(store, "carol").await;
    let set = |ids: &[Uuid]| ids.iter().copied().collect::<BTreeSet<_>>();
    let identifier = |texts: &[&str]| IdentityFilter::Identifier(texts.iter().map(|&text| text.to_owned()).collect());
    let cases = [
        (IdentityFilter::All, set(&[alice.id, bob.id, carol.id])),
        (IdentityFilter::Ids(vec![bob.id, Uuid::new_v4(), carol.id]), set(&[bob.id, carol.id])),
        (IdentityFilter::Organization(organization), set(&[alice.id])),
        (IdentityFilter::Organization(Uuid::new_v4()), set(&[])),
        (identifier(&["bob@contoso.com"]), set(&[bob.id])),
        (identifier(&["microsoft:bob", "bob@contoso.com"]), set(&[bob.id])),
        (identifier(&["BOB@contoso.com", "microsoft:carol"]), set(&[carol.id])),
        (identifier(&["bob@contoso.co"]), set(&[])),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids_of(store, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn similar_means_a_prefix_without_wildcards(store: &Store) {
    let ann = insert_person(store, "ann").await;
    let anna = insert_person(store, "anna").await;
    let odd = insert_person(store, "an%_x").await;
    let similar = |text: &str| IdentityFilter::IdentifierSimilar(vec![text.to_owned()]);
    let cases = [
        ("ann", vec![ann.id, anna.id]),
        ("anna@", vec![anna.id]),
        ("an%", vec![odd.id]),
        ("an_", vec![]),
        ("contoso", vec![]),
        ("microsoft:an", vec![ann.id, anna.id, odd.id]),
        ("an%_x", vec![odd.id]),
    ];
    for (text, expected) in cases {
        assert_eq!(ids_of(store, similar(text)).await, expected.into_iter().collect(), "{text}");
    }
}

pub async fn several_prefixes_are_alternatives(store: &Store) {
    let ann = insert_person(store, "ann").await;
    let bob = insert_person(store, "bob").await;
    insert_person(store, "carol").await;
    let prefixes = ["BOB", "bob", "ann"].map(str::to_owned).to_vec();
    let found = ids_of(store, IdentityFilter::IdentifierSimilar(prefixes)).await;
    assert_eq!(found, BTreeSet::from([ann.id, bob.id]));
}

pub async fn a_page_of_nothing_is_empty(store: &Store) {
    for filter in [
        IdentityFilter::All,
        IdentityFilter::Ids(Vec::new()),
        IdentityFilter::Identifier(Vec::new()),
        IdentityFilter::IdentifierSimilar(Vec::new()),
    ] {
        let listed = store.list_identities(&filter, &Page::first(10)).await.unwrap();
        assert!(listed.items.is_empty() && !listed.has_more);
        assert_eq!(store.count_identities(&filter).await.unwrap(), 0);
    }
}
