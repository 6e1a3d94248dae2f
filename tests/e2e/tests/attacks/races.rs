//! The same thing done many times at once, in the hope that it counts more than once.

use std::sync::Arc;

use bia_e2e::nodes;
use bia_fake_entra::Endpoint;
use tokio::task::JoinSet;

use crate::databases::on_each_database;
use crate::raw;

const AT_ONCE: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_is_opened_many_times_at_once_counts_once() {
    on_each_database(async |site| {
        let bia = Arc::new(site.start().await);
        let alice = site.browser("alice");
        let back = alice.to_callback(&bia, "microsoft").await;
        let target = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        let cookies: Vec<String> =
            alice.cookies(&bia.public).iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut tries = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (bia, target, cookies) = (bia.clone(), target.clone(), cookies.clone());
            tries.spawn(async move { raw::with_cookies(&bia, &target, &cookies).await });
        }
        let answers = tries.join_all().await;
        let signs_in = |answer: &&raw::Raw| {
            let cookies = answer.header("set-cookie");
            cookies.iter().any(|cookie| cookie.starts_with("ory_kratos_session=") && !cookie.contains("Max-Age=0"))
        };
        assert_eq!(answers.iter().filter(signs_in).count(), 1, "{answers:#?}");
        assert!(answers.iter().all(|answer| answer.status < 500), "{answers:#?}");
        assert_eq!(site.control().count(Endpoint::Token), 1, "the code was sent again");
        let sessions = alice.get_json(format!("{}/admin/sessions", bia.admin)).await.expect(200);
        assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_two_people_link_at_once_belongs_to_one_of_them() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let people = [site.browser("alice"), site.browser("bob")];
        let mut backs = Vec::new();
        for person in &people {
            person.signed_in(&bia, "microsoft").await;
            // At the other provider both are Carol.
            person.set_cookie(&site.stand_in(), "persona", "carol");
            let settings = person.begin(&bia, "settings").await;
            let action = settings["ui"]["action"].as_str().expect("an action");
            let at = person.post_form(action, &[("link", "partner")]).await.location();
            backs.push(person.authorize(&at).await);
        }
        let (one, two) = tokio::join!(people[0].get(&backs[0]), people[1].get(&backs[1]));
        assert!(one.status < 500 && two.status < 500, "{one:?} {two:?}");
        let mut owners = Vec::new();
        for person in &people {
            let settings = person.begin(&bia, "settings").await;
            let is_linked = |node: &serde_json::Value| {
                node["attributes"]["name"] == "unlink" && node["attributes"]["value"] == "partner"
            };
            if nodes(&settings).iter().any(is_linked) {
                owners.push(person.whoami(&bia).await.expect("a session")["identity"]["id"].clone());
            }
        }
        assert_eq!(owners.len(), 1, "{one:?} {two:?}");
        let carol = site.browser("carol").signed_in(&bia, "partner").await;
        assert_eq!(carol["identity"]["id"], owners[0]);
    })
    .await;
}
