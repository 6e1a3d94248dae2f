//! A whole sign-in as a trace, by a program that was built with the feature `otel`.

#[path = "../../../../crates/otel/tests/it/receiver.rs"]
mod receiver;

use bia_e2e::{Browser, Site, TEST_CLIENT_SECRET};
use receiver::{Receiver, hex};
use serde_json::json;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn k8_a_sign_in_is_one_trace_without_anything_about_the_person() {
    let receiver = Receiver::start();
    let otlp = json!({ "server_url": receiver.address(), "insecure": true, "sampling": { "sampling_ratio": 0 } });
    let tracing = json!({ "provider": "otel", "service_name": "front-door", "providers": { "otlp": otlp } });
    let site = Site::with(json!({ "tracing": tracing })).await;
    let bia = site.start().await;
    // Nobody asks for these to be traced.
    site.browser("bob").signed_in(&bia, "microsoft").await;
    let alice = site.browser("alice").with_header("traceparent", &format!("00-{TRACE}-b7ad6b7169203331-01"));
    alice.signed_in(&bia, "microsoft").await;
    Browser::new().get(format!("{}/self-service/methods/oidc/callback/made-up", bia.public)).await;
    let ended = bia.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let spans = receiver.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:#?}");
    let callback = "GET /self-service/methods/oidc/callback/{provider}";
    let callback = spans.iter().find(|span| span.name == callback).unwrap_or_else(|| panic!("{spans:#?}\n{ended:?}"));
    assert_eq!(receiver.attribute(callback, "http.response.status_code").as_deref(), Some("IntValue(303)"));
    for (name, attribute) in [
        ("upstream call", Some(("call", "token"))),
        ("mapper evaluation", Some(("outcome", "ok"))),
        ("store transaction", None),
    ] {
        let has =
            |span: &&_| attribute.is_none_or(|(key, value)| receiver.attribute(span, key).as_deref() == Some(value));
        let inside = spans.iter().filter(|span| span.name == name && span.parent_span_id == callback.span_id);
        assert!(inside.clone().any(|span| has(&span)), "{name}: {spans:#?}");
    }
    let everything = format!("{spans:?}").to_lowercase();
    for personal in ["alice", "contoso", "127.0.0.1", "made-up", "code=", TEST_CLIENT_SECRET] {
        assert!(!everything.contains(&personal.to_lowercase()), "{personal} in {everything}");
    }
    assert_eq!(receiver.resource().get("service.name").map(String::as_str), Some("front-door"));
    assert!(receiver.paths().iter().all(|path| path == "/v1/traces") && receiver.authorizations().is_empty());
}
