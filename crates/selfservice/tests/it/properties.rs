//! Whatever a stranger puts into `return_to` or a callback: nobody is led off the list, and nobody is signed in.

use crate::bed::Bed;
use crate::browser::Visit;
use bia_selfservice::return_to::{Allowed, resolve};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestRunner};
use url::Url;

const DEFAULT: &str = "https://app.example/welcome";
const PUBLIC: &str = "https://id.example/auth/";
const ENTRIES: [&str; 4] =
    ["https://app.example/after", "https://*.wild.example/", "http://127.0.0.1:4455", "myapp://callback"];

/// The same cases in every run; `PROPTEST_CASES` goes further.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}

fn list() -> Vec<Allowed> {
    let default = Url::parse(DEFAULT).unwrap();
    let entries = ENTRIES.iter().map(|entry| Allowed::parse(entry, &default, false).unwrap());
    entries.chain([Allowed::self_service(&Url::parse(PUBLIC).unwrap())]).collect()
}

/// Made of what open redirects are made of.
fn requested() -> impl Strategy<Value = String> {
    let pieces = vec![
        "https:",
        "http:",
        "HTTPS:",
        "javascript:",
        "data:",
        "myapp:",
        "https",
        ":",
        "/",
        "//",
        "///",
        "\\",
        "/\\",
        "\\\\",
        "@",
        "?",
        "#",
        "app.example",
        "APP.EXAMPLE",
        "evil.example",
        "wild.example",
        "a.wild.example",
        ".wild.example",
        "id.example",
        "127.0.0.1:4455",
        "127.1:4455",
        "2130706433",
        "[::1]",
        "app.example.",
        "app.example:443",
        "app.example:444",
        "app.example%2eevil.example",
        "app\u{3002}example",
        "\u{ff41}pp.example",
        "xn--pp-cja.example",
        "user",
        ":pw",
        "callback",
        "after",
        "/after",
        "after/",
        "/afterwards",
        "auth/self-service",
        "..",
        "/../",
        "/./",
        "%2e%2e",
        ".%2e/",
        "%2f",
        "%5c",
        "%00",
        "%0d%0a",
        "\t",
        "\n",
        "\r",
        " ",
        "\u{0}",
        "\u{a0}",
        "\u{feff}",
        "\u{202e}",
        "%",
        "&",
        ";",
        "=",
        "x",
        "1",
    ];
    let whole = vec![
        "https://app.example/after",
        "https://app.example/after?x=1#y",
        "https://a.wild.example/",
        "http://127.0.0.1:4455/x",
        "/after",
        "https://id.example/auth/self-service/login/browser",
        "myapp://callback",
    ];
    let pieces = select(pieces);
    prop_oneof![
        4 => vec(pieces.clone(), 1..9).prop_map(|pieces| pieces.concat()),
        3 => (select(whole), vec((any::<prop::sample::Index>(), pieces), 0..3)).prop_map(|(whole, inserted)| {
            let mut letters: Vec<String> = whole.chars().map(String::from).collect();
            for (at, piece) in inserted {
                letters.insert(at.index(letters.len() + 1), piece.to_owned());
            }
            letters.concat()
        }),
        1 => any::<String>(),
    ]
}

/// Said without the code under test: what a browser shows when it is sent there.
fn is_on_the_list(url: &Url) -> bool {
    let origin = (url.scheme(), url.host_str().unwrap_or_default(), url.port());
    let path = url.path();
    let plain = url.username().is_empty() && url.password().is_none();
    plain
        && match origin {
            ("https", "app.example", None) => path.starts_with("/after"),
            ("https", host, None) if host.ends_with(".wild.example") => true,
            ("http", "127.0.0.1", Some(4455)) => true,
            ("https", "id.example", None) => path.starts_with("/auth/self-service"),
            ("myapp", "callback", None) => true,
            _ => false,
        }
}

proptest! {
    #![proptest_config(config())]

    /// The Location is read against the page that sent it: the server's own, or a user interface anywhere.
    #[test]
    fn nobody_is_led_off_the_list(requested in requested()) {
        let Ok(to) = resolve(Some(&requested), DEFAULT, &list()) else { return Ok(()) };
        let header = to.bytes().all(|byte| byte.is_ascii_graphic());
        prop_assert!(header || requested.is_empty(), "not fit for a header: {:?}", to);
        for page in [PUBLIC, "https://ui.elsewhere.example/login?x", "http://127.0.0.1:4433/self-service/login/browser"] {
            let seen = Url::parse(page).unwrap().join(&to).unwrap();
            prop_assert!(is_on_the_list(&seen) || to == DEFAULT, "{:?} leads to {}", requested, seen);
        }
    }

    #[test]
    fn what_was_answered_once_is_answered_again(requested in requested()) {
        if let Ok(to) = resolve(Some(&requested), DEFAULT, &list()) {
            // The operator's own default needs no entry.
            prop_assume!(!requested.is_empty());
            prop_assert_eq!(resolve(Some(&to), DEFAULT, &list()).ok(), Some(to));
        }
    }

    #[test]
    fn any_entry_is_read_or_left_out(entry in requested(), requested in requested()) {
        let default = Url::parse(DEFAULT).unwrap();
        let Some(entry) = Allowed::parse(&entry, &default, false) else { return Ok(()) };
        if let Ok(to) = resolve(Some(&requested), DEFAULT, &[entry]) {
            prop_assert!(to == DEFAULT || Url::parse(&to).is_ok_and(|url| url.has_host()), "{:?}", to);
        }
    }
}

/// Parameters of a callback: known names, known values of other sign-ins, and anything at all.
fn parameters(state: String, code: String) -> impl Strategy<Value = Vec<(String, String)>> {
    let names = [
        "state",
        "code",
        "error",
        "error_description",
        "iss",
        "id_token",
        "admin_consent",
        "tenant",
        "session_state",
        "user",
    ];
    let name = prop_oneof![8 => select(names.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
    let half = state.chars().take(state.len() / 2).collect::<String>();
    let known = vec![state, half, code, "access_denied".to_owned(), String::new(), "[]".to_owned()];
    let value = prop_oneof![3 => select(known), 2 => any::<String>(), 1 => "[A-Za-z0-9_-]{40,200}"];
    vec((name, value), 0..6)
}

#[test]
fn no_callback_signs_a_browser_in_that_did_not_begin_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let bed = runtime.block_on(Bed::new());
    // Somebody is on the way back: state and code are good, for her browser.
    let mut alice = bed.browser();
    let visit = runtime.block_on(async {
        let flow = alice.begin_login("").await.flow();
        let away = alice.submit(&flow, &[("provider", "microsoft")]).await.away().unwrap();
        alice.visit(&away, "alice").await
    });
    let value =
        |name: &str| visit.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap();
    let strategy = (parameters(value("state"), value("code")), select(vec![Some("microsoft"), Some("nobody"), None]));
    let outcome = TestRunner::new(config()).run(&strategy, |(query, provider)| {
        let stranger = Visit { provider: provider.map(str::to_owned), query, url: visit.url.clone() };
        runtime.block_on(async {
            let answer = bed.browser().call_back(&stranger).await;
            answer.expect_nobody();
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    runtime.block_on(async {
        assert_eq!(bed.count_identities().await, 0);
        assert!(alice.call_back(&visit).await.is_registered(), "strangers do not use up her sign-in");
    });
}
