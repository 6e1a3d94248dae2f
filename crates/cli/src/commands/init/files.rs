//! The files of a new deployment, made from the answers.

use super::answers::{Answers, ClientSecret};
use super::keys::Keys;
use super::proxy;
use bia_config::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use url::Host;

/// Where the client secret is kept, unless it is in a file of the person's own.
pub(super) const SECRET_FILE: &str = "secrets/microsoft";
/// In every answer of the program's own that somebody has to find again.
pub(super) const CONFIG: &str = "kratos.yml";

/// One file to write.
pub(super) struct Planned {
    /// Below the folder.
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Readable by its owner alone.
    pub(super) is_secret: bool,
    /// Left as it is where it exists, also under `--force`.
    pub(super) is_optional: bool,
}

impl Planned {
    fn open(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), is_secret: false, is_optional: false }
    }
}

/// Whether people of several companies come.
fn is_for_many(tenant: &str) -> bool {
    matches!(tenant, "organizations" | "common")
}

/// Everything to write, in the order in which it is told of.
pub(super) fn plan(answers: &Answers, keys: &Keys) -> anyhow::Result<Vec<Planned>> {
    let mut files = vec![
        Planned { is_secret: true, ..Planned::open(CONFIG, kratos_yml(answers, keys)) },
        Planned::open("config.schema.json", format!("{:#}\n", bia_config::json_schema())),
        Planned::open("identity.schema.json", include_str!("../../../../../config/identity.schema.json")),
    ];
    let mapper: &[_] = if is_for_many(&answers.tenant) { &MANY_COMPANIES } else { &ONE_COMPANY };
    files.extend(mapper.iter().map(|(path, text)| Planned::open(path, *text)));
    if let ClientSecret::Given(secret) = &answers.secret {
        let text = format!("{}\n", secret.expose_secret());
        files.push(Planned { is_secret: true, ..Planned::open(SECRET_FILE, text) });
    }
    files.extend(proxy::snippets(answers).into_iter().map(|(path, text)| Planned::open(path, text)));
    let ignored = "# Secrets and people: nothing for a repository.\n/kratos.yml\n/secrets/\n/*.sqlite*\n";
    files.push(Planned { is_optional: true, ..Planned::open(".gitignore", ignored) });
    Ok(files)
}

macro_rules! shipped {
    ($folder:literal: $($case:literal),*) => {
        [
            ("mappers/microsoft.jsonnet", include_str!(concat!("../../../../../mappers/", $folder, ".jsonnet"))),
            $((
                concat!("mappers/microsoft/", $case),
                include_str!(concat!("../../../../../mappers/", $folder, "/", $case)),
            ),)*
        ]
    };
}

/// The mapper that trusts its one tenant's verified domains, with cases that show what it makes of whom.
const ONE_COMPANY: [(&str, &str); 10] = shipped!("microsoft":
    "member.expected.json", "guest.expected.json", "personal.expected.json", "no-mail.expected.json",
    "proven-mail.expected.json", "unproven-mail.expected.json", "no-email.claims.json", "no-email.expected.json",
    "unicode.expected.json");

/// The mapper that trusts no tenant as such.
const MANY_COMPANIES: [(&str, &str); 12] = shipped!("microsoft-multi-tenant":
    "member.claims.json", "member.expected.json", "guest.claims.json", "guest.expected.json",
    "personal.claims.json", "personal.expected.json", "spoofed-address.claims.json", "spoofed-address.expected.json",
    "no-mail.expected.json", "proven-mail.expected.json", "unproven-mail.expected.json");

/// The redirect URI that the app registration needs.
pub(super) fn callback(answers: &Answers) -> String {
    format!("{}self-service/methods/oidc/callback/microsoft", base(answers))
}

/// With a slash in the end.
pub(super) fn base(answers: &Answers) -> String {
    format!("{}/", answers.public_url.as_str().trim_end_matches('/'))
}

/// Plain http means a try-out on this machine, where cookies can't be for https alone.
pub(super) fn needs_dev(answers: &Answers) -> bool {
    answers.public_url.scheme() == "http"
}

/// Behind a proxy, or without https, only this machine asks; else whoever ends TLS may be elsewhere.
fn listens_on_loopback(answers: &Answers) -> bool {
    let is_local = match answers.public_url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_local || answers.proxy != crate::args::Proxy::None
}

/// Where the proxy, or the browser itself, finds the program.
pub(super) fn port(answers: &Answers) -> u16 {
    let direct = answers.proxy == crate::args::Proxy::None && needs_dev(answers);
    answers.public_url.port().filter(|_| direct).unwrap_or(4433)
}

fn kratos_yml(answers: &Answers, keys: &Keys) -> String {
    let base = base(answers);
    let below = |path: &str| quoted(&format!("{base}{path}"));
    let list =
        |items: &[String]| items.iter().map(|item| format!("    - {}", quoted(item))).collect::<Vec<_>>().join("\n");
    let mut return_urls = vec![base.clone()];
    return_urls.extend(answers.return_urls.iter().map(|url| url.as_str().to_owned()));
    let is_behind_proxy = answers.proxy != crate::args::Proxy::None;
    let microsoft = match &answers.authority_host {
        Some(host) => {
            let host = quoted(host.as_str().trim_end_matches('/'));
            format!("            microsoft:\n              authority_host: {host}\n              graph_host: {host}\n")
        }
        None => String::new(),
    };
    let secret_file = match &answers.secret {
        ClientSecret::Elsewhere(path) => path.display().to_string(),
        ClientSecret::Given(_) | ClientSecret::Later => SECRET_FILE.to_owned(),
    };
    let values = [
        ("dev_flag", if needs_dev(answers) { " --dev" } else { "" }.to_owned()),
        ("dsn_comment", dsn_comment(answers).to_owned()),
        ("dsn", quoted(answers.postgres.as_ref().map_or("sqlite://bia.sqlite", SecretString::expose_secret))),
        ("callback", callback(answers)),
        ("public_url_plain", base.trim_end_matches('/').to_owned()),
        ("public_url", quoted(&base)),
        ("host", if listens_on_loopback(answers) { "127.0.0.1" } else { "0.0.0.0" }.to_owned()),
        ("port", port(answers).to_string()),
        ("welcome", below(if is_behind_proxy { "" } else { "ui/welcome" })),
        ("bia", if is_behind_proxy { BEHIND_PROXY } else { "" }.to_owned()),
        ("logged_out", below("ui/logged_out")),
        ("return_urls", list(&return_urls)),
        ("client_id", quoted(&answers.client_id)),
        ("secret_file", quoted(&secret_file)),
        ("tenant", quoted(&answers.tenant)),
        ("subject_source", if is_for_many(&answers.tenant) { "tid_oid" } else { "oid" }.to_owned()),
        ("microsoft", microsoft),
        ("secrets", keys.to_yaml(quoted)),
        ("algorithm", keys.algorithm().to_owned()),
    ];
    // One pass, so that nothing in an answer is taken for a place to fill in.
    let mut parts = include_str!("kratos.yml.template").split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        text.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        text.push_str(rest);
    }
    text
}

/// The same headers as in the snippets.
const BEHIND_PROXY: &str = "
bia:
  # Whose X-Forwarded-… headers count. Name the proxy's address if it runs on another machine.
  trusted_proxies: [127.0.0.0/8, \"::1\"]
  # What the application learns about somebody who is signed in. `identity.id` is the one that never changes and that
  # nobody can choose. Traits are what people typed last; `verified_email` is an address that somebody vouched for.
  identity_headers:
    X-User-Id: '{identity.id}'
    X-User-Email: '{verified_email}'
    X-User-Roles: '{metadata_public.roles|join:\",\"}'
";

fn dsn_comment(answers: &Answers) -> &'static str {
    if answers.postgres.is_some() {
        "\n# Where identities and sessions are kept. The tables are created and upgraded at start."
    } else {
        "\n# Where identities and sessions are kept. The file is created at start, readable by its owner only. `postgres://…`\n# when one machine is not enough."
    }
}

/// A JSON string is a YAML string, whatever is in it; plain where nothing can be taken amiss.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte))
        && !text.ends_with(':')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn every_answer_is_text_in_yaml() {
        for text in [
            "contoso.com",
            "00001111-aaaa-2222-bbbb-3333cccc4444",
            "1e5",
            "no",
            "a: b",
            "a #b",
            "p@ss\"{{dsn}}",
            "postgres://u:p%20@h/d?x=1",
            "x:",
            "",
        ] {
            let value: serde_yaml::Value = serde_yaml::from_str(&format!("key: {}\n", quoted(text))).expect("YAML");
            assert_eq!(value["key"].as_str(), Some(text), "{}", quoted(text));
        }
    }
}
