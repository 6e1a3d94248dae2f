use bia_fake_entra::{Client, TEST_CLIENT_ID};

use crate::browser::{payload, site, text};

const LOGOUT: &str = "/common/oauth2/v2.0/logout";

#[tokio::test]
async fn sign_out_tells_each_application_by_its_session_id() {
    let site = site().await;
    let control = site.entra.control();
    let client = control.client(TEST_CLIENT_ID).expect("registered");
    let uri = "https://app.example/self-service/methods/oidc/logout/microsoft".to_owned();
    control.put_client(Client { front_channel_logout_uri: Some(uri.clone()), ..client });
    let answer = site.sign_in("common", "alice", &[]).await;
    site.sign_in("common", "bob", &[]).await;
    let claims = payload(text(&answer, "id_token"));
    let (sid, hint) = (claims["sid"].as_str().expect("sid"), claims["login_hint"].as_str().expect("hint"));
    let expected = format!("{uri}?sid={sid}");
    assert_eq!(control.front_channel_logouts("alice"), [expected.as_str()]);
    let query = [("logout_hint", hint), ("post_logout_redirect_uri", "https://app.example/bye")];
    let page = site.http.get(site.url(LOGOUT)).query(&query).send().await.expect("answer");
    assert_eq!(page.status(), 200);
    let page = page.text().await.expect("text");
    assert!(page.contains(&format!("<iframe src=\"{expected}\"")) && page.contains("href=\"https://app.example/bye\""));
    assert_eq!(page.matches("<iframe").count(), 1);
    assert!(page.contains("content=\"1;url=https://app.example/bye\""));
}

#[tokio::test]
async fn sign_out_leads_on_to_registered_addresses_only() {
    let site = site().await;
    let to = |uri: &str| format!("{LOGOUT}?state=s&post_logout_redirect_uri={uri}");
    let answer = site.get(&to("https://app.example/bye")).await;
    assert_eq!(answer.headers()["location"], "https://app.example/bye?state=s");
    site.entra.control().set_redirect_uris(Some(vec!["https://app.example/ok".into()]));
    assert_eq!(site.get(&to("https://app.example/bye")).await.status(), 200);
    assert_eq!(site.get(&to("https://app.example/ok")).await.status(), 302);
    assert_eq!(site.get(LOGOUT).await.status(), 200);
}
