//! The admin API over HTTP.

use crate::client::{request_text, send};
use crate::world::World;
use serde_json::{Value, json};

fn body(email: &str) -> Value {
    json!({ "schema_id": "default", "traits": { "email": email } })
}

#[tokio::test]
async fn an_identity_is_created_read_replaced_patched_and_deleted() {
    let world = World::start().await;
    let mut create = body("made@x.example");
    create["metadata_admin"] = json!({ "b": 2 });
    create["external_id"] = json!("ext-1");
    let created = world.admin("POST", "/admin/identities", Some(create)).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (created.status, created.header("location")),
        (201, Some(format!("http://admin.example/identities/{id}").as_str()))
    );
    assert_eq!(created.json()["credentials"]["password"]["version"], 0);
    assert_eq!(created.json()["metadata_admin"], json!({ "b": 2 }));
    let read = world.admin("GET", &format!("/identities/{id}"), None).await.json();
    assert_eq!(read["credentials"]["password"]["identifiers"], json!(["made@x.example"]));
    assert_eq!(read["credentials"]["password"]["version"], 1);
    assert_eq!(world.admin("GET", "/admin/identities/by/external/ext-1", None).await.json()["id"], json!(id));
    let replaced = world.admin("PUT", &format!("/admin/identities/{id}"), Some(body("renamed@x.example"))).await;
    assert_eq!((replaced.status, &replaced.json()["traits"]["email"]), (200, &json!("renamed@x.example")));
    assert_eq!((replaced.json().get("metadata_admin"), replaced.json().get("external_id")), (None, None));
    let patch = json!([{ "op": "replace", "path": "/state", "value": "inactive" }]);
    let patched = world.admin("PATCH", &format!("/admin/identities/{id}"), Some(patch)).await.json();
    assert_eq!((&patched["state"], &patched["metadata_admin"]), (&json!("inactive"), &Value::Null));
    assert_eq!(world.admin("DELETE", &format!("/admin/identities/{id}"), None).await.status, 204);
    assert_eq!(world.admin("DELETE", &format!("/admin/identities/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn bad_bodies_are_refused_in_the_words_of_kratos() {
    let world = World::start().await;
    world.person("made@x.example").await;
    let create = async |body: Value| world.admin("POST", "/admin/identities", Some(body)).await;
    let duplicate = create(body("made@x.example")).await;
    let reason = "This identity conflicts with another identity that already exists.";
    assert_eq!((duplicate.status, &duplicate.json()["error"]["reason"]), (409, &json!(reason)));
    let unknown_schema = create(json!({ "schema_id": "nope", "traits": {} })).await.json();
    assert_eq!(unknown_schema["error"]["reason"], "Unable to find JSON Schema ID: nope");
    let unknown_key = create(json!({ "traits": {}, "nonsense": 1 })).await.json();
    assert_eq!(unknown_key["error"]["message"], "json: unknown field \"nonsense\"");
    assert_eq!(create(json!({ "traits": { "email": "nope" } })).await.status, 400);
    assert_eq!(create(json!({ "traits": { "email": "s@x.example" }, "state": "asleep" })).await.status, 400);
    let password = json!({ "traits": { "email": "p@x.example" }, "credentials": { "password": { "config": {} } } });
    let password = create(password).await.json();
    assert!(password["error"]["reason"].as_str().unwrap().contains("credentials.password"));
    let text = "POST /admin/identities HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{";
    assert_eq!(send(world.admin, text).await.json()["error"]["message"], "unexpected EOF");
    assert_eq!(world.admin("GET", "/admin/identities/nonsense", None).await.status, 404);
}

#[tokio::test]
async fn links_are_imported_added_and_removed_but_never_the_last() {
    let world = World::start().await;
    let link = |provider: &str, subject: &str| json!({ "oidc": { "config": { "providers": [{ "provider": provider, "subject": subject }] } } });
    let mut create = body("linked@x.example");
    create["credentials"] = link("microsoft", "s1");
    let created = world.admin("POST", "/admin/identities", Some(create.clone())).await.json();
    let id = created["id"].as_str().unwrap().to_owned();
    assert_eq!(created["credentials"]["oidc"]["identifiers"], json!(["microsoft:s1"]));
    assert_eq!(created["credentials"]["oidc"].get("config"), None);
    create["traits"]["email"] = json!("other@x.example");
    assert_eq!(world.admin("POST", "/admin/identities", Some(create)).await.status, 409);
    let remove = async |identifier: &str| {
        let target = format!("/admin/identities/{id}/credentials/oidc{identifier}");
        let answer = world.admin("DELETE", &target, None).await;
        (answer.status, if answer.body.is_empty() { Value::Null } else { answer.json()["error"]["reason"].clone() })
    };
    assert_eq!(
        remove("?identifier=microsoft:s1").await,
        (400, json!("You cannot remove the last first factor credential."))
    );
    let mut update = body("linked@x.example");
    update["credentials"] = link("generic", "g1");
    let updated = world.admin("PUT", &format!("/admin/identities/{id}"), Some(update)).await.json();
    assert_eq!(updated["credentials"]["oidc"]["identifiers"], json!(["generic:g1", "microsoft:s1"]));
    assert_eq!(remove("").await, (400, json!("You must provide an identifier to delete this credential.")));
    assert_eq!(remove("?identifier=x:y").await.0, 404);
    assert_eq!(remove("?identifier=microsoft:s1").await.0, 204);
    let read = world.admin("GET", &format!("/admin/identities/{id}?include_credential=oidc"), None).await.json();
    let expected = json!([{ "subject": "g1", "provider": "generic", "initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "" }]);
    assert_eq!(read["credentials"]["oidc"]["config"]["providers"], expected);
}

#[tokio::test]
async fn lists_page_by_key_and_by_number_and_filter() {
    let world = World::start().await;
    for number in 0..5 {
        world.person(&format!("p{number}@x.example")).await;
    }
    let mut target = "/admin/identities?page_size=2".to_owned();
    let mut seen = Vec::new();
    for expected in [2, 2, 1] {
        let answer = world.admin("GET", &target, None).await;
        let list = answer.json();
        assert_eq!(list.as_array().unwrap().len(), expected);
        assert_eq!(list[0].get("credentials"), None);
        seen.extend(list.as_array().unwrap().iter().map(|identity| identity["traits"]["email"].to_string()));
        let next =
            answer.header("link").unwrap().split(',').find(|link| link.contains("rel=\"next\"")).map(str::to_owned);
        assert_eq!(next.is_some(), expected == 2);
        if let Some(next) = next {
            target = next.trim_start_matches('<').split('>').next().unwrap().to_owned();
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let legacy = world.admin("GET", "/admin/identities?page=1&per_page=2", None).await;
    assert_eq!((legacy.json().as_array().unwrap().len(), legacy.header("x-total-count")), (2, Some("5")));
    let found = world.admin("GET", "/admin/identities?credentials_identifier=P3@X.example", None).await.json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert!(found[0]["credentials"]["password"].is_object());
    for (query, reason) in [
        ("ids=nonsense", "Invalid UUID value `nonsense` for parameter `ids`."),
        ("page_size=2&page_token=!!!", "The page token is invalid, do not craft your own page tokens"),
        (
            "credentials_identifier=a&organization_id=00000000-0000-4000-8000-00000000dead",
            "You cannot combine multiple filters in this API",
        ),
    ] {
        let answer = world.admin("GET", &format!("/admin/identities?{query}"), None).await;
        assert_eq!((answer.status, &answer.json()["error"]["reason"]), (400, &json!(reason)), "{query}");
    }
}

#[tokio::test]
async fn a_batch_reports_each_item() {
    let world = World::start().await;
    let item = |email: &str| json!({ "create": body(email), "patch_id": "00000000-0000-4000-8000-000000000001" });
    let batch = json!({ "identities": [item("a@x.example"), item("a@x.example"), {}] });
    let answer = send(world.admin, &request_text("PATCH", "/admin/identities", &[], Some(&batch))).await;
    let results = answer.json()["identities"].clone();
    assert_eq!((answer.status, &results[0]["action"], &results[1]["action"]), (200, &json!("create"), &json!("error")));
    assert_eq!((&results[1]["error"]["code"], &results[2]), (&json!(409), &Value::Null));
    assert!(results[0]["identity"].is_string() && results[1].get("identity").is_none());
}
