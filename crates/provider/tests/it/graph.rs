//! What Graph is asked, and what its silence means.

use crate::support::World;
use bia_fake_entra::{Endpoint, EndpointFault, Fault, Group, GroupKind};
use bia_provider::Step;
use serde_json::{Value, json};

/// Somebody with that many groups, one nested, and a directory role among them.
fn with_groups(world: &World, count: usize) {
    let mut person = world.control().person("manygroups").unwrap();
    person.groups = (0..count)
        .map(|number| Group {
            id: format!("96000000-0000-4000-8000-{number:012}"),
            display_name: format!("Group {number}"),
            kind: GroupKind::Group,
            nested: number == 0,
            on_premises_name: None,
        })
        .collect();
    person.groups.push(Group {
        id: "96000000-0000-4000-8000-00000000beef".to_owned(),
        display_name: "Readers".to_owned(),
        kind: GroupKind::DirectoryRole,
        nested: false,
        on_premises_name: None,
    });
    world.control().put_person(person);
}

fn groups(value: &bia_model::Claims) -> Vec<&str> {
    value.raw_claims.get("groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn an_overage_is_read_from_graph_page_by_page() {
    let world = World::new().await;
    for (count, pages) in [(450, 1), (1200, 2)] {
        with_groups(&world, count);
        world.control().clear_log();
        let provider = world.microsoft(json!({ "microsoft": { "groups": {} } }));
        let signed_in = world.sign_in(&provider, "manygroups").await.unwrap();
        assert_eq!(groups(&signed_in.claims).len(), count, "directory roles are no groups");
        assert_eq!(world.control().count(Endpoint::Graph), pages);
    }
}

#[tokio::test]
async fn direct_groups_names_filter_and_cap() {
    let world = World::new().await;
    with_groups(&world, 300);
    let read = |groups_config: Value| {
        let provider = world.microsoft(json!({ "microsoft": { "groups": groups_config } }));
        let world = &world;
        async move { world.sign_in(&provider, "manygroups").await.unwrap().claims }
    };
    assert_eq!(groups(&read(json!({ "nested": false })).await).len(), 299);
    assert!(groups(&read(json!({ "format": "name" })).await).contains(&"Group 7"));
    let last = "96000000-0000-4000-8000-000000000299";
    let filtered = read(json!({ "allowed": [last], "max": 1 })).await;
    assert_eq!(groups(&filtered), [last], "the filter comes before the cap");
    assert_eq!(groups(&read(json!({ "max": 5 })).await).len(), 5);
}

#[tokio::test]
async fn graph_down_is_refused_or_flagged_and_never_silent() {
    let world = World::new().await;
    with_groups(&world, 450);
    world.control().add_fault(Fault::at(Endpoint::Graph, EndpointFault::status(503)));
    let refuse = world.microsoft(json!({ "microsoft": { "groups": {} } }));
    let error = world.sign_in(&refuse, "manygroups").await.unwrap_err();
    assert_eq!((error.step(), error.to_api().code), (Step::Graph, 502));
    let flag = world.microsoft(json!({ "microsoft": { "groups": { "on_error": "flag" } } }));
    let signed_in = world.sign_in(&flag, "manygroups").await.unwrap();
    assert!(signed_in.facts.groups_missing);
    assert_eq!(signed_in.claims.graph.get("groups_missing"), Some(&Value::Bool(true)));
    assert!(signed_in.claims.raw_claims.get("groups").is_none());
    let gated = json!({ "microsoft": { "groups": { "on_error": "flag", "allowed": ["96000000-0000-4000-8000-000000000001"] } } });
    let error = world.sign_in(&world.microsoft(gated), "manygroups").await.unwrap_err();
    assert_eq!(error.step(), Step::Policy, "unknown groups open no gate");
}

#[tokio::test]
async fn the_next_page_at_another_host_does_not_get_the_token() {
    let world = World::new().await;
    with_groups(&world, 450);
    let elsewhere = wiremock::MockServer::start().await;
    let body = json!({ "value": [], "@odata.nextLink": format!("{}/v1.0/me/steal", elsewhere.uri()) });
    let fault = EndpointFault::Status { status: 200, retry_after: None, body: Some(body), headers: Default::default() };
    world.control().add_fault(Fault::at(Endpoint::Graph, fault));
    let provider = world.microsoft(json!({ "microsoft": { "groups": {} } }));
    assert_eq!(world.sign_in(&provider, "manygroups").await.unwrap_err().step(), Step::Graph);
    assert!(elsewhere.received_requests().await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn profile_fields_reach_the_mapper_as_claims_graph() {
    let world = World::new().await;
    let mut alice = world.control().person("alice").unwrap();
    alice.profile.insert("jobTitle".to_owned(), "Engineer".into());
    world.control().put_person(alice);
    let provider = world.microsoft(json!({ "microsoft": { "profile": ["jobTitle", "../users"] } }));
    let signed_in = world.sign_in(&provider, "alice").await.unwrap();
    assert_eq!(signed_in.claims.graph.get("jobTitle"), Some(&json!("Engineer")));
    assert_eq!(signed_in.claims.graph.len(), 1);
}

#[tokio::test]
async fn a_claims_challenge_of_graph_is_handed_on() {
    let world = World::new().await;
    world.control().require_graph_context(Some("c1"));
    let provider = world.microsoft(json!({ "subject_source": "me" }));
    let error = world.sign_in(&provider, "alice").await.unwrap_err();
    let challenge = error.claims_challenge().expect("Graph said what it wants").to_owned();
    let parameters = Default::default();
    let mut request = bia_provider::AuthorizeRequest::new("s", &parameters, crate::support::now());
    request.claims_challenge = Some(&challenge);
    let authorization = provider.authorize(request).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    crate::support::exchange(&provider, &authorization, &code).await.expect("the second try satisfies Graph");
}

#[tokio::test]
async fn graph_failing_for_the_subject_is_an_upstream_error() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "subject_source": "me" }));
    for (fault, reason) in [
        (EndpointFault::status(401), "OpenID Connect provider returned a 401 status code but 200 is expected."),
        (EndpointFault::Malformed, "Unable to decode JSON from Microsoft Graph. Please try again later."),
        (EndpointFault::Reset, "Unable to fetch from Microsoft Graph. Please try again later."),
    ] {
        world.control().clear_faults();
        world.control().add_fault(Fault::at(Endpoint::Graph, fault));
        let api = world.sign_in(&provider, "alice").await.unwrap_err().to_api();
        assert_eq!((api.code, api.reason.as_deref()), (502, Some(reason)));
    }
}

#[tokio::test]
async fn people_without_a_listed_role_are_refused_kindly() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "roles": { "allowed": ["Admin"] } }));
    world.sign_in(&provider, "alice").await.expect("Alice is an Admin");
    let error = world.sign_in(&provider, "bob").await.unwrap_err();
    assert_eq!((error.step(), error.to_api().code), (Step::Policy, 400));
}

/// Collects what is logged by this thread.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_list_that_is_cut_off_is_told_to_the_log() {
    let world = World::new().await;
    with_groups(&world, 300);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let logged = || String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let provider = world.microsoft(json!({ "microsoft": { "groups": { "max": 300 } } }));
    world.sign_in(&provider, "manygroups").await.unwrap();
    assert!(!logged().contains("groups.max"), "nothing was cut off: {}", logged());
    let provider = world.microsoft(json!({ "microsoft": { "groups": { "max": 20 } } }));
    assert_eq!(groups(&world.sign_in(&provider, "manygroups").await.unwrap().claims).len(), 20);
    assert!(logged().contains("groups.max") && logged().contains("found=300"), "{}", logged());
    assert!(!logged().contains("Group 7") && !logged().contains("96000000"), "no group is named");
}
