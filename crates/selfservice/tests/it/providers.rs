//! Which provider may be used for what, and what travels to it (A6, A8-A12, A21, B13, B14).

use crate::bed::{Bed, PUBLIC};
use crate::browser::buttons;
use serde_json::json;

#[tokio::test]
async fn a8_an_older_id_still_finds_callbacks_and_links() {
    let bed = Bed::with_provider(json!({ "subject_source": "oid", "aliases": ["azure"] })).await;
    let alice = bed.import("alice@contoso.example", &[("azure", "a11ce000-0000-4000-8000-000000000001")], true).await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let answer = browser.submit(&flow, &[("provider", "microsoft")]).await;
    let mut back = browser.visit(&answer.away().unwrap(), "alice").await;
    // The registration at Entra still names the old callback.
    back.provider = Some("azure".to_owned());
    assert_eq!(browser.call_back(&back).await.identity_id(), alice);
    // An alias is no id: nobody starts with it, and no other provider's callback takes the answer.
    let flow = bed.browser().begin_login("").await.flow();
    let answer = bed.browser().submit(&flow, &[("provider", "azure")]).await;
    assert_eq!(answer.error()["code"], 404);
}

#[tokio::test]
async fn a9_two_connections_show_their_own_labels_and_never_share_links() {
    let staff = json!({ "label": "Contoso", "subject_source": "oid" });
    let partners = json!({ "id": "partners", "label": "Contoso's partners", "subject_source": "oid" });
    let bed = Bed::builder().provider(staff).provider(partners).start().await;
    let flow = bed.browser().begin_login("").await.flow();
    assert_eq!(buttons(&flow), ["microsoft", "partners"]);
    let nodes = flow.ui.nodes.iter().map(|node| json!(node)).filter(|node| node["group"] == "oidc");
    let labels: Vec<_> = nodes.map(|node| node["meta"]["label"]["text"].clone()).collect();
    assert_eq!(labels, ["Sign in with Contoso", "Sign in with Contoso's partners"]);
    // The same person of the same tenant with the same subject: two connections are two links all the same.
    let alice = bed.browser().sign_in("microsoft", "alice").await.identity_id();
    bed.browser().sign_in("partners", "alice").await.expect_nobody();
    let bob = bed.browser().sign_in("partners", "bob").await.identity_id();
    bed.browser().sign_in("microsoft", "bob").await.expect_nobody();
    for (id, provider) in [(alice, "microsoft"), (bob, "partners")] {
        let links = bed.identity(id).await.oidc_links();
        assert_eq!(links.iter().map(|link| link.provider.as_str()).collect::<Vec<_>>(), [provider]);
    }
}

#[tokio::test]
async fn a10_a_provider_that_is_off_has_no_button_no_start_and_no_callback_and_keeps_its_links() {
    let on = Bed::builder().provider(json!({})).provider(json!({ "id": "other" })).start().await;
    let off = Bed::builder().provider(json!({})).provider(json!({ "id": "other", "enabled": false })).start().await;
    let flow = off.browser().begin_login("").await.flow();
    assert_eq!(buttons(&flow), ["microsoft"]);
    let answer = off.browser().submit(&flow, &[("provider", "other")]).await;
    assert_eq!(answer.error()["code"], 404);
    // A state that was sealed while it was on is refused, too: both beds share their secrets.
    let mut browser = on.browser();
    let begun = browser.begin_login("").await.flow();
    let answer = browser.submit(&begun, &[("provider", "other")]).await;
    let back = browser.visit(&answer.away().unwrap(), "alice").await;
    let refused = off.browser().call_back(&back).await;
    refused.expect_nobody();
    let bob = off.import("bob@fabrikam.example", &[("other", "x"), ("microsoft", "y")], true).await;
    assert_eq!(off.identity(bob).await.oidc_links().len(), 2);
}

#[tokio::test]
async fn a11_only_the_listed_applications_may_use_a_provider() {
    let bed = Bed::with_provider(json!({ "return_urls": ["https://app.example/"] })).await;
    let own = bed.browser().begin_login("return_to=https://app.example/start").await.flow();
    assert_eq!(buttons(&own), ["microsoft"]);
    for query in ["return_to=https://other.example/", ""] {
        let mut browser = bed.browser();
        let flow = browser.begin_login(query).await.flow();
        assert!(buttons(&flow).is_empty(), "{query}");
        let forged = browser.submit(&flow, &[("provider", "microsoft")]).await;
        assert_eq!(forged.error()["code"], 404, "{query}");
    }
    let mut browser = bed.browser();
    browser.press(&own, "microsoft", "alice").await.expect_session();
}

#[tokio::test]
async fn a12_closed_means_nobody_new_while_known_people_sign_in() {
    let bed = Bed::with_provider(json!({ "subject_source": "oid", "sign_up": "closed" })).await;
    let alice =
        bed.import("alice@contoso.example", &[("microsoft", "a11ce000-0000-4000-8000-000000000001")], true).await;
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
    for by_registration in [false, true] {
        let mut browser = bed.browser();
        let answer = if by_registration {
            browser.sign_up("microsoft", "bob").await
        } else {
            browser.sign_in("microsoft", "bob").await
        };
        answer.expect_nobody();
        assert!(answer.messages().iter().any(|(id, text)| *id == 4_000_001 && text.contains("not open")));
    }
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn a12_a_list_of_domains_opens_sign_up_for_them_alone() {
    let bed = Bed::with_provider(json!({ "sign_up": "allow_list", "sign_up_domains": ["Contoso.example"] })).await;
    bed.browser().sign_up("microsoft", "alice").await.expect_session();
    for stranger in ["bob", "noemail"] {
        bed.browser().sign_up("microsoft", stranger).await.expect_nobody();
    }
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn a12_closed_does_not_stop_linking_in_settings() {
    let bed = Bed::builder()
        .provider(json!({ "sign_up": "closed" }))
        .plain_provider("social", "pkce", json!({}))
        .start()
        .await;
    let mut browser = bed.browser();
    browser.sign_in("social", "carol").await.expect_session();
    browser.link("microsoft", "alice").await;
    let links = bed.identity(browser.session().await.unwrap().identity_id).await.oidc_links();
    assert_eq!(links.len(), 2);
}

#[tokio::test]
async fn a6_a_listed_host_gets_a_callback_of_its_own_and_no_other_does() {
    let bed = Bed::with_provider(json!({ "callback_hosts": ["login.customer.example"] })).await;
    for (host, base) in [("login.customer.example", "http://login.customer.example"), ("evil.example", PUBLIC)] {
        let mut browser = bed.browser();
        browser.host = host.to_owned();
        let flow = browser.begin_login("").await.flow();
        let query = browser.submit(&flow, &[("provider", "microsoft")]).await.away_query();
        assert_eq!(query["redirect_uri"], format!("{base}/self-service/methods/oidc/callback/microsoft"), "{host}");
    }
}

#[tokio::test]
async fn b13_the_operators_parameters_travel_to_the_provider() {
    let parameters = json!({ "prompt": "select_account", "domain_hint": "contoso.example" });
    let bed = Bed::with_provider(json!({ "upstream_parameters": parameters })).await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let query = browser.submit(&flow, &[("provider", "microsoft")]).await.away_query();
    assert_eq!((query["prompt"].as_str(), query["domain_hint"].as_str()), ("select_account", "contoso.example"));
}

#[tokio::test]
async fn b14_a_client_passes_only_listed_hints_and_steers_nothing() {
    let bed = Bed::with_provider(json!({ "allowed_hints": ["login_hint"] })).await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let answer = browser
        .submit(
            &flow,
            &[
                ("provider", "microsoft"),
                ("upstream_parameters.login_hint", "alice@contoso.example"),
                ("upstream_parameters.domain_hint", "evil.example"),
                ("upstream_parameters.redirect_uri", "https://evil.example/"),
                ("upstream_parameters.client_id", "evil"),
                ("upstream_parameters.state", "evil"),
                ("upstream_parameters.tenant", "evil"),
            ],
        )
        .await;
    let query = answer.away_query();
    assert_eq!(query["login_hint"], "alice@contoso.example");
    assert_eq!(query.get("domain_hint"), None);
    assert_eq!(query.get("tenant"), None);
    assert!(!answer.away().unwrap().contains("evil"));
}

#[tokio::test]
async fn a21_two_connections_share_one_registration_and_no_links() {
    let bed = Bed::builder()
        .provider(json!({ "subject_source": "oid" }))
        .provider(json!({
            "id": "second", "client_id": null, "client_secret": null, "credentials_from": "microsoft",
            "subject_source": "oid",
        }))
        .start()
        .await;
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
    // Another connection is another link: its owner is asked, not assumed.
    bed.browser().sign_in("second", "alice").await.expect_nobody();
    bed.browser().sign_in("second", "bob").await.expect_session();
}

#[tokio::test]
async fn b6_one_key_switches_the_cloud_and_single_hosts_can_be_named() {
    let hosts = [
        (json!({ "cloud": "usgov" }), "https://login.microsoftonline.us"),
        (json!({ "cloud": "usgov_dod" }), "https://login.microsoftonline.us"),
        (json!({ "cloud": "china" }), "https://login.partner.microsoftonline.cn"),
        (json!({ "cloud": "global" }), "https://login.microsoftonline.com"),
        (json!({ "cloud": "china", "authority_host": "https://login.example" }), "https://login.example"),
    ];
    for (microsoft, host) in hosts {
        let bed = Bed::with_provider(json!({ "microsoft": microsoft })).await;
        let mut browser = bed.browser();
        let flow = browser.begin_login("").await.flow();
        let away = browser.submit(&flow, &[("provider", "microsoft")]).await.away().unwrap();
        assert!(away.starts_with(&format!("{host}/common/oauth2/v2.0/authorize?")), "{away}");
    }
}

#[tokio::test]
async fn c4_an_answer_that_is_posted_signs_in_as_one_in_the_query() {
    let bed = Bed::with_provider(json!({ "response_mode": "form_post" })).await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let answer = browser.submit(&flow, &[("provider", "microsoft")]).await;
    assert_eq!(answer.away_query()["response_mode"], "form_post");
    browser.follow(answer, "alice").await.expect_session();
}
