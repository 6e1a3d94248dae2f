//! What people do, and what it is measured as.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use clap::ValueEnum;
use rand::Rng as _;
use serde::Serialize;

use crate::person::{Person, Step};
use crate::provider::Provider;
use crate::server::Face;

/// One kind of flow, from its first request to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Somebody new: init, read, submit, callback.
    Registration,
    /// Somebody known, with a mapper that does not run: init, read, submit, callback.
    Login,
    /// `/sessions/whoami` with the cookie of a session.
    Whoami,
    /// A changed trait: init, read, submit, read.
    Settings,
    /// A login whose long mapper runs and updates the identity.
    Mapper,
    /// All of them as on a working day: of 100, 85 whoami, 10 logins, 2 registrations, 1 settings, 1 mapper, 1 logout.
    Mix,
}

impl Kind {
    pub(crate) const ALL: [Kind; 6] =
        [Kind::Registration, Kind::Login, Kind::Whoami, Kind::Settings, Kind::Mapper, Kind::Mix];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Registration => "registration",
            Kind::Login => "login",
            Kind::Whoami => "whoami",
            Kind::Settings => "settings",
            Kind::Mapper => "mapper",
            Kind::Mix => "mix",
        }
    }
}

/// People who have signed in, and where they did.
pub(crate) struct World<'a> {
    pub(crate) client: reqwest::Client,
    pub(crate) server: &'a Face,
    pub(crate) provider: &'a Provider,
    /// Names no two runs of one database share.
    run: String,
    next: AtomicU64,
    /// Signed in once through `main`, with a session cookie each.
    known: Mutex<Vec<Known>>,
    /// Signed in once through `heavy`.
    heavy: Mutex<Vec<Known>>,
}

/// A person and a session that their browser was told of.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) key: String,
    pub(crate) session: String,
}

impl<'a> World<'a> {
    pub(crate) fn new(server: &'a Face, provider: &'a Provider, run: &str) -> anyhow::Result<Self> {
        let client = crate::person::client()?;
        let (next, known, heavy) = (AtomicU64::new(0), Mutex::default(), Mutex::default());
        Ok(World { client, server, provider, run: run.to_owned(), next, known, heavy })
    }

    /// Registers so many people with each provider, outside of any measurement.
    pub(crate) async fn populate(&self, people: usize) -> anyhow::Result<()> {
        for _ in 0..people {
            self.register("main").await.1.context("a person of the warm-up")?;
            self.register("heavy").await.1.context("a person of the warm-up")?;
        }
        Ok(())
    }

    /// As [`World::populate`], without those whose mapper is long.
    pub(crate) async fn populate_main(&self, people: u64) -> anyhow::Result<()> {
        for _ in 0..people {
            self.register("main").await.1.context("a person of the warm-up")?;
        }
        Ok(())
    }

    /// One flow; its steps, and what became of it.
    pub(crate) async fn go(&self, kind: Kind) -> (Vec<Step>, anyhow::Result<()>) {
        match kind {
            Kind::Registration => self.register("main").await,
            Kind::Login => self.login(&self.known, "main").await,
            Kind::Mapper => self.login(&self.heavy, "heavy").await,
            Kind::Whoami => {
                self.visit(async |person| {
                    anyhow::ensure!(person.whoami().await?, "whoami did not know a session that it had made");
                    Ok(())
                })
                .await
            }
            Kind::Settings => {
                let name = format!("Name {}", self.next.fetch_add(1, Ordering::Relaxed));
                self.visit(async |person| person.change_name(&name).await).await
            }
            Kind::Mix => Box::pin(self.mixed()).await,
        }
    }

    async fn mixed(&self) -> (Vec<Step>, anyhow::Result<()>) {
        let number = rand::rng().random_range(0..100);
        match number {
            0..85 => self.go(Kind::Whoami).await,
            85..95 => self.go(Kind::Login).await,
            95..97 => self.go(Kind::Registration).await,
            97 => self.go(Kind::Settings).await,
            98 => self.go(Kind::Mapper).await,
            _ => self.log_out().await,
        }
    }

    async fn register(&self, provider: &str) -> (Vec<Step>, anyhow::Result<()>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut person = self.person(format!("load-{}-{number}", self.run));
        let done = person.sign_in("registration", provider).await;
        self.remember(if provider == "main" { &self.known } else { &self.heavy }, &person);
        (person.steps, done)
    }

    async fn login(&self, among: &Mutex<Vec<Known>>, provider: &str) -> (Vec<Step>, anyhow::Result<()>) {
        let Some(known) = pick(among) else { return (Vec::new(), Err(anyhow::anyhow!("nobody is registered"))) };
        let mut person = self.person(known.key);
        let done = person.sign_in("login", provider).await;
        self.remember(among, &person);
        (person.steps, done)
    }

    async fn visit(
        &self,
        what: impl AsyncFnOnce(&mut Person<'_>) -> anyhow::Result<()>,
    ) -> (Vec<Step>, anyhow::Result<()>) {
        let Some(known) = pick(&self.known) else { return (Vec::new(), Err(anyhow::anyhow!("nobody is registered"))) };
        let mut person = self.person(known.key).with_session(&known.session);
        let done = what(&mut person).await;
        (person.steps, done)
    }

    /// Takes the session out of the world first, so that nobody else visits with it meanwhile.
    async fn log_out(&self) -> (Vec<Step>, anyhow::Result<()>) {
        let taken = {
            let mut known = lock(&self.known);
            // Somebody has to stay.
            if known.len() < 2 {
                None
            } else {
                let index = rand::rng().random_range(0..known.len());
                Some(known.swap_remove(index))
            }
        };
        let Some(known) = taken else { return self.go(Kind::Whoami).await };
        let mut person = self.person(known.key).with_session(&known.session);
        let done = person.log_out().await;
        (person.steps, done)
    }

    fn person(&self, key: String) -> Person<'_> {
        Person::new(key, &self.client, self.server, self.provider)
    }

    /// Whoever holds a session was promised it, also when the flow counts as failed after that.
    fn remember(&self, among: &Mutex<Vec<Known>>, person: &Person<'_>) {
        if let Some(session) = person.session() {
            lock(among).push(Known { key: person.key.clone(), session: session.to_owned() });
        }
    }

    /// Sessions that browsers were told of and that nobody ended: how many, and how many of them the server has lost.
    pub(crate) async fn audit(&self) -> anyhow::Result<(usize, usize)> {
        let all: Vec<Known> = lock(&self.known).iter().chain(lock(&self.heavy).iter()).cloned().collect();
        let mut lost = 0;
        for known in &all {
            let mut person = self.person(known.key.clone()).with_session(&known.session);
            if !person.whoami().await? {
                lost += 1;
            }
        }
        Ok((all.len(), lost))
    }
}

fn pick(among: &Mutex<Vec<Known>>) -> Option<Known> {
    let among = lock(among);
    if among.is_empty() { None } else { Some(among[rand::rng().random_range(0..among.len())].clone()) }
}

fn lock(people: &Mutex<Vec<Known>>) -> std::sync::MutexGuard<'_, Vec<Known>> {
    people.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
