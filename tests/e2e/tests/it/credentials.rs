//! What the program proves itself with at Microsoft, and what operators and administrators read when Microsoft refuses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_e2e::{Bia, Browser, Site, TEST_CLIENT_ID, TEST_CLIENT_SECRET};
use bia_fake_entra::{Certificate, Client, Endpoint, EndpointFault, Fault, FederatedCredential, TEST_EXPIRED_SECRET};
use serde_json::{Value, json};

/// A certificate with its key, made for tests alone.
const CERTIFICATE: &str = include_str!("../../../../crates/provider/tests/it/client.pem");
/// The one after it, with another key.
const RENEWED: &str = include_str!("../../../../crates/provider/tests/it/client-renewed.pem");
/// Too long and too odd to be found in a page by accident.
const WRONG_SECRET: &str = "wrong~Secret.of_the-tests_0123456789";

/// The forms that reached the stand-in's token endpoint, in order.
fn token_forms(site: &Site) -> Vec<std::collections::BTreeMap<String, String>> {
    site.control().calls().into_iter().filter(|call| call.endpoint == Endpoint::Token).map(|call| call.form).collect()
}

/// The one line of the log about a sign-in that failed.
#[track_caller]
fn failure(bia: &Bia) -> Value {
    let log = bia.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut failed: Vec<Value> = lines.filter(|line| line["message"] == "sign-in failed at the provider").collect();
    assert_eq!(failed.len(), 1, "{log}");
    failed.remove(0)
}

/// A sign-in that has to fail; what the visitor is shown.
async fn refused(site: &Site, bia: &Bia) -> Value {
    let alice = site.browser("alice");
    let answer = alice.sign_in(bia, "microsoft").await;
    let shown = alice.shown(bia, &answer).await;
    assert!(alice.whoami(bia).await.is_none(), "a session: {shown}");
    shown
}

#[tokio::test]
async fn d1_a_client_secret_signs_in_and_a_wrong_one_does_not() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let calls = site.control().calls();
    let sent = calls.iter().find(|call| call.endpoint == Endpoint::Token).expect("a call");
    let authenticated = sent.form.contains_key("client_secret") || sent.authorization.is_some();
    assert!(authenticated && !sent.form.contains_key("client_assertion"), "{sent:?}");
    bia.stop();
    site.provider("microsoft", json!({ "client_secret": WRONG_SECRET }));
    let bia = site.start().await;
    let shown = refused(&site, &bia).await;
    assert!(!shown.to_string().contains(WRONG_SECRET), "{shown}");
    let line = failure(&bia);
    assert_eq!((&line["step"], &line["aadsts"]), (&json!("token exchange"), &json!("AADSTS7000215")), "{line}");
    assert!(!bia.log().contains(WRONG_SECRET), "{}", bia.log());
}

#[tokio::test]
async fn d2_the_second_of_two_secrets_signs_in_when_the_first_is_refused() {
    let mut site = Site::new().await;
    let secrets = json!([TEST_EXPIRED_SECRET, TEST_CLIENT_SECRET]);
    site.provider("microsoft", json!({ "client_secret": null, "client_secrets": secrets }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let calls = site.control().calls();
    let statuses: Vec<u16> = calls.iter().filter(|c| c.endpoint == Endpoint::Token).map(|c| c.status).collect();
    assert_eq!(statuses, [401, 200], "each secret was tried once, in order");
    assert!(!bia.log().contains("sign-in failed at the provider"), "{}", bia.log());
}

#[tokio::test]
async fn d3_a_certificate_signs_in_without_any_secret() {
    let mut site = Site::new().await;
    let uploaded = Certificate::from_pem(CERTIFICATE).expect("a certificate");
    // No secret at all: only the certificate can have opened the door.
    site.control().put_client(Client {
        secrets: Vec::new(),
        certificates: vec![uploaded],
        ..Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET)
    });
    site.write("entra.pem", CERTIFICATE);
    let certificate = json!({ "file": site.path("entra.pem") });
    site.provider("microsoft", json!({ "client_secret": null, "microsoft": { "client_certificate": certificate } }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let forms = token_forms(&site);
    assert_eq!(forms.len(), 1, "{forms:?}");
    assert!(forms[0].contains_key("client_assertion") && !forms[0].contains_key("client_secret"), "{forms:?}");
    // The application forgets the certificate, and the same server is refused.
    let known = site.control().client(TEST_CLIENT_ID).expect("registered");
    site.control().put_client(Client { certificates: Vec::new(), ..known });
    refused(&site, &bia).await;
    let line = failure(&bia);
    assert_eq!(line["aadsts"], "AADSTS700027");
    // The key of what was sent, not of a secret that there is none of.
    assert_eq!(line["config_key"], "microsoft.client_certificate", "{line}");
}

#[tokio::test]
async fn d3_a_renewed_certificate_counts_without_a_restart_and_half_of_one_refuses_nobody() {
    let mut site = Site::new().await;
    let registered = |site: &Site, pem: &str| {
        let certificates = vec![Certificate::from_pem(pem).expect("a certificate")];
        let client = Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET);
        site.control().put_client(Client { secrets: Vec::new(), certificates, ..client });
    };
    registered(&site, CERTIFICATE);
    site.write("entra.pem", CERTIFICATE);
    let certificate = json!({ "file": site.path("entra.pem") });
    site.provider("microsoft", json!({ "client_secret": null, "microsoft": { "client_certificate": certificate } }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    site.write("entra.pem", &RENEWED[..RENEWED.len() / 2]);
    site.browser("bob").signed_in(&bia, "microsoft").await;
    assert!(bia.log().contains("can't be used; the one before goes on"), "{}", bia.log());
    registered(&site, RENEWED);
    site.write("entra.pem", RENEWED);
    site.browser("carol").signed_in(&bia, "microsoft").await;
    bia.stop();
}

#[tokio::test]
async fn d4_a_federated_token_is_read_anew_at_every_sign_in() {
    let mut site = Site::new().await;
    let trusted =
        FederatedCredential { issuer: "https://k8s.example".to_owned(), subject: "pod".to_owned(), key: None };
    site.control().put_client(Client {
        secrets: Vec::new(),
        federated: vec![trusted],
        ..Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET)
    });
    let token = |id: &str| {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": "k" }).to_string());
        // The year 2100: what a projected token holds is renewed in time.
        let claims = json!({
            "iss": "https://k8s.example", "sub": "pod", "aud": "api://AzureADTokenExchange", "exp": 4_102_444_800_u64,
            "jti": id,
        });
        format!("{header}.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let file = site.path("federated-token");
    site.write("federated-token", &token("first"));
    site.provider("microsoft", json!({ "client_secret": null, "microsoft": { "federated_token_file": file } }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    site.write("federated-token", &format!("{}\n", token("second")));
    site.browser("bob").signed_in(&bia, "microsoft").await;
    let forms = token_forms(&site);
    let sent: Vec<_> = forms.iter().filter_map(|form| form.get("client_assertion").cloned()).collect();
    assert_eq!(sent, [token("first"), token("second")]);
    assert!(forms.iter().all(|form| !form.contains_key("client_secret")), "{forms:?}");
}

#[tokio::test]
async fn b16_the_consent_link_leads_back_to_a_page_that_believes_nothing() {
    let mut site = Site::new().await;
    let (contoso, fabrikam) = (bia_fake_entra::CONTOSO_TENANT_ID, bia_fake_entra::FABRIKAM_TENANT_ID);
    site.provider(
        "microsoft",
        json!({ "microsoft_tenant": "organizations", "microsoft": { "allowed_tenants": [contoso] } }),
    );
    let setup = ["setup", "microsoft", "--provider", "microsoft", "--format", "consent", "--tenant", fabrikam, "-c"];
    let printed = Bia::spawn(&site, "bia-under-test", &setup).wait();
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let link = printed.log.split_whitespace().find(|word| word.contains("/adminconsent?")).expect("a link").to_owned();
    assert!(link.starts_with(&format!("{}/{fabrikam}/v2.0/", site.stand_in())), "{link}");
    let bia = site.start().await;
    let administrator = Browser::new();
    let back = administrator.get(format!("{link}&consent=accept")).await.location();
    assert_eq!(back.path(), "/self-service/methods/oidc/admin-consent/microsoft", "{back}");
    let page = administrator.get(&back).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains(fabrikam) && page.body.contains("sign in to see"), "{page:?}");
    assert!(administrator.whoami(&bia).await.is_none(), "nobody signed in");
    // Whatever the address claimed, that organisation is still not let in, and no text of it reaches the page.
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let stranger = site.browser("bob");
    let answer = stranger.sign_in(&bia, "microsoft").await;
    assert_ne!(answer.header("location"), "http://app.example/home");
    assert!(stranger.whoami(&bia).await.is_none());
    let forged = "admin_consent=True&tenant=%3Cscript%3Ealert(1)%3C/script%3E";
    let page = administrator.get(format!("{}{}?{forged}", bia.public, back.path())).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(!page.body.contains("alert(1)"), "{page:?}");
}

#[tokio::test]
async fn k4_missing_consent_is_named_to_the_visitor_and_in_the_log() {
    let site = Site::new().await;
    let bia = site.start().await;
    site.control().add_fault(Fault::at(Endpoint::Authorize, EndpointFault::error("consent_required")).times(1));
    let shown = refused(&site, &bia).await;
    let text = shown["ui"]["messages"][0]["text"].as_str().expect("a message");
    assert!(text.contains("profile, email, openid") && text.contains("/adminconsent?"), "{text}");
    let line = failure(&bia);
    assert_eq!((&line["step"], &line["oauth_error"]), (&json!("denied"), &json!("consent_required")), "{line}");
    assert_eq!(line["aadsts"], "AADSTS65001", "{line}");
    site.browser("alice").signed_in(&bia, "microsoft").await;
}

#[tokio::test]
async fn k5_an_aadsts_number_is_explained_in_the_log_and_the_visitor_reads_no_secret() {
    let mut site = Site::new().await;
    site.provider("microsoft", json!({ "client_secret": TEST_EXPIRED_SECRET }));
    let bia = site.start().await;
    let shown = refused(&site, &bia).await;
    let line = failure(&bia);
    assert_eq!((&line["aadsts"], &line["config_key"]), (&json!("AADSTS7000222"), &json!("client_secret")), "{line}");
    assert!(line["explanation"].as_str().is_some_and(|text| text.contains("expired")), "{line}");
    let correlation = line["correlation_id"].as_str().expect("a correlation id");
    assert!(uuid::Uuid::parse_str(correlation).is_ok(), "{line}");
    assert!(!bia.log().contains(TEST_EXPIRED_SECRET), "{}", bia.log());
    let text = shown.to_string();
    assert!(!text.contains(TEST_EXPIRED_SECRET) && !text.to_lowercase().contains("secret"), "{text}");
}
