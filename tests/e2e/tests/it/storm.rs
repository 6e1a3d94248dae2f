//! A hundred edits, half of them broken, while two thousand people sign in: none is lost, and nothing is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bia_e2e::{Bia, Browser, Site, children, email, open_files, populate, threads, until};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::reload::{REFUSED, TAKEN, metric};

const EDITS: usize = 100;
const SIGN_INS: usize = 2_000;
const PEOPLE: usize = 400;
const AT_ONCE: usize = 8;

/// The files of one step; what differs is written, the configuration last.
struct Files {
    config: Value,
    mapper: String,
    schema: String,
}

impl Files {
    fn write(&self, site: &Site) {
        let config = format!("{:#}", self.config);
        for (name, text) in
            [("person.jsonnet", &self.mapper), ("person.schema.json", &self.schema), ("kratos.yml", &config)]
        {
            if std::fs::read_to_string(site.path(name)).is_ok_and(|old| old == *text) {
                continue;
            }
            // In place and by a rename, as different editors do.
            if text.len().is_multiple_of(2) {
                site.write(name, text);
            } else {
                site.write("aside", text);
                std::fs::rename(site.path("aside"), site.path(name)).expect("renamed");
            }
        }
    }
}

/// A configuration that differs from all others, and in a different way from the one before.
fn good(site: &Site, step: usize) -> Files {
    let mut config = site.config.clone();
    let (mut mapper, mut schema) = (
        include_str!("../../fixtures/person.jsonnet").to_owned(),
        include_str!("../../fixtures/person.schema.json").to_owned(),
    );
    bia_e2e::merge(&mut config, &json!({ "revision": format!("r{step}") }));
    // The newest secret seals; those of flows that are under way still open.
    let rotated = |what: &str, oldest: &str| {
        let newer = (0..step / 12 + 1).rev().map(|number| format!("{what}-secret-number-{number:0>17}"));
        newer.chain([oldest.to_owned()]).collect::<Vec<_>>()
    };
    bia_e2e::merge(
        &mut config,
        &json!({ "secrets": {
            "default": rotated("default", "default-secret-of-the-tests"),
            "cookie": rotated("cookie", "cookie-secret-of-the-tests"),
            "cipher": rotated("", "cipher-secret-of-tests-32-chars!"),
        } }),
    );
    let providers = |config: &mut Value| config["selfservice"]["methods"]["oidc"]["config"]["providers"].clone();
    match step / 2 % 6 {
        0 => mapper.push_str(&format!("\n// {step}\n")),
        1 => schema.push(if step.is_multiple_of(4) { ' ' } else { '\n' }),
        // The secrets below.
        2 => {}
        3 => {
            let mut list = providers(&mut config);
            let mut another = list[1].clone();
            bia_e2e::merge(&mut another, &json!({ "id": format!("work-{step}"), "label": format!("Work {step}") }));
            list.as_array_mut().expect("a list").push(another);
            config["selfservice"]["methods"]["oidc"]["config"]["providers"] = list;
        }
        // Other limits are other workers.
        4 => bia_e2e::merge(&mut config, &json!({ "bia": { "mapper": { "timeout": format!("{}s", 10 + step) } } })),
        _ => bia_e2e::merge(
            &mut config,
            &json!({ "clients": { "http": { "disallow_private_ip_ranges": false,
            "private_ip_exception_urls": [format!("http://127.0.0.1:{step}/")] } } }),
        ),
    }
    Files { config, mapper, schema }
}

/// The same with one mistake.
fn broken(site: &Site, step: usize) {
    let files = good(site, step - 1);
    let text = format!("{:#}", files.config);
    match step / 2 % 6 {
        0 => site.write("kratos.yml", &text[..text.len() / 2]),
        1 => site.write("kratos.yml", &text.replace("\"selfservice\"", "\"selfservices\"")),
        2 => site.write("person.jsonnet", &format!("{{ identity: {{ step: {step}, }} ")),
        3 => site.write("person.schema.json", &format!("{{ \"step\": {step}, ")),
        4 => std::fs::remove_file(site.path("person.jsonnet")).expect("removed"),
        _ => {
            let hook =
                json!({ "selfservice": { "flows": { "login": { "after": { "hooks": [{ "hook": "no-such" }] } } } } });
            let mut config = files.config;
            bia_e2e::merge(&mut config, &hook);
            site.write("kratos.yml", &format!("{config:#}"));
        }
    }
}

/// Open files, threads and children of the process.
#[derive(Clone, Copy, Debug)]
struct Held {
    files: usize,
    threads: usize,
    children: usize,
}

fn held(bia: &Bia) -> Held {
    Held { files: open_files(bia.id()), threads: threads(bia.id()), children: children(bia.id()).len() }
}

/// One of many who sign in; most of them have been here before.
async fn sign_in(crowd: &Browser, bia: &Bia, stand_in: &str, index: usize) {
    let browser = crowd.another();
    browser.set_cookie(stand_in, "persona", &format!("p{}", index % PEOPLE));
    let answer = browser.sign_in(bia, "microsoft").await;
    if answer.header("location") != "http://app.example/home" {
        panic!("sign-in {index} was lost: {:#}", browser.shown(bia, &answer).await);
    }
    let session = browser.whoami(bia).await.unwrap_or_else(|| panic!("sign-in {index} has no session"));
    assert_eq!(session["identity"]["traits"]["email"], email(index % PEOPLE));
}

async fn edit_all(bia: &Bia, site: &Site) {
    for step in 0..EDITS {
        if step.is_multiple_of(2) {
            good(site, step).write(site);
            let revision = format!("r{step}");
            let url = format!("{}/health/config", bia.admin);
            until(&revision, || async { Browser::new().get(&url).await.body == revision }).await;
        } else {
            let before = metric(bia, REFUSED).await;
            broken(site, step);
            until("a refusal", || async { metric(bia, REFUSED).await > before }).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a16_a_hundred_edits_during_two_thousand_sign_ins_lose_none_and_leave_nothing_behind() {
    let mut site = Site::new().await;
    // The machine is busy; what is tested is not its speed.
    site.change(json!({ "bia": { "mapper": { "timeout": "10s" } } }));
    populate(site.control(), PEOPLE);
    let bia = Arc::new(site.start().await);
    let stand_in = site.stand_in();
    let crowd = Arc::new(Browser::new());
    for index in 0..AT_ONCE {
        sign_in(&crowd, &bia, &stand_in, index).await;
    }
    let before = held(&bia);
    let next = Arc::new(AtomicUsize::new(0));
    let edited = Arc::new(AtomicBool::new(false));
    let mut people = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (bia, stand_in, next, edited) = (bia.clone(), stand_in.clone(), next.clone(), edited.clone());
        let crowd = crowd.clone();
        people.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                // Until both are over: no edit without somebody on the way, and no fewer people than promised.
                if index >= SIGN_INS && edited.load(Ordering::Relaxed) {
                    return;
                }
                sign_in(&crowd, &bia, &stand_in, index).await;
            }
        });
    }
    edit_all(&bia, &site).await;
    edited.store(true, Ordering::Relaxed);
    while let Some(person) = people.join_next().await {
        person.expect("nobody was lost");
    }
    assert!(metric(&bia, TAKEN).await >= EDITS as f64 / 2.0 && metric(&bia, REFUSED).await >= EDITS as f64 / 2.0);
    let surprises: Vec<String> = bia
        .log()
        .lines()
        .filter(|line| line.contains(r#""level":"ERROR""#) && !line.contains("the one before it stays in use"))
        .map(str::to_owned)
        .collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    // Connections that are kept open and the runtime's idle threads come and go; a hundred of anything would be a leak.
    until("what the old configurations held is given back", || async {
        let now = held(&bia);
        now.children <= before.children + 1 && now.threads <= before.threads + 12 && now.files <= before.files + 30
    })
    .await;
    let bia = Arc::into_inner(bia).expect("nobody else holds it");
    assert_eq!(bia.stop().code, Some(0));
}
