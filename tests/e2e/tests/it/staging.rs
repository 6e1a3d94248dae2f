//! One file for two places: production as it is written, staging by variables.

use bia_e2e::{Bia, Browser, Site, TEST_CLIENT_ID, TEST_CLIENT_SECRET};
use bia_fake_entra::CONTOSO_TENANT_ID;
use serde_json::json;

const PRODUCTION: &str = "https://id.contoso.example";
const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";

/// Where the button of the sign-in form leads.
async fn led_to(bia: &Bia, browser: &Browser) -> url::Url {
    let flow = browser.begin(bia, "login").await;
    // Production's proxy is not there, so its address is asked at the port behind it.
    let action = flow["ui"]["action"].as_str().expect("an action").replace(PRODUCTION, &bia.public);
    browser.post_form(action, &[("provider", "microsoft")]).await.location()
}

#[tokio::test]
async fn a25_one_file_serves_production_and_by_variables_alone_a_staging_tenant() {
    let mut site = Site::new().await;
    site.provider(
        "microsoft",
        json!({
            "client_id": CLIENT, "client_secret": "production~Secret.0123456789abcdefghijkl", "microsoft_tenant": TENANT,
            "microsoft": { "authority_host": null, "graph_host": null },
        }),
    );
    site.change(json!({ "serve": { "public": { "base_url": format!("{PRODUCTION}/") } } }));
    let bia = site.start().await;
    let at = led_to(&bia, &Browser::new()).await;
    assert!(
        at.as_str().starts_with(&format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/authorize?")),
        "{at}"
    );
    assert!(at.query_pairs().any(|(name, value)| name == "redirect_uri" && value.starts_with(PRODUCTION)), "{at}");
    bia.stop();
    let file = std::fs::read(site.path("kratos.yml")).expect("kratos.yml");

    let provider = "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0";
    for (name, value) in [
        ("SERVE_PUBLIC_BASE_URL".to_owned(), format!("{}/", site.public)),
        (format!("{provider}_CLIENT_ID"), TEST_CLIENT_ID.to_owned()),
        (format!("{provider}_CLIENT_SECRET"), TEST_CLIENT_SECRET.to_owned()),
        (format!("{provider}_MICROSOFT_TENANT"), CONTOSO_TENANT_ID.to_owned()),
        (format!("{provider}_MICROSOFT_AUTHORITY_HOST"), site.stand_in()),
        (format!("{provider}_MICROSOFT_GRAPH_HOST"), site.stand_in()),
    ] {
        site.env.insert(name, value);
    }
    let bia = site.start().await;
    let alice = site.browser("alice");
    let at = led_to(&bia, &alice).await;
    assert!(at.as_str().starts_with(&format!("{}/{CONTOSO_TENANT_ID}/", site.stand_in())), "{at}");
    let session = alice.signed_in(&bia, "microsoft").await;
    assert_eq!(session["identity"]["traits"]["email"], "alice@contoso.example", "{session}");
    assert!(std::fs::read(site.path("kratos.yml")).expect("kratos.yml") == file, "the file is another one");
}
