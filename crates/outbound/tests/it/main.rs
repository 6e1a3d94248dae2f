//! The way out at its border: real sockets on loopback.

mod behind_a_proxy;

use bia_outbound::{Outbound, OutboundError, Policy, SourceError, Sources};
use std::time::Duration;
use wiremock::matchers::{header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn outbound(policy: Policy) -> Outbound {
    Outbound::new(policy).expect("the system has certificate authorities")
}

async fn answering(at: &str, answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(&server).await;
    server
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap_or_default().len()
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_and_by_name() {
    let server = answering("/x", ResponseTemplate::new(200)).await;
    let out = outbound(Policy { disallow_private_ip_ranges: true, ..Policy::default() });
    let by_name = server.uri().replace("127.0.0.1", "localhost");
    for url in [server.uri(), by_name, server.uri().replace("127.0.0.1", "[::ffff:127.0.0.1]")] {
        let error = out.get(format!("{url}/x")).send().await.unwrap_err();
        assert!(matches!(error, OutboundError::PrivateAddress { .. }), "{url}: {error:?}");
    }
    assert_eq!(calls(&server).await, 0);
}

#[tokio::test]
async fn a_listed_exception_may_be_private_and_its_redirect_is_judged_anew() {
    let inner = answering("/secret", ResponseTemplate::new(200)).await;
    let to = format!("{}/secret", inner.uri());
    let server = answering("/ok", ResponseTemplate::new(302).insert_header("location", to.as_str())).await;
    let out = outbound(Policy {
        disallow_private_ip_ranges: true,
        private_ip_exception_urls: vec![format!("{}/**", server.uri())],
        ..Policy::default()
    });
    assert_eq!(out.get(format!("{}/ok", server.uri())).send().await.unwrap().status, 302);
    let error = out.get(format!("{}/ok", server.uri())).redirects(3).send().await.unwrap_err();
    assert!(matches!(error, OutboundError::PrivateAddress { .. }), "{error:?}");
    assert_eq!(calls(&inner).await, 0);
}

#[tokio::test]
async fn redirects_are_followed_only_on_wish_and_lose_the_credentials_at_another_host() {
    let target = MockServer::start().await;
    Mock::given(header_exists("authorization")).respond_with(ResponseTemplate::new(500)).mount(&target).await;
    Mock::given(path("/b")).respond_with(ResponseTemplate::new(200)).with_priority(9).mount(&target).await;
    let to = format!("{}/b", target.uri());
    let server = answering("/a", ResponseTemplate::new(307).insert_header("location", to.as_str())).await;
    let out = outbound(Policy::default());
    let url = format!("{}/a", server.uri());
    assert_eq!(out.get(&url).bearer("token").send().await.unwrap().status, 307);
    assert_eq!(out.get(&url).bearer("token").redirects(1).send().await.unwrap().status, 200);
    let circle = answering("/c", ResponseTemplate::new(302).insert_header("location", "/c")).await;
    let error = out.get(format!("{}/c", circle.uri())).redirects(3).send().await.unwrap_err();
    assert!(matches!(error, OutboundError::TooManyRedirects { .. }));
}

#[tokio::test]
async fn a_body_over_the_limit_is_cut_and_a_slow_answer_ends() {
    let server = answering("/big", ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 3 << 20])).await;
    let out = outbound(Policy::default());
    let error = out.get(format!("{}/big", server.uri())).send().await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { limit: 1_048_576, .. }), "{error:?}");
    let slow = answering("/slow", ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let call = out.get(format!("{}/slow", slow.uri())).timeout(Duration::from_millis(200));
    assert!(matches!(call.send().await.unwrap_err(), OutboundError::Timeout { .. }));
}

#[tokio::test]
async fn errors_show_neither_query_nor_credentials() {
    let out = outbound(Policy::default());
    let error = out.get("http://user:hunter2@127.0.0.1:1/path?code=hunter2").send().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1/path"));
    let error = out.get("gopher://127.0.0.1/x?secret=hunter2").send().await.unwrap_err();
    assert!(matches!(&error, OutboundError::BadUrl { .. }) && !error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn retries_stop_at_the_first_answer_that_is_one() {
    let server = MockServer::start().await;
    Mock::given(path("/x")).respond_with(ResponseTemplate::new(503)).up_to_n_times(2).mount(&server).await;
    Mock::given(path("/x")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let out = outbound(Policy::default());
    assert_eq!(out.get(format!("{}/x", server.uri())).retries(2).send().await.unwrap().status, 200);
    assert_eq!(calls(&server).await, 3);
}

#[tokio::test]
async fn base64_sources_want_the_standard_alphabet_with_padding() {
    let sources = Sources::new(outbound(Policy::default()));
    assert_eq!(&*sources.text("base64://e30=", 100).await.unwrap(), "{}");
    for bad in ["base64://e30", "base64://-_-_", "base64://!!!!"] {
        let error = sources.text(bad, 100).await.unwrap_err();
        assert!(error.to_string().starts_with("base64decode: base64://[redacted]"), "{error}");
    }
    let error = sources.text("gopher://127.0.0.1/x", 100).await.unwrap_err();
    let text = "unknown scheme: in source \"gopher://127.0.0.1/x\": allowed schemes: http, https, file, base64";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn edits_of_a_file_are_live_and_its_size_is_limited() {
    let sources = Sources::new(outbound(Policy::default()));
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = format!("file://{}", file.path().display());
    for text in ["one", "two", "three"] {
        std::fs::write(file.path(), text).unwrap();
        assert_eq!(&*sources.text(&url, 100).await.unwrap(), text);
    }
    assert!(matches!(sources.text(&url, 4).await.unwrap_err(), SourceError::TooLarge { .. }));
    std::fs::write(file.path(), [0xff, 0xfe]).unwrap();
    assert!(matches!(sources.text(&url, 100).await.unwrap_err(), SourceError::NotText { .. }));
    let error = sources.text("file:///nowhere/mapper.jsonnet", 100).await.unwrap_err();
    assert_eq!(error.to_string(), "read file: file:///nowhere/mapper.jsonnet: no such file or directory");
}

#[tokio::test]
async fn a_fetched_source_counts_for_an_hour_and_outlives_an_outage() {
    let server = MockServer::start().await;
    Mock::given(path("/m"))
        .respond_with(ResponseTemplate::new(200).set_body_string("one"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path("/m")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let sources = Sources::new(outbound(Policy::default()));
    let url = format!("{}/m", server.uri());
    for _ in 0..3 {
        assert_eq!(&*sources.text(&url, 100).await.unwrap(), "one");
    }
    assert_eq!(calls(&server).await, 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61 * 60)).await;
    tokio::time::resume();
    assert_eq!(&*sources.text(&url, 100).await.unwrap(), "one", "the last good copy");
    assert_eq!(calls(&server).await, 2);
}

#[tokio::test]
async fn a_failed_fetch_is_not_remembered() {
    let server = MockServer::start().await;
    Mock::given(path("/m")).respond_with(ResponseTemplate::new(404)).up_to_n_times(1).mount(&server).await;
    Mock::given(path("/m")).respond_with(ResponseTemplate::new(200).set_body_string("one")).mount(&server).await;
    let sources = Sources::new(outbound(Policy::default()));
    let url = format!("{}/m?sig=hunter2", server.uri());
    let error = sources.text(&url, 100).await.unwrap_err();
    assert!(matches!(error, SourceError::Status { status: 404, .. }) && !error.to_string().contains("hunter2"));
    assert_eq!(&*sources.text(&url, 100).await.unwrap(), "one");
}

#[tokio::test]
async fn a_file_that_is_kept_stays_as_it_was_and_others_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let urls = ["a", "b"].map(|name| {
        let path = folder.path().join(name);
        std::fs::write(&path, "one").unwrap();
        format!("file://{}", path.display())
    });
    let sources = Sources::new(outbound(Policy::default()));
    let kept = sources.text(&urls[0], 100).await.unwrap();
    let path = urls[0].trim_start_matches("file://").to_owned();
    let keeping = sources.keeping([(path, kept)].into());
    for name in ["a", "b"] {
        std::fs::write(folder.path().join(name), "other").unwrap();
    }
    assert_eq!(&*keeping.text(&urls[0], 100).await.unwrap(), "one");
    assert_eq!(&*keeping.text(&urls[1], 100).await.unwrap(), "other");
    assert!(matches!(keeping.text(&urls[0], 2).await, Err(SourceError::TooLarge { .. })));
}

#[tokio::test]
async fn what_came_from_the_web_is_shared_until_it_is_to_be_asked_for_again() {
    let server = MockServer::start().await;
    Mock::given(path("/m"))
        .respond_with(ResponseTemplate::new(200).set_body_string("one"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path("/m")).respond_with(ResponseTemplate::new(200).set_body_string("two")).mount(&server).await;
    let sources = Sources::new(outbound(Policy::default()));
    let url = format!("{}/m", server.uri());
    assert_eq!(&*sources.text(&url, 100).await.unwrap(), "one");
    let next = sources.keeping(Default::default());
    assert_eq!(&*next.text(&url, 100).await.unwrap(), "one");
    sources.expire().await;
    assert_eq!(&*next.text(&url, 100).await.unwrap(), "two");
    assert_eq!(calls(&server).await, 2);
}

#[tokio::test]
async fn new_rules_count_for_every_clone() {
    let server = answering("/x", ResponseTemplate::new(200)).await;
    let out = outbound(Policy::default());
    let clone = out.clone();
    let url = format!("{}/x", server.uri());
    assert_eq!(clone.get(&url).send().await.unwrap().status, 200);
    out.replace(Outbound::prepare(Policy { disallow_private_ip_ranges: true, ..Policy::default() }).unwrap());
    assert!(matches!(clone.get(&url).send().await, Err(OutboundError::PrivateAddress { .. })));
}
