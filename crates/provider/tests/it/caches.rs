//! What is fetched, how often, and what happens when it can't be.

use crate::support::{World, exchange_at, now};
use bia_fake_entra::{Endpoint, EndpointFault, Fault, IdTokenFault};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn once_warm_a_sign_in_costs_the_token_call_alone() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "microsoft_tenant": "contoso.example" }));
    for _ in 0..30 {
        world.sign_in(&provider, "alice").await.unwrap();
    }
    let control = world.control();
    let counts = [Endpoint::Discovery, Endpoint::Keys, Endpoint::Token, Endpoint::Graph, Endpoint::Userinfo];
    assert_eq!(counts.map(|endpoint| control.count(endpoint)), [1, 1, 30, 0, 0]);
}

#[tokio::test]
async fn a_changed_configuration_fetches_only_what_is_new_to_it() {
    let world = World::new().await;
    let table = world.providers(world.microsoft_entries(&["contoso.example"]));
    world.sign_in(&table.get("p0").unwrap(), "alice").await.unwrap();
    let entries = world.microsoft_entries(&["contoso.example", "common"]);
    let config = serde_json::from_value(json!({ "providers": entries })).unwrap();
    let table = table.renewed(&config, &crate::support::public_url(), &world.outbound, false);
    world.sign_in(&table.get("p0").unwrap(), "alice").await.unwrap();
    let counts = [Endpoint::Discovery, Endpoint::Keys].map(|endpoint| world.control().count(endpoint));
    assert_eq!(counts, [1, 1]);
    world.sign_in(&table.get("p1").unwrap(), "alice").await.unwrap();
    assert_eq!(world.control().count(Endpoint::Discovery), 2);
}

#[tokio::test]
async fn a_crowd_at_a_cold_start_fetches_once() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let authorization = world.authorize(&provider).await.unwrap();
        let code = world.code(&authorization, "alice").await;
        waiting.push((authorization, code));
    }
    let tasks: Vec<_> = waiting
        .into_iter()
        .map(|(authorization, code)| {
            let provider = provider.clone();
            tokio::spawn(async move { exchange_at(&provider, &authorization, &code, now()).await.is_ok() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(world.control().count(Endpoint::Discovery), 1);
    assert_eq!(world.control().count(Endpoint::Keys), 1);
}

#[tokio::test]
async fn a_rotated_key_is_fetched_at_once_and_the_old_one_stays() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    let before = world.authorize(&provider).await.unwrap();
    world.sign_in(&provider, "alice").await.unwrap();
    world.control().rotate_keys();
    world.control().drop_old_keys();
    world.sign_in(&provider, "alice").await.expect("the new key is fetched");
    assert_eq!(world.control().count(Endpoint::Keys), 2);
    let code = world.code(&before, "alice").await;
    exchange_at(&provider, &before, &code, now()).await.expect("nothing is fetched again");
    assert_eq!(world.control().count(Endpoint::Keys), 2);
}

#[tokio::test]
async fn a_crowd_that_meets_a_rotation_waits_for_one_fetch() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    world.sign_in(&provider, "alice").await.unwrap();
    world.control().rotate_keys();
    world.control().drop_old_keys();
    let slow = Fault::at(Endpoint::Keys, EndpointFault::Slow).delay(Duration::from_millis(500));
    world.control().add_fault(slow);
    let mut crowd = Vec::new();
    for _ in 0..12 {
        let authorization = world.authorize(&provider).await.unwrap();
        let code = world.code(&authorization, "alice").await;
        let provider = provider.clone();
        crowd.push(tokio::spawn(async move { exchange_at(&provider, &authorization, &code, now()).await.map(drop) }));
    }
    for one in crowd {
        one.await.unwrap().expect("everybody has the new key");
    }
    assert_eq!(world.control().count(Endpoint::Keys), 2);
}

#[tokio::test]
async fn unknown_keys_cannot_make_us_hammer_the_provider() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    world.sign_in(&provider, "alice").await.unwrap();
    world.control().add_fault(Fault::id_token(IdTokenFault::StrangerSameKid));
    for _ in 0..20 {
        world.sign_in(&provider, "alice").await.expect_err("a stranger's signature");
    }
    assert_eq!(world.control().count(Endpoint::Keys), 1 + 5, "a burst of five");
    let authorization = world.authorize(&provider).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    let later = now() + Duration::from_secs(5 * 60 + 1);
    exchange_at(&provider, &authorization, &code, later).await.expect_err("still a stranger");
    assert_eq!(world.control().count(Endpoint::Keys), 1 + 5 + 1, "then one in five minutes");
}

#[tokio::test]
async fn a_kid_that_was_not_there_is_not_asked_for_again() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    world.sign_in(&provider, "alice").await.unwrap();
    world.control().add_fault(Fault::id_token(IdTokenFault::UnknownKey));
    for _ in 0..4 {
        world.sign_in(&provider, "alice").await.expect_err("an unpublished key");
    }
    assert_eq!(world.control().count(Endpoint::Keys), 2);
}

#[tokio::test]
async fn an_outage_of_metadata_and_keys_stops_nobody_once_warm() {
    let world = World::new().await;
    world.control().set_token_lifetime(3 * 24 * 60 * 60);
    let provider = world.microsoft(json!({}));
    world.sign_in(&provider, "alice").await.unwrap();
    world.control().add_fault(Fault::at(Endpoint::Discovery, EndpointFault::status(500)));
    world.control().add_fault(Fault::at(Endpoint::Keys, EndpointFault::Reset));
    let authorization = world.authorize(&provider).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    // Two days on both copies are overdue, but nothing better is to be had.
    let later = now() + Duration::from_secs(2 * 24 * 60 * 60);
    exchange_at(&provider, &authorization, &code, later).await.expect("the old copies serve");
}

#[tokio::test]
async fn a_failed_discovery_is_told_and_not_remembered() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    world.control().add_fault(Fault::at(Endpoint::Discovery, EndpointFault::status(404)).times(1));
    let error = world.sign_in(&provider, "alice").await.unwrap_err();
    assert_eq!((error.to_api().code, error.to_api().id.as_deref()), (502, Some("upstream_error")));
    world.sign_in(&provider, "alice").await.expect("the next sign-in asks again");
}

#[tokio::test]
async fn starting_a_sign_in_with_microsoft_needs_no_network() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "microsoft_tenant": "nowhere.example" }));
    world.authorize(&provider).await.unwrap();
    assert!(world.control().calls().is_empty());
}
