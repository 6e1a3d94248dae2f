//! Open redirects: nobody leaves for an address that the operator did not list, by whatever entrance and in whatever
//! spelling.

use bia_e2e::{Bia, Browser, Site};
use serde_json::{Value, json};
use url::Url;

use crate::raw;

/// Every trick by which two parsers were ever made to see two hosts, and some that only look like the list.
const EVIL: [&str; 70] = [
    "https://evil.example/",
    "https://evil.example",
    "//evil.example/after",
    "///evil.example/after",
    "////evil.example/after",
    "//evil.example:443/after",
    "\\\\evil.example\\after",
    "/\\evil.example/after",
    "\\/evil.example/after",
    "/\\/evil.example/after",
    "https:\\\\evil.example/after",
    "https:/evil.example/after",
    "http:evil.example/after",
    "https:///evil.example/after",
    "https:\\evil.example",
    "/./\\evil.example",
    "/../..//evil.example/after",
    "https://app.example@evil.example/after",
    "https://app.example:443@evil.example/after",
    "https://app.example%40evil.example/after",
    "https://app.example\\@evil.example/after",
    "https://evil.example\\@app.example/after",
    "https://evil.example#@app.example/after",
    "https://evil.example?@app.example/after",
    "https://evil.example/https://app.example/after",
    "https://user@app.example/after",
    "https://:password@app.example/after",
    "//app.example@evil.example/after",
    "https://app.example.evil.example/after",
    "https://app.exampleevil.example/after",
    "https://app.example.:443/after",
    "https://xapp.example/after",
    "https://app.example:444/after",
    "http://app.example/after",
    "ftp://app.example/after",
    "https://app.example/",
    "https://app.example/other",
    "https://app.example/AFTER",
    "https://app.example/after/../other",
    "https://app.example/after/%2e%2e/other",
    "https://app.example/after/.%2E/other",
    "https://app.example/after\\..\\other",
    "https://app.example//after",
    "https://app.example/;/after",
    "/other",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://app.example/after",
    "java\tscript:alert(1)",
    "\u{1}javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "blob:https://app.example/after",
    "file:///after",
    "\thttps://evil.example/after",
    " https://evil.example/after",
    "ht\ntps://evil.example/after",
    "https://ev\r\nil.example/after",
    "/\t/evil.example/after",
    "/\n/evil.example/after",
    "https://evil\u{3002}example/after",
    "https://app.example\u{ff0f}.evil.example/after",
    "https://\u{430}pp.example/after",
    "https://team.example/",
    "https://evilteam.example/",
    "https://a.team.example.evil.example/",
    "https://evil.example/.team.example",
    "https://evil.example\\.team.example",
    "https://evil.example%2f.team.example/",
    "app.example://signed-in.evil.example",
    "app.example:signed-in",
];

async fn site() -> Site {
    Site::with(json!({ "selfservice": {
        "default_browser_return_url": "https://app.example/after/home",
        "allowed_return_urls": ["https://app.example/after", "https://*.team.example", "app.example://signed-in"],
    } }))
    .await
}

fn with_return_to(address: &str, value: &str) -> String {
    let mut url = Url::parse(address).expect("a URL");
    url.query_pairs_mut().append_pair("return_to", value);
    url.into()
}

async fn sign_in(site: &Site, bia: &Bia) -> Browser {
    let alice = site.browser("alice");
    assert_eq!(alice.sign_in(bia, "microsoft").await.header("location"), "https://app.example/after/home");
    alice
}

/// What a script reads; a browser ends on the page for errors.
const FORBIDDEN: &str = "self_service_flow_return_to_forbidden";

#[tokio::test]
async fn no_spelling_of_a_foreign_address_begins_a_flow_at_any_entrance() {
    let site = site().await;
    let bia = site.start().await;
    let (nobody, alice) = (Browser::new(), sign_in(&site, &bia).await);
    let native = "return_session_token_exchange_code=true";
    let entrances = [
        (&nobody, "login/browser".to_owned()),
        (&nobody, format!("login/api?{native}")),
        (&nobody, "registration/browser".to_owned()),
        (&nobody, format!("registration/api?{native}")),
        (&alice, "settings/browser".to_owned()),
        (&alice, "login/browser?refresh=true".to_owned()),
        (&alice, "logout/browser".to_owned()),
    ];
    for (at, evil) in EVIL.into_iter().enumerate() {
        for (visitor, entrance) in &entrances {
            let url = with_return_to(&format!("{}/self-service/{entrance}", bia.public), evil);
            let case = format!("{entrance} {evil:?}");
            let by_script = visitor.get_json(&url).await;
            assert_eq!((by_script.status, by_script.error_id()), (400, FORBIDDEN.to_owned()), "{case}: {by_script:?}");
            // What decides is the same for both; each refusal of a browser is a row.
            if at % 8 == 0 {
                let by_browser = visitor.get(&url).await;
                // An API entrance answers JSON, whoever asks.
                let to = (by_browser.status != 400).then(|| by_browser.location());
                let is_error = |to: &Url| (to.host_str(), to.path()) == (Some("ui.example"), "/error");
                assert!(to.is_none_or(|to| is_error(&to)), "{case}: {by_browser:?}");
            }
        }
    }
    assert!(alice.whoami(&bia).await.is_some());
}

#[tokio::test]
async fn somebody_who_is_signed_in_is_not_passed_on_to_a_foreign_address() {
    let site = site().await;
    let bia = site.start().await;
    let alice = sign_in(&site, &bia).await;
    for kind in ["login", "registration"] {
        for evil in EVIL {
            // Kratos: whoever has a session already is sent where the flow would have led.
            let url = with_return_to(&format!("{}/self-service/{kind}/browser", bia.public), evil);
            let to = alice.get(&url).await.location();
            let own = ["app.example", "ui.example"].contains(&to.host_str().unwrap_or_default());
            assert!(own && to.scheme().starts_with("http") && !to.as_str().contains("evil"), "{kind} {evil:?}: {to}");
        }
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_leads_to_no_foreign_address() {
    let site = site().await;
    let bia = site.start().await;
    for evil in EVIL.iter().step_by(9) {
        let alice = sign_in(&site, &bia).await;
        let logout = alice.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
        let url = with_return_to(logout["logout_url"].as_str().expect("a URL"), evil);
        let to = alice.get(&url).await.location();
        assert_eq!((to.host_str(), to.path()), (Some("ui.example"), "/error"), "{evil:?}: {to}");
        assert!(alice.whoami(&bia).await.is_none(), "{evil:?}");
    }
}

#[tokio::test]
async fn where_a_flow_leads_is_settled_when_it_begins() {
    let site = site().await;
    let bia = site.start().await;
    let evil = "https://evil.example/";
    let alice = site.browser("alice");
    let begun = with_return_to(&format!("{}/self-service/login/browser", bia.public), "https://app.example/after/x");
    let flow = alice.get_json(&begun).await.expect(200);
    let action = with_return_to(flow["ui"]["action"].as_str().expect("an action"), evil);
    let fields = [("provider", "microsoft"), ("return_to", evil), ("upstream_parameters.return_to", evil)];
    let at = alice.post_form(&action, &fields).await.location();
    let back = alice.authorize(&at).await;
    let done = alice.get(with_return_to(back.as_str(), evil)).await;
    assert_eq!(done.header("location"), "https://app.example/after/x");
}

#[tokio::test]
async fn a_form_that_was_posted_is_never_posted_once_more_where_its_answer_leads() {
    let site = Site::with(json!({ "selfservice": { "methods": { "profile": { "enabled": true } } } })).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let action = |flow: &Value| flow["ui"]["action"].as_str().expect("an action").to_owned();
    // 307 and 308 would repeat the form there; 303 never does.
    for kind in ["login", "registration"] {
        let flow = alice.begin(&bia, kind).await;
        let pressed = alice.post_form(action(&flow), &[("provider", "microsoft"), ("password", "of-somebody")]).await;
        assert_eq!(pressed.status, 303, "{kind}: {pressed:?}");
        assert!(pressed.location().as_str().starts_with(&site.stand_in()), "{kind}: {pressed:?}");
        for provider in ["absent", ""] {
            let flow = alice.begin(&bia, kind).await;
            let refused = alice.post_form(action(&flow), &[("provider", provider), ("password", "of-somebody")]).await;
            // Kratos: some forms are shown again by a 302, which browsers follow with a GET, too.
            assert!(matches!(refused.status, 302 | 303), "{kind} {provider}: {refused:?}");
            assert_eq!(refused.location().host_str(), Some("ui.example"), "{kind} {provider}: {refused:?}");
        }
    }
    alice.signed_in(&bia, "microsoft").await;
    for fields in [[("link", "partner")], [("unlink", "microsoft")], [("method", "profile")]] {
        let settings = alice.begin(&bia, "settings").await;
        let answer = alice.post_form(action(&settings), &fields).await;
        assert_eq!(answer.status, 303, "{fields:?}: {answer:?}");
    }
}

#[tokio::test]
async fn listed_addresses_lead_back_and_only_below_what_is_listed() {
    let site = site().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    for (wanted, reached) in [
        ("https://app.example/after?x=1#y", Some("https://app.example/after?x=1#y")),
        ("HTTPS://APP.example/after/%2e/x", Some("https://app.example/after/x")),
        ("/after/deep", Some("https://app.example/after/deep")),
        ("https://one.team.example/", Some("https://one.team.example/")),
        ("app.example://signed-in/x", Some("app.example://signed-in/x")),
        // Kratos: a path on the list is a beginning; with a closing slash it would be a folder.
        ("https://app.example/afterwards", Some("https://app.example/afterwards")),
        ("https://app.example/aft", None),
    ] {
        let url = with_return_to(&format!("{}/self-service/login/browser", bia.public), wanted);
        let begun = alice.get_json(&url).await;
        let Some(reached) = reached else {
            assert_eq!(begun.error_id(), FORBIDDEN, "{wanted}");
            continue;
        };
        let done = alice.go_on(&begun.expect(200), "microsoft").await;
        assert_eq!(done.header("location"), reached, "{wanted}");
        alice.forget_cookie(&bia.public, "ory_kratos_session");
    }
}

#[tokio::test]
async fn no_path_makes_either_port_send_a_browser_to_another_host() {
    let site = site().await;
    let bia = site.start().await;
    for path in [
        "//evil.example/",
        "///evil.example/x",
        "//evil.example/%2e%2e",
        "/.//evil.example",
        "/x/..//evil.example/",
        "/\\evil.example/",
        "//\\evil.example/",
        "/./\\evil.example",
        "/\\/evil.example",
        "/x/../\\evil.example/..",
        "/%5cevil.example/./",
        "/%2f%2fevil.example/",
        "/@evil.example//",
        "/identities/\\\\evil.example",
        "/identities//@evil.example",
        "/identities/..%2f..%2f@evil.example",
        "/admin/identities/@evil.example",
        "http://evil.example//identities",
        "http://evil.example/identities",
        "/self-service/recovery/\\evil.example",
        "/self-service/methods/oidc/callback/..//\\evil.example",
        "/ui/..//\\evil.example",
    ] {
        for (origin, name) in [(&bia.public, "public"), (&bia.admin, "admin")] {
            for method in ["GET", "POST", "DELETE"] {
                let answer = raw::ask(origin, method, path, "accept: text/html\r\ncontent-length: 0\r\n").await;
                // The admin port lists its people, whatever host the target names.
                let is_list = name == "admin" && answer.status == 200 && answer.body == "[]";
                assert!(is_list || (300..500).contains(&answer.status), "{method} {path} at {name}: {answer:?}");
                // The port may send to its sibling and to the configured pages, and nowhere else.
                if let Some(to) = answer.leads_to(&format!("{origin}/")) {
                    let own = [&bia.public, &bia.admin].iter().any(|own| to.as_str().starts_with(&format!("{own}/")));
                    assert!(own || to.host_str() == Some("ui.example"), "{method} {path} at {name}: {to}");
                }
            }
        }
    }
}
