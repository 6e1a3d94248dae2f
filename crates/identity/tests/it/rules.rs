//! Random lives of people and their sessions, on both databases, beside a model that knows nothing of databases.
//!
//! A few addresses and accounts are fought over by everybody, so that conflicts, repeated links, sessions of the deleted
//! and the like are common. After each step everything that can be asked is asked, and has to be as in the model. A
//! failure is shrunk to the shortest life that shows it.

mod check;
mod deeds;
mod endings;
mod model;
mod world;

use bia_testkit::database::TestDatabase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use world::World;

/// An account at a provider that somebody can sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    pub(crate) provider: &'static str,
    pub(crate) subject: u8,
}

pub(crate) const PROVIDERS: [&str; 2] = ["google", "microsoft"];
pub(crate) const SUBJECTS: u8 = 3;
pub(crate) const EMAILS: u8 = 4;
pub(crate) const EXTERNAL_IDS: u8 = 2;

/// One thing that happens. `usize`s choose among the people or sessions that were there so far, the gone ones included.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Register { email: u8, account: Account },
    RegisterAndThinkBetter { email: u8, account: Account },
    CreateByAdmin { email: u8, external_id: Option<u8>, account: Option<Account> },
    SignIn(Account),
    Link(usize, Account),
    Unlink(usize, Account),
    ChangeEmail(usize, u8),
    SetState(usize, bool),
    WriteOverAChange(usize),
    Delete(usize),
    SignOut(usize),
    EndForSomebody { person: usize, session: usize },
    EndOthers(usize),
    EndOfLink(usize, &'static str),
    EndByUpstream(Account),
    ManagePeople { delete: bool, people: Vec<usize> },
    ManageSessions { delete: bool, sessions: Vec<usize> },
    DeleteSession(usize),
    Extend(usize),
    Raise(usize),
    Recheck(&'static str),
    Wait { minutes: u64 },
    CleanUp,
}

fn account() -> impl Strategy<Value = Account> {
    (prop::sample::select(&PROVIDERS[..]), 0..SUBJECTS).prop_map(|(provider, subject)| Account { provider, subject })
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let one = || 0..1_000_usize;
    let provider = || prop::sample::select(&PROVIDERS[..]);
    let email = || 0..EMAILS;
    prop_oneof![
        6 => (email(), account()).prop_map(|(email, account)| Register { email, account }),
        1 => (email(), account()).prop_map(|(email, account)| RegisterAndThinkBetter { email, account }),
        2 => (email(), prop::option::of(0..EXTERNAL_IDS), prop::option::of(account()))
            .prop_map(|(email, external_id, account)| CreateByAdmin { email, external_id, account }),
        6 => account().prop_map(SignIn),
        3 => (one(), account()).prop_map(|(person, account)| Link(person, account)),
        2 => (one(), account()).prop_map(|(person, account)| Unlink(person, account)),
        3 => (one(), email()).prop_map(|(person, email)| ChangeEmail(person, email)),
        2 => (one(), any::<bool>()).prop_map(|(person, active)| SetState(person, active)),
        1 => one().prop_map(WriteOverAChange),
        1 => one().prop_map(Delete),
        2 => one().prop_map(SignOut),
        2 => (one(), one()).prop_map(|(person, session)| EndForSomebody { person, session }),
        1 => one().prop_map(EndOthers),
        1 => (one(), provider()).prop_map(|(person, provider)| EndOfLink(person, provider)),
        1 => account().prop_map(EndByUpstream),
        1 => (any::<bool>(), vec(one(), 1..3)).prop_map(|(delete, people)| ManagePeople { delete, people }),
        1 => (any::<bool>(), vec(one(), 1..4)).prop_map(|(delete, sessions)| ManageSessions { delete, sessions }),
        1 => one().prop_map(DeleteSession),
        3 => one().prop_map(Extend),
        3 => one().prop_map(Raise),
        2 => provider().prop_map(Recheck),
        3 => (1..900_u64).prop_map(|minutes| Wait { minutes }),
        1 => Just(CleanUp),
    ]
}

/// The same lives in every run. One case is a whole life, so there are only a `share` of the usual number
/// (`PROPTEST_CASES`).
fn run(open: impl Future<Output = Option<TestDatabase>>, share: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(database) = runtime.block_on(open) else { return };
    let world = runtime.block_on(World::new(database.store.clone()));
    let defaults = Config::default();
    let config = Config {
        cases: (defaults.cases / share).max(1),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        max_shrink_time: 30_000,
        ..defaults
    };
    let outcome = TestRunner::new(config).run(&vec(step(), 1..40), |steps| {
        runtime.block_on(async {
            let mut life = world.begin().await;
            for step in &steps {
                life.take(step).await;
                life.check().await;
            }
            life.end().await;
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    runtime.block_on(database.remove());
}

#[test]
fn any_life_on_sqlite_ends_as_the_model_says() {
    run(async { Some(TestDatabase::sqlite_file().await) }, 8);
}

#[test]
fn any_life_on_postgres_ends_as_the_model_says() {
    run(TestDatabase::postgres(), 32);
}
