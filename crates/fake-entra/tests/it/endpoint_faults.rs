use std::time::Duration;

use bia_fake_entra::{Endpoint, EndpointFault, Fault};

use crate::browser::{client, returned, site};

const DISCOVERY: &str = "/common/v2.0/.well-known/openid-configuration";

#[tokio::test]
async fn each_endpoint_can_be_made_to_fail() {
    let site = site().await;
    for (endpoint, path) in [
        (Endpoint::Discovery, DISCOVERY),
        (Endpoint::Keys, "/common/discovery/v2.0/keys"),
        (Endpoint::Authorize, "/common/oauth2/v2.0/authorize"),
        (Endpoint::Token, "/common/oauth2/v2.0/token"),
        (Endpoint::Userinfo, "/oidc/userinfo"),
        (Endpoint::Graph, "/v1.0/me"),
        (Endpoint::Discovery, "/op/pkce/.well-known/openid-configuration"),
        (Endpoint::Userinfo, "/github/user"),
    ] {
        site.entra.control().add_fault(Fault::at(endpoint, EndpointFault::status(503)).times(1));
        assert_eq!(site.get(path).await.status(), 503, "{path}");
        assert_ne!(site.get(path).await.status(), 503, "{path}");
    }
}

#[tokio::test]
async fn throttling_names_the_seconds_to_wait() {
    let site = site().await;
    site.entra.control().add_fault(Fault::at(Endpoint::Token, EndpointFault::throttled(7)));
    let answer = site.post("/common/oauth2/v2.0/token", &[]).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
}

#[tokio::test]
async fn reset_breaks_the_connection_and_is_written_down() {
    let site = site().await;
    let control = site.entra.control();
    control.add_fault(Fault::at(Endpoint::Keys, EndpointFault::Reset).times(2));
    let failure = site.http.get(site.url("/common/discovery/v2.0/keys")).send().await.expect_err("a reset");
    assert!(failure.is_request());
    let call = control.calls().into_iter().find(|call| call.endpoint == Endpoint::Keys).expect("written down");
    assert_eq!(call.status, 0);
    control.clear_faults();
    assert_eq!(site.get("/common/discovery/v2.0/keys").await.status(), 200);
}

#[tokio::test]
async fn reset_is_a_tcp_reset_and_no_orderly_end() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let site = site().await;
    site.entra.control().add_fault(Fault::at(Endpoint::Keys, EndpointFault::Reset));
    let mut stream = tokio::net::TcpStream::connect(site.entra.address()).await.expect("connection");
    stream.write_all(b"GET /common/discovery/v2.0/keys HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let failure = stream.read_to_end(&mut Vec::new()).await.expect_err("a reset");
    assert_eq!(failure.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn malformed_text_and_redirect_are_what_they_say() {
    let site = site().await;
    let control = site.entra.control();
    control.add_fault(Fault::at(Endpoint::Discovery, EndpointFault::Malformed).times(1));
    let body = site.get(DISCOVERY).await.text().await.expect("text");
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_err());
    let text = EndpointFault::Text { status: 200, text: "<html>proxy</html>".into(), content_type: "text/html".into() };
    control.add_fault(Fault::at(Endpoint::Discovery, text).times(1));
    let answer = site.get(DISCOVERY).await;
    assert_eq!(answer.headers()["content-type"], "text/html");
    let redirect = EndpointFault::Redirect { to: "http://127.0.0.1:1/elsewhere".into() };
    control.add_fault(Fault::at(Endpoint::Discovery, redirect).times(1));
    assert_eq!(site.get(DISCOVERY).await.headers()["location"], "http://127.0.0.1:1/elsewhere");
}

#[tokio::test]
async fn huge_body_is_as_large_as_asked() {
    let site = site().await;
    let huge = EndpointFault::Huge { bytes: 3 << 20 };
    site.entra.control().add_fault(Fault::at(Endpoint::Token, huge));
    let body = site.post("/common/oauth2/v2.0/token", &[]).await.bytes().await.expect("body");
    assert!(body.len() > 3 << 20);
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
}

#[tokio::test]
async fn slow_answer_outlasts_an_impatient_caller() {
    let site = site().await;
    let slow = Fault::at(Endpoint::Discovery, EndpointFault::Slow).delay(Duration::from_secs(600)).times(1);
    site.entra.control().add_fault(slow);
    let impatient = client().timeout(Duration::from_millis(50)).build().expect("client");
    assert!(impatient.get(site.url(DISCOVERY)).send().await.expect_err("too slow").is_timeout());
    assert_eq!(site.get(DISCOVERY).await.status(), 200);
}

#[tokio::test]
async fn skip_lets_calls_pass_first() {
    let site = site().await;
    site.entra.control().add_fault(Fault::at(Endpoint::Discovery, EndpointFault::status(500)).skip(2).times(1));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(site.get(DISCOVERY).await.status().as_u16());
    }
    assert_eq!(seen, [200, 200, 500, 200]);
}

#[tokio::test]
async fn oauth_error_is_a_redirect_at_authorize_and_json_elsewhere() {
    let site = site().await;
    let control = site.entra.control();
    control.add_fault(Fault::at(Endpoint::Authorize, EndpointFault::error("interaction_required")).times(1));
    let answer = returned(&site.authorize("common", &[("login_hint", "alice")]).await);
    assert_eq!(answer["error"], "interaction_required");
    assert!(answer["error_description"].starts_with("AADSTS50076"));
    assert_eq!(answer["state"], "the-state");
    control.add_fault(Fault::at(Endpoint::Token, EndpointFault::aadsts("invalid_client", 7000222, "Expired.")));
    let answer: serde_json::Value = site.post("/common/oauth2/v2.0/token", &[]).await.json().await.expect("JSON");
    assert_eq!(answer["error_codes"][0], 7000222);
}
