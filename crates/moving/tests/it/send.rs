//! Into a Kratos.

use crate::kratos::Bed;
use bia_moving::export::Export;
use bia_moving::{MovingError, NewId, Send, SendReport, send};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A Kratos that takes batches, or refuses them as a whole.
#[derive(Clone, Default)]
struct Taker {
    bodies: Arc<Mutex<Vec<Value>>>,
    /// Whom it has already: link and id.
    there: Arc<Mutex<Vec<(String, String)>>>,
    refuses_batches: bool,
    /// Of everybody whom it has.
    traits: Arc<Mutex<Value>>,
}

const NEW: &str = "e0000000-0000-4000-8000-000000000001";

impl Respond for Taker {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if request.method.as_str() == "GET" {
            if let Some(external_id) = request.url.path().strip_prefix("/admin/identities/by/external/") {
                let there = self.there.lock().expect("there").clone();
                return match there.into_iter().find(|(key, _)| *key == format!("external {external_id}")) {
                    Some((_, id)) => ResponseTemplate::new(200).set_body_json(json!({ "id": id })),
                    None => ResponseTemplate::new(404),
                };
            }
            let asked = request.url.query_pairs().find(|(key, _)| key == "credentials_identifier");
            let asked = asked.map(|(_, value)| value.into_owned()).expect("identifier");
            let there = self.there.lock().expect("there").clone();
            let found = there.into_iter().filter(|(link, _)| *link == asked);
            let found: Vec<Value> = found
                .map(|(link, id)| {
                    let traits = self.traits.lock().expect("traits").clone();
                    json!({ "id": id, "schema_id": "default", "traits": traits, "credentials": { "oidc": { "identifiers": [link] } } })
                })
                .collect();
            return ResponseTemplate::new(200).set_body_json(found);
        }
        let body: Value = request.body_json().expect("JSON");
        self.bodies.lock().expect("bodies").push(body.clone());
        let refused = |create: &Value| create["traits"]["email"] == "auto@contoso.example";
        let error = json!({ "code": 409, "message": "The resource could not be created due to a conflict", "reason": "auto@contoso.example is taken" });
        if request.method.as_str() == "POST" {
            return match refused(&body) {
                true => ResponseTemplate::new(409).set_body_json(json!({ "error": error })),
                false => ResponseTemplate::new(201).set_body_json(json!({ "id": NEW })),
            };
        }
        if self.refuses_batches {
            return ResponseTemplate::new(400).set_body_json(json!({ "error": { "code": 400, "message": "no" } }));
        }
        let results = body["identities"].as_array().expect("batch").iter().map(|item| match refused(&item["create"]) {
            true => json!({ "action": "error", "patch_id": item["patch_id"], "error": error }),
            false => json!({ "action": "create", "patch_id": item["patch_id"], "identity": NEW }),
        });
        ResponseTemplate::new(200).set_body_json(json!({ "identities": results.collect::<Vec<_>>() }))
    }
}

async fn sent(bed: &Bed, taker: &Taker) -> (Result<SendReport, MovingError>, Vec<NewId>) {
    sent_with(bed, taker, true).await
}

async fn sent_with(bed: &Bed, taker: &Taker, keep_ids: bool) -> (Result<SendReport, MovingError>, Vec<NewId>) {
    let kratos = MockServer::start().await;
    Mock::given(method("GET")).respond_with(taker.clone()).mount(&kratos).await;
    Mock::given(method("POST")).respond_with(taker.clone()).mount(&kratos).await;
    Mock::given(method("PATCH")).respond_with(taker.clone()).mount(&kratos).await;
    let api = bia_moving::AdminApi::new(bed.outbound.clone(), &kratos.uri(), Vec::new(), bia_moving::Pace::default());
    let api = api.expect("address");
    let export = Export { config: &bed.config, keep_ids, links_as_stored: false };
    let job = Send { target: &api, store: &bed.store, export, batch_size: 4, cursor: Some(bed.cursor()) };
    let mut ids = Vec::new();
    let report = send(&job, &mut |_, total, new| {
        assert_eq!(total, 6);
        ids.extend_from_slice(new);
        Ok(())
    })
    .await;
    (report, ids)
}

#[tokio::test]
async fn people_are_sent_in_batches_and_their_new_ids_are_told() {
    let bed = Bed::new().await;
    bed.import().await;
    let taker = Taker::default();
    let (report, ids) = sent(&bed, &taker).await;
    let report = report.expect("a report");
    assert_eq!((report.seen, report.created, report.failed), (6, 5, 1), "{report:?}");
    assert!(report.failures[0].why.starts_with("409") && !report.failures[0].why.contains('@'), "{report:?}");
    assert_eq!(ids.len(), 5);
    let bodies = taker.bodies.lock().expect("bodies").clone();
    assert_eq!(bodies.iter().map(|body| body["identities"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>(), [4, 2]);
    let first = &bodies[0]["identities"][0];
    assert_eq!(first["create"]["external_id"], first["patch_id"], "the old id stays findable");
    assert!(first["create"].get("id").is_none() && !bodies[0].to_string().contains("initial_"));
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_is_sent_one_by_one() {
    let bed = Bed::new().await;
    bed.import().await;
    let taker = Taker { refuses_batches: true, ..Taker::default() };
    let (report, ids) = sent(&bed, &taker).await;
    let report = report.expect("a report");
    assert_eq!((report.created, report.failed, ids.len()), (5, 1, 5), "{report:?}");
}

#[tokio::test]
async fn whoever_is_there_with_the_same_link_is_not_sent_twice() {
    let bed = Bed::new().await;
    bed.import().await;
    let taker = Taker::default();
    taker.there.lock().expect("there").push(("microsoft:auto-1".to_owned(), NEW.to_owned()));
    let (report, ids) = sent(&bed, &taker).await;
    let report = report.expect("a report");
    assert_eq!((report.created, report.there, report.failed, ids.len()), (5, 1, 0, 6));
}

/// The one whom the taker refuses.
async fn refused(bed: &Bed) -> bia_model::Identity {
    let mut everybody = bed.everybody().await;
    everybody.retain(|identity| identity.traits["email"] == "auto@contoso.example");
    everybody.remove(0)
}

#[tokio::test]
async fn whoever_is_there_with_their_old_id_is_not_sent_twice() {
    let bed = Bed::new().await;
    bed.import().await;
    let taker = Taker::default();
    let person = refused(&bed).await;
    let external_id = person.external_id.clone().unwrap_or_else(|| person.id.to_string());
    taker.there.lock().expect("there").push((format!("external {external_id}"), NEW.to_owned()));
    let (report, ids) = sent(&bed, &taker).await;
    let report = report.expect("a report");
    assert_eq!((report.created, report.there, report.failed, ids.len()), (5, 1, 0, 6), "{report:?}");
}

#[tokio::test]
async fn the_same_address_is_the_same_person_only_with_the_same_traits() {
    let bed = Bed::new().await;
    bed.import().await;
    let person = refused(&bed).await;
    for (traits, expected) in [
        (person.traits.clone(), (1, 0)),
        (json!({ "email": "auto@contoso.example", "name": { "first": "Another" } }), (0, 1)),
    ] {
        let taker = Taker::default();
        taker.there.lock().expect("there").push(("auto@contoso.example".to_owned(), NEW.to_owned()));
        *taker.traits.lock().expect("traits") = traits;
        let report = sent(&bed, &taker).await.0.expect("a report");
        assert_eq!((report.there, report.failed), expected, "{report:?}");
    }
}

#[tokio::test]
async fn people_whom_another_move_would_not_find_are_told_of() {
    let bed = Bed::new().await;
    let mut tx = bed.store.begin().await.expect("unit");
    for number in 1..=6 {
        let id = uuid::Uuid::from_u128(number);
        let person = bia_model::Identity::new(id, "default", bia_model::Timestamp::from_secs(1));
        tx.insert_identity(&person).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
    let report = sent_with(&bed, &Taker::default(), false).await.0.expect("a report");
    assert_eq!((report.created, report.untraceable), (6, 6), "{report:?}");
    let report = sent_with(&bed, &Taker::default(), true).await.0.expect("a report");
    assert_eq!((report.created, report.untraceable), (6, 0), "with their ids they are found");
}
