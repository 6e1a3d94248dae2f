//! `bia.capture`: what the log holds of a sign-in that failed.

use crate::bed::Bed;
use bia_model::capture::Capture;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the field `capture` of every event of `bia::capture`.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Visit for Kept {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "capture" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "bia::capture"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The captures of a sign-up of Alice's with this mapper.
async fn captures(capture: &str, mapper: &str) -> Vec<Capture> {
    let kept = Kept::default();
    let guard = tracing::subscriber::set_default(kept.clone());
    let bed = Bed::builder().set("/bia/capture", json!(capture)).provider(json!({})).mapper(mapper).start().await;
    bed.browser().sign_up("microsoft", "alice").await;
    drop(guard);
    let texts = kept.0.lock().unwrap().clone();
    texts
        .iter()
        .map(|text| {
            assert!(!text.contains("lice") && !text.contains("contoso.example"), "a name in {text}");
            let value: Value = serde_json::from_str(text).expect("JSON");
            Capture::from_json(&value).expect("a capture")
        })
        .collect()
}

const FAILING: &str = "local claims = std.extVar('claims');\n{ identity: { traits: { email: claims.emial } } }";

#[tokio::test]
async fn a_failing_mapper_is_captured_without_a_name_and_only_when_asked_for() {
    let found = captures("on", FAILING).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].error_kind.as_str(), found[0].error_line), ("missing_field", Some(2)));
    assert!(found[0].claims["raw_claims"]["tid"].as_str().is_some_and(|tid| tid.contains('-')));
    assert!(captures("off", FAILING).await.is_empty());
}

#[tokio::test]
async fn traits_that_the_schema_refuses_are_captured_and_a_good_sign_in_is_not() {
    let found = captures("on", "{ identity: { traits: { email: 'no address' } } }").await;
    assert_eq!(found.iter().map(|capture| capture.error_kind.as_str()).collect::<Vec<_>>(), ["schema"]);
    let good = "{ identity: { traits: { email: std.extVar('claims').email } } }";
    assert!(captures("on", good).await.is_empty());
}
