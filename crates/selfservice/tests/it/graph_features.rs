//! What Graph adds to a sign-in, as it ends in the identity: profile fields and groups (F6, F14, F15).

use crate::bed::Bed;
use bia_fake_entra::{Endpoint, Group, GroupKind};
use serde_json::{Value, json};

/// Far more than a token carries, so that Graph is asked.
const GROUPS: usize = 300;

fn group_id(number: usize) -> String {
    format!("96000000-0000-4000-8000-{number:012}")
}

/// A bed with these settings of `microsoft.groups`, where `manygroups` is directly in all groups but the first.
async fn bed_with_groups(settings: &Value) -> Bed {
    let bed = Bed::with_provider(json!({ "microsoft": { "groups": settings } })).await;
    let mut person = bed.control().person("manygroups").unwrap();
    let group = |number| Group {
        id: group_id(number),
        display_name: format!("Group {number}"),
        kind: GroupKind::Group,
        nested: number == 0,
        on_premises_name: None,
    };
    person.groups = (0..GROUPS).map(group).collect();
    bed.control().put_person(person);
    bed
}

/// The groups that the mapper wrote into `metadata_admin` at the first sign-in.
async fn groups_after_sign_in(settings: Value) -> Vec<String> {
    let bed = bed_with_groups(&settings).await;
    let id = bed.browser().sign_in("microsoft", "manygroups").await.identity_id();
    let metadata = bed.identity(id).await.metadata_admin.unwrap();
    let groups = metadata["groups"].as_array().unwrap_or_else(|| panic!("{settings}: no groups"));
    groups.iter().map(|group| group.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn f6_the_listed_profile_fields_reach_the_mapper_and_no_others_do() {
    for (listed, expected) in [
        (json!(["jobTitle", "department"]), json!({ "jobTitle": "Engineer", "department": "Research" })),
        // Alice's entry has no such field, and the second one is an address, not a field.
        (json!(["mobilePhone", "../users"]), json!({})),
    ] {
        let bed = Bed::with_provider(json!({ "microsoft": { "profile": listed } })).await;
        let id = bed.browser().sign_in("microsoft", "alice").await.identity_id();
        let graph = bed.identity(id).await.metadata_admin.unwrap()["graph"].clone();
        let found = graph.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let found: serde_json::Map<String, Value> = found.map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(Value::Object(found), expected, "{listed}");
    }
}

#[tokio::test]
async fn f6_without_listed_fields_graph_is_not_asked() {
    let bed = Bed::new().await;
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
    assert_eq!(bed.control().count(Endpoint::Graph), 0);
}

#[tokio::test]
async fn f14_groups_are_named_when_asked_for() {
    let names = groups_after_sign_in(json!({ "format": "name" })).await;
    assert_eq!(names.len(), GROUPS);
    assert!(names.iter().all(|name| name.starts_with("Group ")), "{names:?}");
    let ids = groups_after_sign_in(json!({})).await;
    assert!(ids.contains(&group_id(7)) && ids.iter().all(|id| !id.starts_with("Group ")), "{ids:?}");
}

#[tokio::test]
async fn f14_the_filter_comes_before_the_cap() {
    // The last of all groups: a cap that came first would have cut it off, and the gate would stay shut.
    let last = group_id(GROUPS - 1);
    assert_eq!(groups_after_sign_in(json!({ "allowed": [last], "max": 1 })).await, [last]);
    let name = format!("Group {}", GROUPS - 1);
    assert_eq!(groups_after_sign_in(json!({ "format": "name", "allowed": [name], "max": 1 })).await, [name]);
    assert_eq!(groups_after_sign_in(json!({ "max": 5 })).await.len(), 5);
}

#[tokio::test]
async fn f15_groups_of_groups_count_unless_only_direct_ones_shall() {
    let nested = groups_after_sign_in(json!({})).await;
    assert!(nested.contains(&group_id(0)));
    assert_eq!(nested.len(), GROUPS);
    let direct = groups_after_sign_in(json!({ "nested": false })).await;
    assert!(!direct.contains(&group_id(0)));
    assert_eq!(direct.len(), GROUPS - 1);
}
