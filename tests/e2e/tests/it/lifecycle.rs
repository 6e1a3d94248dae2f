//! Starting and stopping.

use std::time::Duration;

use bia_e2e::{Bia, Site, until};
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn stopping_finishes_the_callback_that_is_under_way() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let back = alice.to_callback(&bia, "microsoft").await;
    let slow = Fault::at(Endpoint::Token, EndpointFault::Slow).delay(Duration::from_secs(5)).times(1);
    site.control().add_fault(slow);
    let stop = async {
        // Nothing outside shows that the callback waits for the provider; it does so for five seconds.
        tokio::time::sleep(Duration::from_secs(2)).await;
        bia.ask_to_stop();
    };
    let (answer, ()) = tokio::join!(alice.get(&back), stop);
    assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    assert!(answer.cookie_names().contains(&"ory_kratos_session".to_owned()));
    let mut bia = bia;
    let ended = bia.wait();
    assert_eq!((ended.code, ended.signal), (Some(0), None));
    let order = |text: &str| ended.log.find(text).unwrap_or_else(|| panic!("no `{text}`: {}", ended.log));
    assert!(order("SIGTERM") < order("/callback/microsoft\",\"operation\""));
    let bia = site.start().await;
    assert!(alice.whoami(&bia).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_whose_visitor_has_left_is_finished_before_the_server_ends() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let back = alice.to_callback(&bia, "microsoft").await;
    let slow = Fault::at(Endpoint::Token, EndpointFault::Slow).delay(Duration::from_secs(5)).times(1);
    site.control().add_fault(slow);
    tokio::select! {
        answer = alice.get(&back) => panic!("it was to be slow: {answer:?}"),
        // Nothing outside shows that the callback waits for the provider; it does so for five seconds.
        () = tokio::time::sleep(Duration::from_secs(2)) => {}
    }
    let ended = bia.stop();
    assert_eq!(ended.code, Some(0));
    assert!(ended.log.contains(r#""event":"sign_up""#), "{}", ended.log);
    // The visitor's own request is in the log as one that was left.
    let left = ended.log.lines().find(|line| line.contains("/callback/microsoft") && line.contains(r#""status":499"#));
    assert!(left.is_some(), "{}", ended.log);
    let bia = site.start().await;
    let people = bia_e2e::Browser::new().get_json(format!("{}/admin/identities", bia.admin)).await.expect(200);
    assert_eq!(people.as_array().map(Vec::len), Some(1), "{people}");
}

#[tokio::test]
async fn it_is_ready_without_the_provider_and_the_button_works_once_that_is_up() {
    let mut site = Site::new().await;
    let stand_in = site.stand_in();
    let port = site.take_stand_in_down().await;
    let bia = site.start().await;
    let alice = bia_e2e::Browser::new();
    alice.set_cookie(&stand_in, "persona", "alice");
    let flow = alice.begin(&bia, "login").await;
    let action = flow["ui"]["action"].as_str().expect("an action");
    let failed = alice.post_form(action, &[("provider", "partner")]).await;
    let shown = alice.shown(&bia, &failed).await;
    assert!(shown["error"]["code"].as_u64().is_some_and(|code| code >= 500), "{shown}");
    site.bring_stand_in_up(port).await;
    alice.signed_in(&bia, "partner").await;
    site.browser("bob").signed_in(&bia, "microsoft").await;
}

#[tokio::test]
async fn a_database_of_kratos_is_refused_and_stays_as_it_is_byte_for_byte() {
    let site = Site::new().await;
    let path = site.path("bia.sqlite");
    let connection = rusqlite::Connection::open(&path).expect("it opens");
    for table in [
        "networks",
        "identities",
        "identity_credential_types",
        "identity_credentials",
        "identity_credential_identifiers",
        "sessions",
        "selfservice_login_flows",
        "selfservice_errors",
        "continuity_containers",
        "schema_migration",
    ] {
        let statement = format!("CREATE TABLE {table} (id TEXT PRIMARY KEY, nid TEXT)");
        connection.execute_batch(&statement).expect("a table");
    }
    connection.execute_batch("INSERT INTO identities VALUES ('somebody', 'there')").expect("a row");
    connection.close().expect("closed");
    let before = std::fs::read(&path).expect("the file");
    let ended = Bia::spawn(&site, "bia-under-test", &["serve", "-c"]).wait();
    assert_eq!(ended.code, Some(1));
    assert!(ended.log.contains("Kratos") && ended.log.contains("dsn"), "{}", ended.log);
    assert!(std::fs::read(&path).expect("the file") == before, "the file was changed");
    let files = std::fs::read_dir(site.folder.path()).expect("the folder").flatten();
    let made: Vec<_> = files.map(|file| file.file_name().into_string().unwrap_or_default()).collect();
    assert!(!made.iter().any(|name| name.starts_with("bia.sqlite-") || name.ends_with(".secrets")), "{made:?}");
}

#[tokio::test]
async fn a_callback_is_finished_when_its_visitor_leaves() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let back = alice.to_callback(&bia, "microsoft").await;
    let slow = Fault::at(Endpoint::Token, EndpointFault::Slow).delay(Duration::from_secs(3)).times(1);
    site.control().add_fault(slow);
    let cookies = alice.cookies(&bia.public).into_iter().map(|(name, value)| format!("{name}={value}"));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let target = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    let request = format!("GET {target} HTTP/1.1\r\nhost: h\r\ncookie: {cookies}\r\n\r\n");
    let mut stream = TcpStream::connect(bia.public.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    // Who leaves before the server began has spent nothing; the code is spent from the request to the provider on.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(stream);
    // She is registered although nobody waits for the answer.
    until("she is registered", || async {
        let people = alice.get_json(format!("{}/admin/identities", bia.admin)).await.expect(200);
        people[0]["traits"]["email"] == "alice@contoso.example"
    })
    .await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
}

#[tokio::test]
async fn a_form_of_settings_that_is_sent_several_times_at_once_is_saved_each_time() {
    let site = Site::with(json!({ "selfservice": { "methods": { "profile": { "enabled": true } } } })).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let flow = alice.begin(&bia, "settings").await;
    let action = flow["ui"]["action"].as_str().expect("an action").to_owned();
    let token = bia_e2e::nodes(&flow)
        .iter()
        .find(|node| node["attributes"]["name"] == "csrf_token")
        .and_then(|node| node["attributes"]["value"].as_str().map(str::to_owned))
        .expect("a token");
    let fields = [
        ("method", "profile"),
        ("csrf_token", token.as_str()),
        ("traits.email", "alice@contoso.example"),
        ("traits.nick", "ally"),
    ];
    let send = || alice.post_form(&action, &fields);
    let (first, second, third) = tokio::join!(send(), send(), send());
    for answer in [first, second, third] {
        assert_eq!(alice.shown(&bia, &answer).await["state"], "success");
    }
    bia.stop();
}
