use bia_fake_entra::{Endpoint, SINGLE_TENANT_CLIENT_ID, people};
use serde_json::json;

use crate::browser::{CALLBACK, payload, returned, site, text};

#[tokio::test]
async fn account_page_lists_everybody_and_says_that_it_is_a_stand_in() {
    let site = site().await;
    let answer = site.authorize("common", &[]).await;
    let policy = answer.headers()["content-security-policy"].to_str().expect("ASCII").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    let page = answer.text().await.expect("text");
    assert!(page.contains("not Microsoft") && page.contains("lang=\"en\""));
    assert!(!page.contains("<script"));
    for person in people() {
        assert!(page.contains(&format!("pick={}", person.key)), "{}", person.key);
    }
    assert!(!page.contains("\"山田\""), "names are escaped");
}

#[tokio::test]
async fn picking_on_the_page_signs_that_person_in_and_cancel_declines() {
    let site = site().await;
    let picked = returned(&site.authorize("common", &[("pick", "bob")]).await);
    assert_eq!(picked["state"], "the-state");
    let (_, answer) = site.redeem("common", &picked["code"], &[]).await;
    assert_eq!(payload(text(&answer, "id_token"))["preferred_username"], "bob@fabrikam.example");
    let declined = returned(&site.authorize("common", &[("pick", "cancel")]).await);
    assert_eq!((declined["error"].as_str(), declined["error_subcode"].as_str()), ("access_denied", "cancel"));
}

#[tokio::test]
async fn persona_sits_at_every_browser() {
    let site = site().await;
    site.entra.control().set_persona(Some("carol"));
    assert!(returned(&site.authorize("common", &[]).await).contains_key("code"));
    let typed = [("login_hint", "somebody@elsewhere.example")];
    assert!(returned(&site.authorize("common", &typed).await).contains_key("code"));
    site.entra.control().set_persona(None);
    assert_eq!(site.authorize("common", &[]).await.status(), 200);
}

#[tokio::test]
async fn prompts_are_heeded() {
    let site = site().await;
    let silent = [("prompt", "none")];
    assert_eq!(returned(&site.authorize("common", &silent).await)["error"], "login_required");
    let signed_in = site.authorize("common", &[("login_hint", "alice"), ("prompt", "login")]).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("ASCII").split(';').next().expect("pair").to_owned();
    let url = site.url(&format!(
        "/common/oauth2/v2.0/authorize?client_id={}&response_type=code&scope=openid&redirect_uri={CALLBACK}&prompt=none",
        bia_fake_entra::TEST_CLIENT_ID
    ));
    let answer = site.http.get(url).header("cookie", cookie).send().await.expect("answer");
    assert!(returned(&answer).contains_key("code"));

    let asked = site.authorize("common", &[("login_hint", "alice"), ("prompt", "select_account")]).await;
    assert!(asked.text().await.expect("text").contains("Pick an account"));
    let consent = site.authorize("common", &[("login_hint", "alice"), ("prompt", "consent")]).await;
    assert!(consent.text().await.expect("text").contains("Permissions requested"));
    let accepted =
        site.authorize("common", &[("login_hint", "alice"), ("prompt", "consent"), ("consent", "accept")]).await;
    assert!(returned(&accepted).contains_key("code"));
}

#[tokio::test]
async fn form_post_answers_with_a_form() {
    let site = site().await;
    let answer = site.authorize("common", &[("login_hint", "alice"), ("response_mode", "form_post")]).await;
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.expect("text");
    assert!(page.contains("method=\"POST\"") && page.contains("name=\"code\"") && page.contains("value=\"the-state\""));
}

#[tokio::test]
async fn errors_about_the_application_are_shown_and_never_redirected() {
    let site = site().await;
    for (change, code) in [
        (("client_id", "nobody"), "AADSTS700016"),
        (("client_id", ""), "AADSTS900144"),
        (("redirect_uri", "https://evil.example/"), "AADSTS50011"),
        (("redirect_uri", "http://evil.example/self-service/methods/oidc/callback/x"), "AADSTS50011"),
    ] {
        let answer = site.authorize("common", &[change, ("login_hint", "alice")]).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.text().await.expect("text").contains(code), "{code}");
    }
}

#[tokio::test]
async fn errors_about_the_request_go_back_to_the_application() {
    let site = site().await;
    let short = "too-short";
    for (change, error) in [
        (("scope", "profile"), "invalid_request"),
        (("scope", ""), "invalid_request"),
        (("scope", "openid groups"), "invalid_client"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "id_token"), "unsupported_response_type"),
        (("code_challenge", short), "invalid_request"),
        (("code_challenge_method", "S256"), "invalid_request"),
        (("claims", "not-json"), "invalid_request"),
    ] {
        let answer = returned(&site.authorize("common", &[change, ("login_hint", "alice")]).await);
        assert_eq!(answer["error"], error, "{change:?}");
        assert!(answer["error_description"].starts_with("AADSTS"));
    }
}

#[tokio::test]
async fn accounts_that_do_not_fit_the_address_are_refused() {
    let site = site().await;
    for (tenant, who, expected) in [
        ("organizations", "carol", "AADSTS50020"),
        ("contoso.example", "bob", "AADSTS50020"),
        ("consumers", "alice", "AADSTS50020"),
    ] {
        let page = site.authorize(tenant, &[("login_hint", who)]).await.text().await.expect("text");
        assert!(page.contains(expected), "{tenant} {who}");
    }
    let single = [("client_id", SINGLE_TENANT_CLIENT_ID), ("login_hint", "alice")];
    assert!(site.authorize("common", &single).await.text().await.expect("text").contains("AADSTS50194"));
    assert!(returned(&site.authorize("contoso.example", &single).await).contains_key("code"));
    for who in ["alice", "guest"] {
        assert!(returned(&site.authorize("contoso.example", &[("login_hint", who)]).await).contains_key("code"));
    }
    site.entra.control().allow_any_tenant(true);
    assert!(returned(&site.authorize("contoso.example", &[("login_hint", "bob")]).await).contains_key("code"));
    site.entra.control().disable_person("alice");
    let page = site.authorize("common", &[("login_hint", "alice")]).await.text().await.expect("text");
    assert!(page.contains("AADSTS50057"));
}

#[tokio::test]
async fn step_up_shows_in_the_token_unless_withheld() {
    let site = site().await;
    let claims = r#"{"id_token":{"acrs":{"essential":true,"value":"c1"},"auth_time":{"essential":true}}}"#;
    let answer = site.sign_in("common", "alice", &[("claims", claims)]).await;
    let token = payload(text(&answer, "id_token"));
    assert_eq!(token["acrs"], json!(["c1"]));
    assert!(token["auth_time"].is_i64());
    site.entra.control().grant_step_up(false);
    let answer = site.sign_in("common", "alice", &[("claims", claims)]).await;
    assert!(payload(text(&answer, "id_token")).get("acrs").is_none());
}

#[tokio::test]
async fn opaque_login_hint_from_a_token_picks_the_same_person() {
    let site = site().await;
    let claims = site.claims_of("bob").await;
    let again = site.claims_of(claims["login_hint"].as_str().expect("hint")).await;
    assert_eq!(claims["sub"], again["sub"]);
    assert_eq!(site.entra.control().count(Endpoint::Authorize), 2);
}

#[tokio::test]
async fn domain_hint_narrows_the_page() {
    let site = site().await;
    let page = site.authorize("common", &[("domain_hint", "fabrikam.example")]).await.text().await.expect("text");
    assert!(page.contains("pick=bob") && !page.contains("pick=alice\""));
}

#[tokio::test]
async fn admin_consent_names_the_tenant_and_refuses_common() {
    let site = site().await;
    let url = |tenant: &str, rest: &str| {
        format!(
            "/{tenant}/v2.0/adminconsent?client_id={}&state=s&scope=openid&redirect_uri=http://127.0.0.1:4433/consented{rest}",
            bia_fake_entra::TEST_CLIENT_ID
        )
    };
    assert!(site.get(&url("contoso.example", "")).await.text().await.expect("text").contains("Permissions requested"));
    let accepted = returned(&site.get(&url("contoso.example", "&consent=accept")).await);
    assert_eq!(accepted["admin_consent"], "True");
    assert_eq!(accepted["tenant"], bia_fake_entra::CONTOSO_TENANT_ID);
    let cancelled = returned(&site.get(&url("contoso.example", "&consent=cancel")).await);
    assert_eq!(cancelled["error"], "access_denied");
    assert!(site.get(&url("common", "")).await.text().await.expect("text").contains("AADSTS90013"));
}
