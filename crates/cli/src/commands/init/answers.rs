//! What has to be known, from flags or from the person at the terminal.

use crate::args::{Init, Proxy};
use anyhow::{Context as _, bail};
use bia_config::{SecretString, is_guid};
use clap::ValueEnum as _;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use url::Url;

/// Entra's are 40 characters.
const SECRET_BYTES_MAX: u64 = 4096;

/// Everything that the files follow from.
pub(super) struct Answers {
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) secret: ClientSecret,
    pub(super) public_url: Url,
    /// Not set for SQLite.
    pub(super) postgres: Option<SecretString>,
    pub(super) proxy: Proxy,
    /// Host and port of the application behind the proxy.
    pub(super) application: String,
    pub(super) return_urls: Vec<Url>,
    pub(super) authority_host: Option<Url>,
}

/// Where the client secret is.
pub(super) enum ClientSecret {
    /// To be put into the file that the configuration names.
    Given(SecretString),
    /// The person does that later.
    Later,
    /// In a file of the person's own.
    Elsewhere(PathBuf),
}

/// Somebody who can be asked.
pub(super) trait Ask {
    /// The answer; empty when there was none.
    fn line(&mut self, question: &str, default: &str) -> anyhow::Result<String>;
    /// The same, not shown while it is typed.
    fn secret(&mut self, question: &str) -> anyhow::Result<String>;
    /// What was wrong with an answer.
    fn complain(&mut self, why: &str);
}

impl Answers {
    /// From flags, and from questions where there is somebody to be asked.
    pub(super) fn gather(args: &Init) -> anyhow::Result<Self> {
        if !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal() {
            return Self::ask(args, &mut super::terminal::Terminal::new());
        }
        let is_behind_proxy = args.proxy.is_some_and(|proxy| proxy != Proxy::None);
        let wanted = [
            ("--tenant", args.tenant.is_some()),
            ("--client-id", args.client_id.is_some()),
            // A proxy's address is nothing to guess.
            ("--public-url", args.public_url.is_some() || !is_behind_proxy),
        ];
        let missing: Vec<&str> = wanted.into_iter().filter(|(_, is_there)| !is_there).map(|(flag, _)| flag).collect();
        if !missing.is_empty() {
            bail!("nobody is here to be asked: give {} (see `bia help init`)", missing.join(" and "));
        }
        Self::ask(args, &mut Nobody)
    }

    fn ask(args: &Init, person: &mut dyn Ask) -> anyhow::Result<Self> {
        let mut asked =
            |flag: &Option<String>, question: &str, default: &str, check: fn(&str) -> Result<(), String>| {
                answer(person, flag.as_deref(), question, default, check)
            };
        let tenant = asked(
            &args.tenant,
            "Who may sign in? Directory (tenant) ID or a verified domain for one company; organizations for any company, consumers for personal accounts, common for everybody",
            "",
            check_tenant,
        )?;
        let client_id = asked(&args.client_id, "Application (client) ID of the app registration", "", check_client_id)?;
        let secret = client_secret(args, person)?;
        let mut asked =
            |flag: &Option<String>, question: &str, default: &str, check: fn(&str) -> Result<(), String>| {
                answer(person, flag.as_deref(), question, default, check)
            };
        let database = "Database? sqlite, or postgres://user:password@host/database";
        let database = asked(&args.database, database, "sqlite", check_database)?;
        let proxy = args.proxy.map(|proxy| proxy.as_str().to_owned());
        let proxy = asked(&proxy, "Proxy in front? none, nginx, caddy, haproxy, traefik", "none", |text| {
            Proxy::from_str(text, true).map(drop).map_err(|_| "one of none, nginx, caddy, haproxy, traefik".to_owned())
        })?;
        let proxy = Proxy::from_str(&proxy, true).map_err(anyhow::Error::msg)?;
        let public_url = if proxy == Proxy::None {
            let url = "Which address will browsers use?";
            asked(&args.public_url, url, "http://localhost:4433", |text| base_url(text).map(drop))?
        } else {
            let url = "Which address of the proxy will browsers use? Such as https://id.example.com";
            asked(&args.public_url, url, "", check_behind_proxy)?
        };
        let urls =
            args.allow_return_to.iter().map(|text| base_url(text).map_err(|why| refused("--allow-return-to", &why)));
        let authority_host = args.authority_host.as_deref().map(base_url).transpose();
        Ok(Self {
            tenant,
            client_id,
            secret,
            public_url: base_url(&public_url).map_err(anyhow::Error::msg)?,
            postgres: (database != "sqlite").then(|| SecretString::from(database)),
            proxy,
            application: check_application(&args.application).map_err(|why| refused("--application", &why))?,
            return_urls: urls.collect::<Result<_, _>>()?,
            authority_host: authority_host.map_err(|why| refused("--authority-host", &why))?,
        })
    }
}

/// A flag is taken or refused; a question is asked until the answer fits.
fn answer(
    person: &mut dyn Ask,
    flag: Option<&str>,
    question: &str,
    default: &str,
    check: fn(&str) -> Result<(), String>,
) -> anyhow::Result<String> {
    if let Some(given) = flag {
        let given = given.trim();
        return check(given).map(|()| given.to_owned()).map_err(|why| refused("", &why));
    }
    loop {
        let given = person.line(question, default)?;
        let given = if given.trim().is_empty() { default } else { given.trim() };
        match check(given) {
            Ok(()) => return Ok(given.to_owned()),
            Err(why) => person.complain(&why),
        }
    }
}

fn client_secret(args: &Init, person: &mut dyn Ask) -> anyhow::Result<ClientSecret> {
    if let Some(path) = &args.client_secret_file {
        return Ok(ClientSecret::Elsewhere(path.clone()));
    }
    if args.client_secret_stdin {
        let mut text = String::new();
        io::stdin().lock().take(SECRET_BYTES_MAX).read_to_string(&mut text).context("the secret can't be read")?;
        check_secret(text.trim()).map_err(|why| refused("--client-secret-stdin", &why))?;
        return Ok(ClientSecret::Given(SecretString::from(text.trim())));
    }
    loop {
        let given = person.secret("Client secret: its Value (not shown; Enter to put it into a file later)")?;
        if given.trim().is_empty() {
            return Ok(ClientSecret::Later);
        }
        match check_secret(given.trim()) {
            Ok(()) => return Ok(ClientSecret::Given(SecretString::from(given.trim()))),
            Err(why) => person.complain(&why),
        }
    }
}

fn refused(flag: &str, why: &str) -> anyhow::Error {
    if flag.is_empty() { anyhow::anyhow!("{why}") } else { anyhow::anyhow!("{flag}: {why}") }
}

fn check_tenant(text: &str) -> Result<(), String> {
    let wrong = "a tenant is the Directory (tenant) ID, a verified domain such as contoso.com, or one of organizations, consumers, common";
    let word = matches!(text, "organizations" | "consumers" | "common");
    let domain = text.contains('.') && !text.contains(['/', ':', '@', ' ']);
    if word || is_guid(text) || domain { Ok(()) } else { Err(wrong.to_owned()) }
}

fn check_client_id(text: &str) -> Result<(), String> {
    if is_guid(text) {
        return Ok(());
    }
    Err("an Application (client) ID looks like 00001111-aaaa-2222-bbbb-3333cccc4444; it is on the overview page of the app registration".to_owned())
}

fn check_secret(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("there is no secret".to_owned());
    }
    if is_guid(text) {
        return Err("that is the Secret ID; copy the Value, which the portal shows once, beside it".to_owned());
    }
    if text.contains(char::is_whitespace) { Err("a secret has no blanks or lines in it".to_owned()) } else { Ok(()) }
}

fn check_database(text: &str) -> Result<(), String> {
    let known = text == "sqlite" || text.starts_with("postgres://") || text.starts_with("postgresql://");
    if known { Ok(()) } else { Err("`sqlite`, or a URL that begins with postgres://".to_owned()) }
}

fn check_application(text: &str) -> Result<String, String> {
    let is_host = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte))
    };
    match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("host and port of the application, such as 127.0.0.1:3000".to_owned()),
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "a URL looks like https://id.example.com".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("a URL begins with https:// or http://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("an address alone is wanted, without user, ? and #".to_owned());
    }
    Ok(url)
}

/// The proxy ends TLS, on a port that the program itself leaves free.
fn check_behind_proxy(text: &str) -> Result<(), String> {
    let url = base_url(text)?;
    if url.scheme() != "https" || matches!(url.port(), Some(4433 | 4434)) {
        return Err(
            "behind a proxy the address begins with https://, on a port of the proxy's own (4433 and 4434 are Bia's)"
                .to_owned(),
        );
    }
    Ok(())
}

/// Takes every default.
struct Nobody;

impl Ask for Nobody {
    fn line(&mut self, _: &str, default: &str) -> anyhow::Result<String> {
        Ok(default.to_owned())
    }

    fn secret(&mut self, _: &str) -> anyhow::Result<String> {
        Ok(String::new())
    }

    fn complain(&mut self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_config::ExposeSecret as _;
    use clap::Parser as _;

    const ID: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";

    struct Script(Vec<&'static str>, Vec<String>);

    impl Ask for Script {
        fn line(&mut self, _: &str, _: &str) -> anyhow::Result<String> {
            anyhow::ensure!(!self.0.is_empty(), "asked too often");
            Ok(self.0.remove(0).to_owned())
        }

        fn secret(&mut self, question: &str) -> anyhow::Result<String> {
            self.line(question, "")
        }

        fn complain(&mut self, why: &str) {
            self.1.push(why.to_owned());
        }
    }

    fn init(line: &str) -> Init {
        let parsed = crate::args::Args::try_parse_from(["bia", "init"].into_iter().chain(line.split_whitespace()));
        match parsed.expect("arguments").command {
            crate::args::Command::Init(init) => init,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_answer_is_explained_and_asked_for_again() {
        let mut person = Script(
            vec![
                "contoso",
                "contoso.com",
                "x",
                ID,
                ID,
                "a~secret",
                "mysql://x",
                "",
                "apache",
                "nginx",
                "id.example",
                "",
                "http://id.example",
                "https://id.example:4433",
                "https://id.example",
            ],
            vec![],
        );
        let answers = Answers::ask(&init(""), &mut person).expect("answers");
        assert_eq!((answers.tenant.as_str(), answers.client_id.as_str()), ("contoso.com", ID));
        assert_eq!((answers.public_url.as_str(), answers.proxy), ("https://id.example/", Proxy::Nginx));
        let ClientSecret::Given(secret) = answers.secret else { panic!("a secret") };
        assert_eq!(secret.expose_secret(), "a~secret");
        assert!(answers.postgres.is_none() && person.0.is_empty());
        assert_eq!(person.1.len(), 9, "{:?}", person.1);
        assert!(person.1[2].contains("Secret ID"), "{:?}", person.1);
    }

    #[test]
    fn what_flags_say_is_not_asked_for() {
        let line =
            format!("--tenant common --client-id {ID} --public-url http://localhost:1 --database sqlite --proxy none");
        let mut person = Script(vec![""], vec![]);
        let answers = Answers::ask(&init(&line), &mut person).expect("answers");
        assert!(matches!(answers.secret, ClientSecret::Later) && person.0.is_empty());
    }

    #[test]
    fn a_flag_with_a_wrong_value_is_refused() {
        for (flag, word) in
            [("--tenant contoso", "verified domain"), ("--client-id 5", "overview page"), ("--public-url /x", "URL")]
        {
            let mut init = init(&format!("--yes {flag}"));
            init.tenant.get_or_insert_with(|| "common".to_owned());
            init.client_id.get_or_insert_with(|| ID.to_owned());
            let error = Answers::ask(&init, &mut Nobody).err().expect("refused").to_string();
            assert!(error.contains(word), "{flag}: {error}");
        }
    }
}
