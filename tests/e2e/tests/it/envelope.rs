//! The shape of every error (contract §9.1): the same envelope for every status, and the store behind the error page.

use bia_e2e::{Answer, Browser, Site};
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use http::Method;
use serde_json::{Value, json};

/// Status, its words, Kratos' message (`""`: its own per error), and a request that meets it.
struct Row(u16, &'static str, &'static str, Answer);

fn check(Row(status, words, message, answer): Row) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    let error = &answer.json()["error"];
    assert_eq!((error["code"].as_u64(), error["status"].as_str()), (Some(u64::from(status)), Some(words)));
    let said = error["message"].as_str().expect("a message is always there");
    assert!(!said.is_empty() && (message.is_empty() || said == message), "{said}");
    assert_eq!(answer.header("ory-error-id"), error["id"].as_str().unwrap_or_default());
    assert!(error.get("debug").is_none());
    // Neither a stack trace nor a path of the source.
    assert!(!answer.body.contains(".rs:") && !answer.body.contains("panicked"), "{}", answer.body);
}

#[tokio::test]
async fn every_status_comes_in_the_same_envelope_with_kratos_words() {
    let site = Site::new().await;
    let bia = site.start().await;
    let nobody = Browser::new();
    let public = |path: &str| format!("{}{path}", bia.public);
    let admin = |path: &str| format!("{}/admin{path}", bia.admin);
    let person = json!({ "schema_id": "default", "traits": { "email": "one@contoso.example" } });
    nobody.post_json(admin("/identities"), &person).await.expect(201);
    let missing = "/identities/0a9a0000-0000-4000-8000-000000000001";
    let bad_request = "The request was malformed or contained invalid parameters";
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let logout = alice.get_json(public("/self-service/logout?token=ory_lo_wrong")).await;
    site.control().add_fault(Fault::at(Endpoint::Token, EndpointFault::status(500)));
    let bob = site.browser("bob");
    let back = bob.to_callback(&bia, "microsoft").await;
    let rows = [
        Row(400, "Bad Request", bad_request, nobody.get_json(public("/sessions/token-exchange")).await),
        Row(400, "Bad Request", "", nobody.post_json(admin("/identities"), &json!({ "traitz": 1 })).await),
        Row(
            401,
            "Unauthorized",
            "The request could not be authorized",
            nobody.get_json(public("/sessions/whoami")).await,
        ),
        Row(403, "Forbidden", "The requested action was forbidden", logout),
        Row(404, "Not Found", "Unable to locate the resource", nobody.get_json(admin(missing)).await),
        Row(404, "Not Found", "", nobody.get_json(public("/schemas/absent")).await),
        Row(409, "Conflict", "", nobody.post_json(admin("/identities"), &person).await),
        Row(422, "Unprocessable Entity", "", {
            let flow = nobody.begin(&bia, "login").await;
            nobody
                .post_json(flow["ui"]["action"].as_str().expect("an action"), &json!({ "provider": "microsoft" }))
                .await
        }),
        Row(500, "Internal Server Error", "", bob.get_json(back).await),
    ];
    for row in rows {
        check(row);
    }
}

#[tokio::test]
async fn the_error_store_gives_what_was_kept_unwrapped_and_has_kratos_stub() {
    let site = Site::new().await;
    let bia = site.start().await;
    let nobody = Browser::new();
    let forbidden = format!("{}/self-service/login/browser?return_to=https://evil.example/", bia.public);
    let answer = nobody.get(&forbidden).await;
    assert_eq!(answer.status, 303);
    let shown = nobody.shown(&bia, &answer).await;
    let wrapped = nobody.get_json(&forbidden).await.json();
    assert_eq!(shown["error"], wrapped["error"]);
    for key in ["id", "created_at", "updated_at"] {
        assert!(shown[key].is_string(), "{shown}");
    }
    let stub = nobody.get_json(format!("{}/self-service/errors?id=stub:500", bia.public)).await.expect(200);
    assert_eq!(stub["error"]["reason"], "This is a stub error.");
    let gone = format!("{}/self-service/errors?id=0a9a0000-0000-4000-8000-000000000001", bia.public);
    nobody.get_json(gone).await.expect(404);
}

#[tokio::test]
async fn a_path_or_a_method_that_does_not_exist_is_a_clear_answer_and_never_a_blank_page() {
    let site = Site::new().await;
    let bia = site.start().await;
    let nobody = Browser::new();
    for (method, path, status) in [
        (Method::GET, "/nothing/here", 404),
        (Method::PUT, "/self-service/login/browser", 405),
        (Method::GET, "/self-service/recovery/browser", 0),
        (Method::GET, "/self-service/methods/oidc/callback/absent", 400),
    ] {
        let answer = nobody.call_json(method, format!("{}{path}", bia.public), None).await;
        assert!(status == 0 || answer.status == status, "{answer:?}");
        assert!((400..500).contains(&answer.status), "{answer:?}");
        assert!(!answer.body.trim().is_empty(), "{answer:?}");
        // Kratos: an unknown path gets its router's plain text.
        if answer.header("content-type").starts_with("application/json") {
            assert_ne!(answer.json()["error"]["message"], Value::Null);
        }
    }
}
