//! Cookies that somebody else wrote: planted beside one's own, taken from another browser, of another kind, or changed.

use bia_e2e::Site;
use url::Url;

use crate::databases::on_each_database;
use crate::raw;

const CONTINUITY: &str = "ory_kratos_continuity";
const SESSION: &str = "ory_kratos_session";

fn target(url: &Url) -> String {
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

fn signs_in(answer: &raw::Raw) -> bool {
    let sets = |cookie: &str| cookie.strip_prefix(SESSION).is_some_and(|rest| rest.starts_with('=') && rest.len() > 60);
    // One that is taken away is short.
    answer.header("set-cookie").iter().any(|cookie| sets(cookie) && !cookie.contains("Max-Age=0"))
}

#[tokio::test]
async fn a_continuity_cookie_planted_beside_ones_own_finishes_no_sign_in_of_the_attackers() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let (mallory, alice) = (site.browser("mallory"), site.browser("alice"));
        let trap = mallory.to_callback(&bia, "microsoft").await;
        alice.to_callback(&bia, "microsoft").await;
        let planted = mallory.cookie(&bia.public, CONTINUITY).expect("a cookie");
        let own = alice.cookie(&bia.public, CONTINUITY).expect("a cookie");
        // A cookie of a longer path comes first, one of the parent domain last; each could be the planted one.
        for cookies in [
            format!("{CONTINUITY}={planted}; {CONTINUITY}={own}"),
            format!("{CONTINUITY}={own}; {CONTINUITY}={planted}"),
            format!("{CONTINUITY}={own}\r\ncookie: {CONTINUITY}={planted}"),
        ] {
            let answer = raw::with_cookies(&bia, &target(&trap), &cookies).await;
            assert!(!signs_in(&answer), "{answer:?}");
            assert!(answer.status >= 300, "{answer:?}");
        }
        assert!(bia.log().contains("two continuity cookies"), "{}", bia.log());
        // Garbage under that name is not ours, and disturbs nobody.
        let back = alice.to_callback(&bia, "microsoft").await;
        let own = alice.cookie(&bia.public, CONTINUITY).expect("a cookie");
        let cookies = format!("{CONTINUITY}=garbage; {CONTINUITY}={own}; {CONTINUITY}={own}");
        let answer = raw::with_cookies(&bia, &target(&back), &cookies).await;
        assert!(signs_in(&answer), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn a_cookie_of_one_kind_is_worth_nothing_as_another() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let cookies = alice.cookies(&bia.public);
    let back = site.browser("bob").to_callback(&bia, "microsoft").await;
    for (name, value) in &cookies {
        if name != SESSION {
            let answer = raw::with_cookies(&bia, "/sessions/whoami", &format!("{SESSION}={value}")).await;
            assert_eq!(answer.status, 401, "{name} as a session");
        }
        if name != CONTINUITY {
            let answer = raw::with_cookies(&bia, &target(&back), &format!("{CONTINUITY}={value}")).await;
            assert!(!signs_in(&answer), "{name} as continuity: {answer:?}");
        }
        // Nor is the content of a cookie a token for apps.
        for header in ["x-session-token: ", "authorization: Bearer "] {
            let asked = format!("accept: application/json\r\n{header}{value}\r\n");
            let answer = raw::ask(&bia.public, "GET", "/sessions/whoami", &asked).await;
            assert!(answer.status == 401 || name == SESSION, "{name} as a token: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_session_cookie_that_was_changed_anywhere_is_nobody() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let whole = alice.cookie(&bia.public, SESSION).expect("a cookie");
    let whoami = |value: String| {
        let bia = &bia;
        async move { raw::with_cookies(bia, "/sessions/whoami", &format!("{SESSION}={value}")).await.status }
    };
    assert_eq!(whoami(whole.clone()).await, 200);
    for at in (0..whole.len()).step_by(whole.len() / 24) {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(whoami(String::from_utf8(bytes).expect("text")).await, 401, "byte {at}");
        assert_eq!(whoami(whole[..at].to_owned()).await, 401, "cut at {at}");
        assert_eq!(whoami(format!("{whole}{}", &whole[..at.max(1)])).await, 401, "longer by {at}");
    }
    // It ends where it was signed out, wherever copies of it are.
    let logout = alice.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
    alice.get(logout["logout_url"].as_str().expect("a URL")).await;
    assert_eq!(whoami(whole).await, 401);
}

#[tokio::test]
async fn signing_in_again_leaves_no_older_cookie_of_that_browser_behind_for_others() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let alice = site.browser("alice");
        let before = alice.to_callback(&bia, "microsoft").await;
        // What was there before the sign-in proves nothing after it: the session is a new secret, told to this browser alone.
        let early = alice.cookies(&bia.public);
        alice.get(&before).await;
        assert!(alice.whoami(&bia).await.is_some());
        let text: Vec<String> = early.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(raw::with_cookies(&bia, "/sessions/whoami", &text.join("; ")).await.status, 401);
        let session = alice.cookie(&bia.public, SESSION).expect("a cookie");
        assert!(early.values().all(|value| *value != session));
        // Nor does the secret of one session pass on to the next.
        let again = alice.get_json(format!("{}/self-service/login/browser?refresh=true", bia.public)).await.expect(200);
        alice.go_on(&again, "microsoft").await;
        assert!(alice.whoami(&bia).await.is_some());
        assert_ne!(alice.cookie(&bia.public, SESSION).expect("a cookie"), session);
    })
    .await;
}
