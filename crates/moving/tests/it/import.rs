//! From a Kratos.

use crate::kratos::{Bed, people};
use bia_model::{Identity, Timestamp};
use bia_moving::{MovingError, SchemaState};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn everybody_arrives_with_what_applications_refer_to() {
    let bed = Bed::new().await;
    let report = bed.import().await;
    assert_eq!((report.seen, report.created, report.failed), (6, 6, 0), "{report:?}");
    let here = bed.everybody().await;
    for there in people() {
        let id = there["id"].as_str().expect("id");
        let identity = here.iter().find(|identity| identity.id.to_string() == id).expect("the same id");
        assert_eq!(identity.traits, there["traits"]);
        assert_eq!(json!(identity.metadata_admin), there["metadata_admin"]);
        assert_eq!(json!(identity.metadata_public), there["metadata_public"]);
        for (key, at) in [("created_at", identity.created_at), ("updated_at", identity.updated_at)] {
            assert_eq!(json!(at), there[key], "{key}");
        }
        assert_eq!(json!(identity.state_changed_at), there["state_changed_at"]);
        assert_eq!(json!(identity.verifiable_addresses), there["verifiable_addresses"]);
        assert_eq!(json!(identity.recovery_addresses), there["recovery_addresses"]);
        let links = there["credentials"]["oidc"]["config"]["providers"].as_array().expect("links");
        let carried = identity.oidc_links();
        assert_eq!(carried.len(), links.len());
        for (carried, link) in carried.iter().zip(links) {
            assert_eq!(
                (json!(carried.provider), json!(carried.subject)),
                (link["provider"].clone(), link["subject"].clone())
            );
            assert_eq!(json!(carried.use_auto_link), link.get("use_auto_link").cloned().unwrap_or(json!(false)));
            assert!(carried.initial_access_token.is_empty() && carried.initial_id_token.is_empty());
        }
    }
    assert!(!bed.cursor().path.exists(), "the cursor is gone when the move is over");
}

#[tokio::test]
async fn the_report_says_what_stays_behind_and_what_to_do() {
    let bed = Bed::new().await;
    let report = bed.import().await;
    assert_eq!(report.tokens, 1);
    assert_eq!(report.other_credentials["password"], 6);
    assert_eq!(report.schemas["default"], SchemaState::Same);
    assert_eq!(report.schemas["other"], SchemaState::Missing);
    assert!(report.providers["microsoft"].configured && !report.providers["generic"].configured);
    let remarks = report.remarks().join("\n");
    for word in ["`other` is not in", "provider `generic`", "upstream tokens of 1", "Everybody signs in once more"] {
        assert!(remarks.contains(word), "{word}: {remarks}");
    }
    assert!(!remarks.contains("contoso"), "{remarks}");
}

#[tokio::test]
async fn subjects_that_the_configuration_would_never_find_are_told_of() {
    let bed = Bed::with("oid").await;
    let report = bed.import().await;
    let microsoft = &report.providers["microsoft"];
    assert_eq!((microsoft.links, microsoft.misfits), (microsoft.links, microsoft.links));
    assert!(report.remarks().iter().any(|remark| remark.contains("subject_source: oid")), "{report:?}");
    let fitting = Bed::new().await.import().await;
    assert_eq!(fitting.providers["microsoft"].misfits, 0);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let bed = Bed::new().await;
    bed.import().await;
    let before = bed.everybody().await;
    let report = bed.import().await;
    assert_eq!((report.created, report.updated, report.unchanged), (0, 0, 6));
    assert_eq!(bed.everybody().await, before);
}

#[tokio::test]
async fn a_second_run_takes_what_changed_there_and_leaves_what_changed_here() {
    let bed = Bed::new().await;
    bed.import().await;
    let mut mine = bed.everybody().await.remove(0);
    let previous = mine.updated_at;
    mine.metadata_admin = Some(json!({ "mine": true }));
    mine.updated_at = Timestamp::from_secs(1_900_000_000);
    let mut tx = bed.store.begin().await.expect("unit");
    tx.update_identity(&mine, previous).await.expect("updated");
    tx.commit().await.expect("committed");
    for person in bed.people.list.lock().expect("list").iter_mut() {
        person["traits"]["name"] = json!({ "first": "Changed" });
        person["updated_at"] = json!("2026-02-02T00:00:00Z");
    }
    let report = bed.import().await;
    assert_eq!((report.updated, report.newer_here, report.unchanged), (5, 1, 0), "{report:?}");
    let here = bed.everybody().await;
    assert_eq!(here[0], mine);
    assert!(here[1..].iter().all(|identity| identity.traits["name"]["first"] == "Changed"));
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_keeps_nothing() {
    let bed = Bed::new().await;
    let report = bed.try_import(|job| job.dry_run = true).await.expect("a report");
    assert_eq!(report.created, 6);
    assert!(bed.everybody().await.is_empty() && !bed.cursor().path.exists());
}

#[tokio::test]
async fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let bed = Bed::new().await;
    let refused = || ResponseTemplate::new(401).set_body_json(json!({ "error": { "message": "no" } }));
    let page = |bed: &Bed| bed.people.list.lock().expect("list").clone();
    // The first page is answered, the second one is not.
    let all = page(&bed);
    let count = std::sync::atomic::AtomicUsize::new(0);
    let source = bed.api();
    let job = |cursor| bia_moving::Import {
        source: &source,
        store: &bed.store,
        schemas: &bed.schemas,
        config: &bed.config,
        page_size: 2,
        dry_run: false,
        trust_verified_addresses: false,
        cursor: Some(cursor),
        now: Timestamp::from_secs(1_800_000_000),
    };
    let outcome = bia_moving::import(&job(bed.cursor()), &mut |_, _| {
        if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            bed.people.faults.lock().expect("faults").push(refused());
        }
    })
    .await;
    assert!(matches!(outcome, Err(MovingError::Refused { status: 401, .. })), "{outcome:?}");
    assert_eq!(bed.everybody().await.len(), 2);
    bed.people.asked.lock().expect("asked").clear();
    let report = bed.import().await;
    assert_eq!((report.seen, report.created), (all.len() as u64, all.len() as u64), "both runs in one report");
    let asked = bed.people.asked.lock().expect("asked").clone();
    assert!(asked[1].contains("page_token="), "{asked:?}");
}

#[tokio::test]
async fn a_page_token_that_is_too_old_means_beginning_anew() {
    let bed = Bed::new().await;
    let ends = format!("{} → {}", bed.api().name(), bed.store.describe());
    let saved = json!({ "ends": ends, "next": "page_size=2&page_token=outlived", "report": bia_moving::ImportReport::default() });
    std::fs::write(bed.cursor().path, saved.to_string()).expect("cursor");
    assert_eq!(bed.import().await.created, 6);
}

#[tokio::test]
async fn a_server_that_refuses_its_own_pages_is_not_asked_for_ever() {
    let bed = Bed::new().await;
    let ends = format!("{} → {}", bed.api().name(), bed.store.describe());
    let saved =
        json!({ "ends": ends, "next": "page_size=2&page_token=x", "report": bia_moving::ImportReport::default() });
    std::fs::write(bed.cursor().path, saved.to_string()).expect("cursor");
    let refused = || ResponseTemplate::new(400).set_body_json(json!({ "error": { "message": "no" } }));
    let first = ResponseTemplate::new(200)
        .insert_header("link", "</admin/identities?page_token=y>; rel=\"next\"")
        .set_body_json(people());
    bed.people.faults.lock().expect("faults").extend([refused(), first, refused()]);
    let error = bed.try_import(|_| ()).await.expect_err("refused again");
    assert!(matches!(error, MovingError::Refused { status: 400, .. }), "{error}");
}

#[tokio::test]
async fn somebody_whose_tokens_can_not_be_opened_is_carried_by_their_identifiers() {
    let bed = Bed::new().await;
    let hidden = people()[0]["id"].as_str().expect("id").to_owned();
    *bed.people.locked.lock().expect("locked") = Some(hidden);
    let report = bed.import().await;
    assert_eq!((report.created, report.failed, report.without_link), (6, 0, 0), "{report:?}");
    let links: usize = bed.everybody().await.iter().map(|identity| identity.oidc_links().len()).sum();
    assert_eq!(links, 7);
}

#[tokio::test]
async fn a_cursor_of_a_move_with_other_options_is_not_taken_up() {
    let bed = Bed::new().await;
    let ends = format!("{} → {}", bed.api().name(), bed.store.describe());
    let saved =
        json!({ "ends": ends, "next": "page_size=2&page_token=x", "report": bia_moving::ImportReport::default() });
    std::fs::write(bed.cursor().path, saved.to_string()).expect("cursor");
    let error = bed.try_import(|job| job.trust_verified_addresses = true).await.expect_err("another move");
    assert!(error.to_string().contains("--trust-verified-addresses"), "{error}");
}

#[tokio::test]
async fn faults_that_pass_are_waited_for_and_others_are_not() {
    let bed = Bed::new().await;
    let busy = |status| ResponseTemplate::new(status).insert_header("retry-after", "0");
    bed.people.faults.lock().expect("faults").extend([busy(429), busy(503)]);
    assert_eq!(bed.import().await.created, 6);
    let bed = Bed::new().await;
    bed.people.faults.lock().expect("faults").push(ResponseTemplate::new(403));
    let error = bed.try_import(|_| ()).await.expect_err("refused").to_string();
    assert!(error.contains("403") && error.contains("--header-file"), "{error}");
}

#[tokio::test]
async fn links_are_found_when_the_list_can_not_show_them() {
    let bed = Bed::new().await;
    *bed.people.keeps_credentials.lock().expect("flag") = true;
    let report = bed.import().await;
    assert_eq!((report.created, report.without_link), (6, 0), "{report:?}");
    let links: usize = bed.everybody().await.iter().map(|identity| identity.oidc_links().len()).sum();
    assert_eq!(links, 7);
}

#[tokio::test]
async fn whoever_does_not_fit_is_named_by_id_alone_and_the_others_arrive() {
    let bed = Bed::new().await;
    let change = |index: usize, change: fn(&mut Value)| change(&mut bed.people.list.lock().expect("list")[index]);
    change(0, |person| person["traits"]["email"] = json!("no-address-at-all"));
    change(1, |person| person["schema_id"] = json!("gone"));
    change(2, |person| person["created_at"] = json!(5));
    let report = bed.import().await;
    assert_eq!((report.created, report.failed), (3, 3));
    let whys: Vec<&str> = report.failures.iter().map(|failure| failure.why.as_str()).collect();
    let all = whys.join("\n");
    assert!(
        all.contains("traits/email") && all.contains("\"gone\"") && all.contains("not as Kratos writes it"),
        "{all}"
    );
    assert!(!all.contains("no-address"), "{all}");
    let ids: Vec<String> = report.failures.iter().map(|failure| failure.id.to_string()).collect();
    assert!(people()[..3].iter().all(|person| ids.iter().any(|id| person["id"] == id.as_str())), "{ids:?}");
}

#[tokio::test]
async fn somebody_whose_link_another_identity_has_is_not_carried() {
    let bed = Bed::new().await;
    let mut twin = people()[0].clone();
    twin["id"] = json!("99000000-0000-4000-8000-000000000001");
    bed.people.list.lock().expect("list").push(twin);
    let report = bed.import().await;
    assert_eq!((report.created, report.failed), (6, 1));
    let (failure, first) = (&report.failures[0], people()[0]["id"].clone());
    assert!(failure.why.contains(first.as_str().expect("id")), "{failure:?}");
}

#[tokio::test]
async fn verified_addresses_prove_nothing_unless_the_operator_says_so() {
    let bed = Bed::new().await;
    for person in bed.people.list.lock().expect("list").iter_mut() {
        person["verifiable_addresses"][0]["verified"] = json!(true);
        person["verifiable_addresses"][0]["status"] = json!("completed");
    }
    bed.import().await;
    let here = bed.everybody().await;
    assert!(
        here.iter().all(|identity| identity.verifiable_addresses[0].verified && identity.proven_addresses.is_empty())
    );
    let report = bed.try_import(|job| job.trust_verified_addresses = true).await.expect("a report");
    assert_eq!(report.updated, 6);
    let here = bed.everybody().await;
    let by = |identity: &Identity| identity.proven_by.values().cloned().collect::<Vec<_>>();
    assert!(here.iter().all(|identity| identity.proven_addresses.len() == 1 && by(identity) == ["import"]));
}

#[tokio::test]
async fn an_end_without_people_is_an_end_and_a_circle_is_an_error() {
    let bed = Bed::new().await;
    bed.people.list.lock().expect("list").truncate(1);
    assert_eq!(bed.import().await.created, 1);
    let circle = ResponseTemplate::new(200)
        .insert_header("link", "</admin/identities?page_token=x>; rel=\"next\"")
        .set_body_json(people());
    bed.people.faults.lock().expect("faults").extend([circle.clone(), circle]);
    let error = bed.try_import(|job| job.cursor = None).await.expect_err("a circle");
    assert!(matches!(error, MovingError::Circle { .. }), "{error}");
}
