//! What providers say about themselves.

use super::{Case, find, lay_over, now, problems, report_of, sound};
use bia_doctor::{Level, Report};
use bia_fake_entra::{CONTOSO_TENANT_ID, FakeEntra, Options, TlsIdentity, start};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn online(provider: Value, ahead: i64) -> Report {
    let mut config = sound();
    lay_over(&mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0], provider);
    let shift = Duration::from_secs(ahead.unsigned_abs());
    let now = if ahead < 0 { now() - shift } else { now() + shift };
    report_of(&config, Case { offline: false, now, ..Case::default() }).await
}

fn at(entra: &FakeEntra, tenant: &str) -> Value {
    let base = entra.base_url();
    json!({ "microsoft_tenant": tenant, "microsoft": { "authority_host": base, "graph_host": base } })
}

#[tokio::test]
async fn metadata_keys_and_clock_of_a_sound_provider_are_in_order() {
    let entra = start(Options::default()).await.expect("the stand-in");
    let report = online(at(&entra, CONTOSO_TENANT_ID), 0).await;
    assert_eq!(find(&report, "discovery").level, Level::Good, "{}", report.to_text());
    assert_eq!(find(&report, "clock").level, Level::Good);
    assert_eq!(problems(&report), Vec::<&str>::new(), "{}", report.to_text());
    let domain = online(at(&entra, "contoso.example"), 0).await;
    assert!(find(&domain, "tenant_id").what.contains(CONTOSO_TENANT_ID), "{}", domain.to_text());
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_with_its_side() {
    let entra = start(Options::default()).await.expect("the stand-in");
    for (ahead, level, side) in
        [(600, Level::Problem, "ahead"), (-600, Level::Problem, "behind"), (120, Level::Warning, "ahead")]
    {
        let report = online(at(&entra, CONTOSO_TENANT_ID), ahead).await;
        let clock = find(&report, "clock");
        assert!(clock.level == level && clock.what.contains(side), "{clock:?}");
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_is_explained() {
    let entra = start(Options::default()).await.expect("the stand-in");
    let report = online(at(&entra, "typo.example"), 0).await;
    let finding = find(&report, "metadata");
    assert!(finding.level == Level::Problem && finding.fix.contains("tenant was not found"), "{finding:?}");
}

#[tokio::test]
async fn a_provider_that_nobody_can_reach_is_a_problem_and_offline_asks_nobody() {
    let port = bia_testkit::ports::free_port();
    let gone = json!({ "microsoft": { "authority_host": format!("http://127.0.0.1:{port}") } });
    assert_eq!(find(&online(gone.clone(), 0).await, "unreachable").level, Level::Problem);
    let mut config = sound();
    lay_over(&mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0], gone);
    assert!(report_of(&config, Case::default()).await.is_healthy(false));
}

#[tokio::test]
async fn metadata_of_another_tenant_or_cloud_is_found() {
    let server = MockServer::start().await;
    let issuer = format!("{}/11111111-1111-4111-8111-111111111111/v2.0", server.uri());
    let document =
        json!({ "issuer": issuer, "jwks_uri": format!("{}/keys", server.uri()), "msgraph_host": "graph.microsoft.us" });
    Mock::given(path(format!("/{CONTOSO_TENANT_ID}/v2.0/.well-known/openid-configuration")))
        .respond_with(ResponseTemplate::new(200).set_body_json(document))
        .mount(&server)
        .await;
    let report =
        online(json!({ "microsoft_tenant": CONTOSO_TENANT_ID, "microsoft": { "authority_host": server.uri() } }), 0)
            .await;
    assert_eq!(find(&report, "tenant").level, Level::Problem, "{}", report.to_text());
    assert!(find(&report, "cloud").what.contains("graph.microsoft.us"));
    assert_eq!(find(&report, "discovery").level, Level::Problem, "there are no keys");
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_here_is_named() {
    let tls = TlsIdentity {
        certificate_pem: include_str!("../../../fake-entra/tests/it/localhost.pem").to_owned(),
        key_pem: include_str!("../../../fake-entra/tests/it/localhost-key.pem").to_owned(),
    };
    let entra = start(Options { tls: Some(tls), ..Options::default() }).await.expect("the stand-in");
    let host = format!("https://localhost:{}", entra.address().port());
    let report = online(json!({ "microsoft": { "authority_host": host } }), 0).await;
    let finding = find(&report, "tls_untrusted");
    assert!(
        finding.level == Level::Problem
            && finding.what.contains("\"localhost\"")
            && finding.fix.contains("SSL_CERT_FILE"),
        "{finding:?}"
    );
}

/// A server that says nothing to anybody until `count` have asked.
async fn patient_server(count: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let everybody = Arc::new(Barrier::new(count));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let everybody = Arc::clone(&everybody);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => return,
                    }
                }
                everybody.wait().await;
                let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.write_all(answer).await.ok();
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn providers_are_asked_side_by_side_and_told_in_their_order() {
    let names = ["one", "two", "three", "four"];
    let server = patient_server(names.len()).await;
    let mut config = sound();
    let providers = &mut config["selfservice"]["methods"]["oidc"]["config"]["providers"];
    let more = |name: &&str| {
        let mut provider = providers[0].clone();
        lay_over(&mut provider, json!({ "id": name, "microsoft": { "authority_host": server } }));
        provider
    };
    *providers = names.iter().map(more).collect();
    let report = report_of(&config, Case { offline: false, ..Case::default() }).await;
    let told: Vec<_> = report.findings.iter().filter(|finding| finding.code == "metadata").collect();
    assert_eq!(told.len(), names.len(), "{}", report.to_text());
    assert!(told.iter().zip(names).all(|(finding, name)| finding.what.contains(&format!("`{name}`"))), "{told:?}");
}
