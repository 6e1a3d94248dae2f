use bia_fake_entra::{Options, TEST_CLIENT_ID};
use serde_json::{Value, json};

use crate::browser::{Site, payload, site, site_with, text};

async fn order(site: &Site, order: Value) -> (u16, Value) {
    let answer = site.http.post(site.url("/_control")).body(order.to_string()).send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn steerable() -> Site {
    site_with(Options { control_api: true, ..Options::default() }).await
}

#[tokio::test]
async fn control_is_closed_unless_opened() {
    let site = site().await;
    assert_eq!(order(&site, json!({ "persona": "alice" })).await.0, 404);
}

#[tokio::test]
async fn every_fault_can_be_written_as_json() {
    let site = steerable().await;
    for fault in [
        json!({ "on": "token", "kind": "status", "status": 429, "retryAfter": 7, "times": 1 }),
        json!({ "on": "discovery", "kind": "reset", "skip": 1 }),
        json!({ "on": "keys", "slow": 5 }),
        json!({ "on": "userinfo", "kind": "malformed" }),
        json!({ "on": "graph", "kind": "text", "text": "x", "contentType": "text/html" }),
        json!({ "on": "token", "kind": "huge" }),
        json!({ "on": "authorize", "kind": "error", "error": "access_denied" }),
        json!({ "on": "keys", "kind": "redirect", "to": "http://127.0.0.1:1" }),
        json!({ "on": "idtoken", "kind": "claims", "claims": { "a": 1 }, "drop": ["email"] }),
    ]
    .into_iter()
    .chain(
        [
            "badSignature",
            "wrongNonce",
            "noNonce",
            "wrongAud",
            "wrongIss",
            "wrongTid",
            "expired",
            "notYetValid",
            "futureIat",
            "algNone",
            "hs256",
            "unknownKey",
            "strangerSameKid",
            "noKid",
            "rotatedKey",
            "audArray",
            "noIdToken",
            "notJwt",
        ]
        .map(|kind| json!({ "on": "idtoken", "kind": kind })),
    ) {
        assert_eq!(order(&site, json!({ "faults": [fault] })).await.0, 200, "{fault}");
    }
    for wrong in [
        json!({ "faults": [{ "on": "nowhere", "kind": "reset" }] }),
        json!({ "faults": [{ "on": "token", "kind": "nonsense" }] }),
        json!({ "faults": [{ "on": "idtoken" }] }),
        json!({ "presona": "alice" }),
    ] {
        assert_eq!(order(&site, wrong.clone()).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn orders_change_what_happens() {
    let site = steerable().await;
    let fault = json!({ "on": "token", "kind": "status", "status": 429, "retryAfter": 7, "times": 1 });
    order(&site, json!({ "persona": "bob", "claims": { "extra": true }, "faults": [fault] })).await;
    assert_eq!(site.post("/common/oauth2/v2.0/token", &[]).await.status(), 429);
    let code = site.code("common", &[]).await;
    let (_, answer) = site.redeem("common", &code, &[]).await;
    let claims = payload(text(&answer, "id_token"));
    assert_eq!((&claims["extra"], &claims["email"]), (&json!(true), &json!("bob@fabrikam.example")));

    let before = order(&site, json!({})).await.1["keys"].clone();
    let after = order(&site, json!({ "rotateKey": true })).await.1["keys"].clone();
    assert_ne!(before, after);
    let log = site.get_json("/_control/log").await;
    assert_eq!(log.as_array().map(Vec::len), Some(3));
    assert_eq!(log[1]["query"]["state"], "the-state");

    order(&site, json!({ "clients": { TEST_CLIENT_ID: { "secrets": ["changed"] } } })).await;
    let code = site.code("common", &[]).await;
    assert_eq!(site.redeem("common", &code, &[]).await.0, 401);
    assert_eq!(site.redeem("common", &code, &[("client_secret", "changed")]).await.0, 200);

    order(&site, json!({ "reset": true })).await;
    assert_eq!(site.get_json("/_control/state").await["persona"], Value::Null);
    assert_eq!(site.sign_in("common", "alice", &[]).await["token_type"], "Bearer");
}

#[tokio::test]
async fn tokens_can_be_minted_outside_a_flow() {
    let site = steerable().await;
    let body = json!({ "persona": "alice", "client": "native", "nonce": "n", "base": site.entra.base_url() });
    let answer = site.http.post(site.url("/_control/idtoken")).body(body.to_string()).send().await.expect("answer");
    let answer: Value = answer.json().await.expect("JSON");
    let token = text(&answer, "id_token");
    assert!(site.is_signed(token, "/common/discovery/v2.0/keys").await);
    assert_eq!((&payload(token)["aud"], &payload(token)["nonce"]), (&json!("native"), &json!("n")));
    let mint = bia_fake_entra::Mint { person: "alice".into(), client_id: "native".into(), ..Default::default() };
    let minted = site.entra.control().mint_id_token(&mint).expect("token");
    assert_eq!(payload(&minted)["sub"], payload(token)["sub"]);
    assert_eq!(payload(&minted)["iss"], payload(token)["iss"]);
}
