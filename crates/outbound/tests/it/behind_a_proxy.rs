//! Calls that a proxy of the environment makes in our place. A process has one environment, so the calls are made by a
//! second process: this binary again, with the variables set.

use crate::outbound;
use bia_outbound::{Outbound, OutboundError, Policy};
use std::process::Stdio;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Where the second process learns the proxy's port.
const PORT: &str = "OUTBOUND_TEST_PROXY_PORT";

#[tokio::test]
async fn behind_a_proxy_names_are_judged_before_it_is_asked_and_its_host_is_free_for_nothing_else() {
    if let Ok(port) = std::env::var(PORT) {
        return judged(&port).await;
    }
    let proxy = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&proxy).await;
    let port = proxy.address().port().to_string();
    let mut second = tokio::process::Command::new(std::env::current_exe().unwrap());
    second.args(["--exact", "--nocapture"]);
    second.arg(
        "behind_a_proxy::behind_a_proxy_names_are_judged_before_it_is_asked_and_its_host_is_free_for_nothing_else",
    );
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        second.env_remove(name);
    }
    second.env("HTTP_PROXY", format!("http://localhost:{port}")).env("http_proxy", "").env(PORT, port);
    let done = second.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let asked = proxy.received_requests().await.unwrap_or_default();
    let asked: Vec<_> = asked.iter().map(|request| request.headers["host"].to_str().unwrap().to_owned()).collect();
    assert_eq!(asked, ["20.190.128.1".to_owned(), unknown()]);
}

/// A name that no resolver knows, not even by asking: its label is too long.
fn unknown() -> String {
    format!("{}.example", "a".repeat(64))
}

async fn judged(port: &str) {
    let out = outbound(Policy { disallow_private_ip_ranges: true, ..Policy::default() });
    assert_eq!(status(&out, "http://20.190.128.1/public").await.unwrap(), 200, "the proxy itself may be private");
    let proxy = format!("http://localhost:{port}/itself");
    for url in ["http://localhost:1/name", "http://127.0.0.1:1/number", &proxy, "https://localhost:1/past-the-proxy"] {
        let refused = status(&out, url).await.unwrap_err();
        assert!(matches!(refused, OutboundError::PrivateAddress { .. }), "{url}: {refused:?}");
    }
    let url = format!("http://{}/", unknown());
    let refused = status(&out, &url).await.unwrap_err();
    assert!(refused.to_string().contains("private_ip_exception_urls"), "{refused}");
    let exception = Policy { private_ip_exception_urls: vec![url.clone()], ..Policy::default() };
    let out = outbound(Policy { disallow_private_ip_ranges: true, ..exception });
    assert_eq!(status(&out, &url).await.unwrap(), 200, "the operator leaves it to the proxy");
}

async fn status(out: &Outbound, url: &str) -> Result<u16, OutboundError> {
    out.get(url).send().await.map(|answer| answer.status)
}
