//! A settings change that meets another change of the same person, or has to wait for a fresh sign-in.

use crate::bed::{Bed, Builder};
use crate::browser::Answer;
use async_trait::async_trait;
use bia_hooks::{Hook, HookContext, HookError, Moment, Registry};
use bia_model::{FlowType, Identity, IdentityState, OidcLink};
use bia_selfservice::{Deps, InitQuery, Outcome, settings};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use uuid::Uuid;

/// Changes the person while a hook judges their submission, at every call; does nothing before it has a server.
struct Rival {
    deps: OnceLock<Weak<Deps>>,
    deed: fn(&mut Identity),
    calls: AtomicUsize,
}

struct RivalHook(Arc<Rival>);

#[async_trait]
impl Hook for RivalHook {
    fn name(&self) -> &str {
        "rival"
    }

    fn runs_at(&self, moment: Moment) -> bool {
        moment == Moment::SettingsBeforeSave
    }

    async fn run(&self, _: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        let Some(deps) = self.0.deps.get().and_then(Weak::upgrade) else { return Ok(()) };
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let id = context.identity.as_ref().unwrap().id;
        let mut identity = deps.store.find_identity(id).await.unwrap().unwrap();
        let previous = identity.updated_at;
        (self.0.deed)(&mut identity);
        bia_identity::identities::prepare(&deps.schemas, &mut identity, context.now).await.unwrap();
        identity.touch(context.now);
        let mut unit = deps.store.begin().await.unwrap();
        unit.update_identity(&identity, previous).await.unwrap();
        unit.commit().await.unwrap();
        Ok(())
    }
}

fn builder() -> Builder {
    Bed::builder().provider(json!({})).plain_provider("social", "pkce", json!({ "mapper_url": null }))
}

/// Alice, with a second link, and a rival who is ready.
async fn with_rival(deed: fn(&mut Identity)) -> (Bed, Arc<Rival>) {
    let rival = Arc::new(Rival { deps: OnceLock::new(), deed, calls: AtomicUsize::new(0) });
    let hook = rival.clone();
    let hooks = Registry::new().with("rival", move |_| Ok(Arc::new(RivalHook(hook.clone()))));
    let bed = builder().hooks(hooks).set("/selfservice/flows/settings/after/hooks", json!([{ "hook": "rival" }]));
    (bed.start().await, rival)
}

/// Signs Alice in, lets the rival loose, and submits; the answer and who Alice is then.
async fn race(bed: &Bed, rival: &Rival, fields: &[(&str, &str)]) -> (Answer, Identity) {
    let mut alice = bed.signed_in("alice").await;
    alice.link("social", "carol").await;
    rival.deps.set(Arc::downgrade(&bed.deps)).unwrap();
    let flow = alice.begin_settings().await.flow();
    let answer = alice.submit(&flow, fields).await;
    let identity = bed.identity(flow.identity_id.unwrap()).await;
    assert!(identity.oidc_links().len() >= 2, "a link was lost");
    (answer, identity)
}

fn expect_saved(answer: &Answer) {
    assert!(matches!(answer.0.outcome, Outcome::SettingsSaved { .. }), "{:?}", answer.0.outcome);
}

const ALICE: (&str, &str) = ("traits.email", "alice@contoso.example");

#[tokio::test]
async fn two_changes_of_different_things_both_hold_and_hooks_are_asked_once() {
    let (bed, rival) = with_rival(|identity| identity.metadata_admin = Some(json!({ "note": 1 }))).await;
    let (answer, alice) = race(&bed, &rival, &[("method", "profile"), ALICE, ("traits.name", "Ally")]).await;
    expect_saved(&answer);
    assert_eq!((&alice.traits["name"], &alice.metadata_admin), (&json!("Ally"), &Some(json!({ "note": 1 }))));
    assert_eq!(rival.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn of_two_changes_of_one_trait_the_later_holds_and_hooks_are_asked_once() {
    let (bed, rival) = with_rival(|identity| identity.traits["name"] = json!("Somebody")).await;
    let (answer, alice) = race(&bed, &rival, &[("method", "profile"), ALICE, ("traits.name", "Ally")]).await;
    expect_saved(&answer);
    assert_eq!(alice.traits["name"], "Ally");
    assert_eq!(rival.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_form_that_was_sent_twice_is_saved_also_when_it_makes_a_new_address() {
    let (bed, rival) = with_rival(|identity| identity.traits["email"] = json!("new@contoso.example")).await;
    let fields = [("method", "profile"), ("traits.email", "new@contoso.example"), ("traits.name", "Alice")];
    let (answer, alice) = race(&bed, &rival, &fields).await;
    expect_saved(&answer);
    assert_eq!(alice.verifiable_addresses.len(), 1);
    assert_eq!(alice.verifiable_addresses[0].value, "new@contoso.example");
    assert_eq!(rival.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn two_changes_of_the_addresses_or_the_links_are_not_mixed() {
    let other_address: fn(&mut Identity) = |identity| identity.traits["email"] = json!("other@contoso.example");
    let another_link: fn(&mut Identity) = |identity| {
        let mut links = identity.oidc_links();
        links.push(OidcLink { provider: "third".to_owned(), subject: "s".to_owned(), ..OidcLink::default() });
        identity.set_oidc_links(links, identity.updated_at);
    };
    let disabled: fn(&mut Identity) = |identity| identity.state = IdentityState::Inactive;
    let new_address: &[_] = &[("method", "profile"), ("traits.email", "new@contoso.example")];
    let new_name: &[_] = &[("method", "profile"), ALICE, ("traits.name", "Ally")];
    for (deed, fields) in [(other_address, new_address), (another_link, &[("unlink", "social")]), (disabled, new_name)]
    {
        let (bed, rival) = with_rival(deed).await;
        let (answer, alice) = race(&bed, &rival, fields).await;
        assert_eq!(answer.error()["code"], 409, "{fields:?}");
        assert_eq!(rival.calls.load(Ordering::Relaxed), 1, "{fields:?}");
        let mut undisturbed = alice.clone();
        deed(&mut undisturbed);
        assert_eq!((&alice.traits, alice.state), (&undisturbed.traits, undisturbed.state), "as the rival left it");
    }
}

#[tokio::test]
async fn a_change_that_waits_for_a_fresh_sign_in_is_done_after_it_and_keeps_only_what_it_needs() {
    let bed = builder().start().await;
    let mut alice = bed.signed_in("alice").await;
    let flow = alice.begin_settings().await.flow();
    bed.advance(Duration::from_secs(61 * 60));
    let flow = if flow.is_expired(bed.now()) { alice.begin_settings().await.flow() } else { flow };
    let junk = "x".repeat(200 * 1024);
    let fields = [("method", "profile"), ("traits.email", "new@contoso.example"), ("junk", junk.as_str())];
    let answer = alice.submit(&flow, &fields).await;
    assert!(matches!(answer.0.outcome, Outcome::RedirectAll(_)), "{:?}", answer.0.outcome);
    assert!(waiting(&bed, flow.id).await.is_some_and(|text| text.len() < 1000), "the junk waits, too");

    let large = "x".repeat(66 * 1024);
    let fields = [fields[0], fields[1], ("upstream_parameters.login_hint", large.as_str())];
    let other = alice.begin_settings().await.flow();
    let refused = alice.submit(&other, &fields).await;
    assert!(refused.messages().iter().any(|(_, text)| text.contains("64 KiB")), "{:?}", refused.messages());

    let login = alice.begin_login("refresh=true").await.flow();
    alice.press(&login, "microsoft", "alice").await.expect_session();
    expect_saved(&alice.submit(&flow, &[]).await);
    assert_eq!(bed.identity(flow.identity_id.unwrap()).await.traits["email"], "new@contoso.example");
}

#[tokio::test]
async fn a_form_that_expired_is_followed_by_one_of_the_same_organization_and_return_address() {
    let bed = builder().start().await;
    let mut alice = bed.signed_in("alice").await;
    let (organization, return_to) = (Uuid::new_v4(), "https://app.example/start");
    let context = alice.context(&format!("/self-service/settings/browser?return_to={return_to}")).await;
    let query = InitQuery::new(vec![("organization".to_owned(), organization.to_string())]);
    let old = Answer(settings::create_flow(&bed.deps, &context, FlowType::Browser, &query).await).flow();
    bed.advance(Duration::from_secs(2 * 60 * 60));
    let answer = alice.submit(&old, &[("method", "profile"), ALICE]).await;
    let Outcome::FlowReplaced { flow, .. } = answer.0.outcome else { panic!("{:?}", answer.0.outcome) };
    assert_ne!(flow.id, old.id);
    assert_eq!((flow.organization_id, flow.return_to.as_deref()), (Some(organization), Some(return_to)));
    assert_eq!((&flow.request_url, flow.identity_id), (&old.request_url, old.identity_id));
    assert_eq!(flow.ui.nodes.len(), old.ui.nodes.len());
}

/// What waits in the database for that settings flow.
async fn waiting(bed: &Bed, flow: Uuid) -> Option<String> {
    use base64::Engine as _;
    let hash = bia_identity::seal::hash(&format!("settings:{flow}"));
    let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    bed.deps.store.find_continuity(&id).await.unwrap().map(|row| row.payload)
}

#[tokio::test]
async fn every_change_of_a_person_makes_a_later_version_though_the_clock_stands() {
    let bed = Bed::builder()
        .provider(json!({ "update_identity_on_login": "automatic", "microsoft": { "profile": ["jobTitle"] } }))
        .plain_provider("social", "pkce", json!({ "mapper_url": null }))
        .start()
        .await;
    let mut alice = bed.signed_in("alice").await;
    let id = alice.session().await.unwrap().identity_id;
    let mut versions = vec![bed.identity(id).await.updated_at];
    alice.link("social", "carol").await;
    versions.push(bed.identity(id).await.updated_at);
    let flow = alice.begin_settings().await.flow();
    expect_saved(&alice.submit(&flow, &[("method", "profile"), ALICE, ("traits.name", "Ally")]).await);
    versions.push(bed.identity(id).await.updated_at);
    bed.control().overlay_graph(json!({ "jobTitle": "Director" }).as_object().cloned().unwrap());
    bed.signed_in("alice").await;
    versions.push(bed.identity(id).await.updated_at);
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}
