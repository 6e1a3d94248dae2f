//! Whoami keeps its answers, and must never give an old one.

use crate::world::World;
use serde_json::{Value, json};

struct Somebody {
    world: World,
    id: uuid::Uuid,
    token: String,
}

impl Somebody {
    /// Signed in, and asked for already, so that there is an answer to keep.
    async fn new() -> Self {
        let world = World::with(json!({})).await;
        let body = json!({ "traits": { "email": "alice@x.example" } });
        let created = world.admin("POST", "/admin/identities", Some(body)).await;
        let id = created.json()["id"].as_str().unwrap().parse().unwrap();
        let token = world.sign_in(id).await.1;
        let somebody = Self { world, id, token };
        assert_eq!(somebody.whoami().await.unwrap()["identity"]["traits"]["email"], "alice@x.example");
        somebody
    }

    async fn whoami(&self) -> Option<Value> {
        let answer = self.world.public("GET", "/sessions/whoami", &[("x-session-token", &self.token)]).await;
        assert!(matches!(answer.status, 200 | 401), "{}", answer.body);
        (answer.status == 200).then(|| answer.json())
    }

    async fn admin(&self, method: &str, path: &str, body: Option<Value>) {
        let answer = self.world.admin(method, path, body).await;
        assert!(answer.status < 300, "{}: {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn a_kept_answer_is_the_same_answer() {
    let somebody = Somebody::new().await;
    let first = somebody.whoami().await;
    assert_eq!(first, somebody.whoami().await);
}

#[tokio::test]
async fn a_changed_identity_is_seen_at_once() {
    let somebody = Somebody::new().await;
    let patch = json!([{ "op": "replace", "path": "/traits/email", "value": "eve@x.example" }]);
    somebody.admin("PATCH", &format!("/admin/identities/{}", somebody.id), Some(patch)).await;
    assert_eq!(somebody.whoami().await.unwrap()["identity"]["traits"]["email"], "eve@x.example");
}

#[tokio::test]
async fn a_disabled_identity_is_nobody_at_once_and_somebody_again_afterwards() {
    let somebody = Somebody::new().await;
    let path = format!("/admin/identities/{}", somebody.id);
    let state = |state: &str| Some(json!([{ "op": "replace", "path": "/state", "value": state }]));
    somebody.admin("PATCH", &path, state("inactive")).await;
    assert_eq!(somebody.whoami().await, None);
    somebody.admin("PATCH", &path, state("active")).await;
    assert!(somebody.whoami().await.is_some());
}

#[tokio::test]
async fn a_revoked_session_is_over_at_once() {
    let somebody = Somebody::new().await;
    let session = somebody.whoami().await.unwrap()["id"].as_str().unwrap().to_owned();
    somebody.admin("DELETE", &format!("/admin/sessions/{session}"), None).await;
    assert_eq!(somebody.whoami().await, None);
}

#[tokio::test]
async fn a_deleted_identity_is_nobody_at_once() {
    let somebody = Somebody::new().await;
    somebody.admin("DELETE", &format!("/admin/identities/{}", somebody.id), None).await;
    assert_eq!(somebody.whoami().await, None);
}
