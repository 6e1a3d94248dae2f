//! What visitors read on the built-in pages when something fails: an id to ask with, their own language, and nothing that
//! is not theirs to know.

use bia_e2e::{Answer, Bia, Browser, Site, TEST_CLIENT_SECRET};
use serde_json::json;

/// A site without a user interface of its own.
async fn with_built_in_pages() -> Site {
    let mut site = Site::new().await;
    let none = json!({ "ui_url": null });
    site.change(
        json!({ "selfservice": { "flows": { "error": none, "login": none, "registration": none, "settings": none } } }),
    );
    site
}

/// The page that an answer leads to.
async fn page(browser: &Browser, answer: &Answer) -> Answer {
    browser.get(answer.location()).await
}

/// The same as a script reads it: the stored error, or the flow.
async fn by_api(browser: &Browser, bia: &Bia, answer: &Answer) -> String {
    let to = answer.location();
    let query = |name: &str| to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let address = match (query("id"), query("flow")) {
        (Some(id), _) => format!("{}/self-service/errors?id={id}", bia.public),
        (None, Some(flow)) => format!("{}/self-service/login/flows?id={flow}", bia.public),
        (None, None) => panic!("neither error nor flow: {to}"),
    };
    browser.get_json(address).await.body
}

/// What a browser makes of a page's text.
fn text(page: &Answer) -> String {
    let entities = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    entities.iter().fold(page.body.clone(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test]
async fn c9_a_failing_mapper_shows_its_visitor_an_id_and_nothing_of_mapper_claims_or_secrets() {
    let site = with_built_in_pages().await;
    site.write(
        "person.jsonnet",
        "local claims = std.extVar('claims');\nerror 'the words of the mapper about ' + claims.email\n",
    );
    let bia = site.start().await;
    let alice = site.browser("alice");
    let back = alice.to_callback(&bia, "microsoft").await;
    let answer = alice.get(&back).await;
    let shown = page(&alice, &answer).await;
    assert!(shown.status >= 400 || shown.body.contains("role=\"alert\""), "{shown:?}");
    let stored = by_api(&alice, &bia, &answer).await;
    let of_the_callback =
        |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (code, state) = (of_the_callback("code").expect("a code"), of_the_callback("state").expect("a state"));
    for secret in [
        "the words of the mapper",
        "extVar",
        "person.jsonnet",
        "alice@contoso.example",
        "Alice",
        TEST_CLIENT_SECRET,
        &code,
        &state,
    ] {
        assert!(
            !text(&shown).contains(secret) && !stored.contains(secret),
            "{secret} is shown: {stored}\n{}",
            shown.body
        );
    }
    assert_eq!(alice.whoami(&bia).await, None);
    // Whoever runs it reads what was wrong, and where.
    let log = bia.stop().log;
    assert!(log.contains("person.jsonnet"), "{log}");
}

#[tokio::test]
async fn somebody_who_reads_german_reads_refusals_in_german() {
    let mut site = with_built_in_pages().await;
    site.provider("work", json!({ "microsoft": { "allowed_tenants": ["8eaef023-2b34-4da1-9baa-8bc8c9d6a490"] } }));
    site.provider("partner", json!({ "sign_up": "closed" }));
    let bia = site.start().await;
    let refused = [
        ("work", "an organization that can't be used here", "zu einer Organisation, die hier nicht zugelassen ist"),
        ("partner", "Nobody is signed up here", "ist hier niemand registriert, und neue Registrierungen mit Partner"),
    ];
    for (provider, english, german) in refused {
        for (language, wanted, unwanted) in [("de-AT, en;q=0.5", german, english), ("en", english, german)] {
            let alice = site.browser("alice").with_header("accept-language", language);
            let answer = alice.sign_in(&bia, provider).await;
            let text = text(&page(&alice, &answer).await);
            assert!(text.contains(wanted) && !text.contains(unwanted), "{provider} in {language}: {text}");
        }
    }
}
