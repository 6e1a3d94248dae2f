//! What proves to the provider who we are: shape, readability and the day it ends.

use crate::examination::PROVIDERS;
use crate::expiry::{self, Deadline, Urgency};
use crate::finding::{Area, Finding, Level};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use bia_config::{Config, ExposeSecret as _, OidcProvider, ProviderKind, is_guid, is_placeholder};
use bia_model::Timestamp;
use serde_json::Value;
use std::path::Path;

const FILE_MAX: u64 = 64 * 1024;
const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";
const REFUSED: &str = "The provider refuses it at the first sign-in (AADSTS7000215 at Microsoft).";
const SECRET_ID_FIX: &str =
    "In the portal under Certificates & secrets, make a new secret and copy the column Value; it is shown once.";

/// Those that people can sign in with, and that have credentials of their own.
fn in_use(config: &Config) -> impl Iterator<Item = (usize, &OidcProvider)> {
    let all = config.providers().iter().enumerate();
    all.filter(|(_, provider)| provider.enabled && provider.credentials_from.is_none())
}

/// Problems with files of client secrets, for those who start a server as well: the first sign-in finds them otherwise.
pub async fn secret_files(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, provider) in in_use(config) {
        findings.extend(secret_file(provider, &format!("{PROVIDERS}.{index}.client_secret_file")).await);
    }
    findings
}

pub(crate) async fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, provider) in in_use(config) {
        let key = |name: &str| format!("{PROVIDERS}.{index}.{name}");
        findings.extend(several_kinds(provider, &key));
        findings.extend(written(provider, &key));
        findings.extend(secret_file(provider, &key("client_secret_file")).await);
        findings.extend(certificate(provider, &key).await);
        findings.extend(federated(provider, &key, now).await);
        let deadlines = [expiry::of_secret(provider, now), expiry::of_certificate(provider, now).await];
        let ends = deadlines.into_iter().flatten().map(|deadline| end(&deadline, &key));
        findings.extend(ends);
        findings.extend(unknown_end(provider, &key));
    }
    findings
}

/// Only one kind is used; the others in the file mislead whoever rotates them.
fn several_kinds(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Option<Finding> {
    let microsoft = &provider.microsoft;
    let secret = provider.client_secrets().next().is_some() || provider.client_secret_file.is_some();
    let kinds = [
        (microsoft.federated_token_file.is_some(), "microsoft.federated_token_file"),
        (microsoft.client_certificate.is_some(), "microsoft.client_certificate"),
        (secret, "client_secret"),
    ];
    let mut set = kinds.iter().filter(|(set, _)| *set).map(|(_, name)| *name);
    let (used, other) = (set.next()?, set.next()?);
    Some(
        Finding::warning(
            Area::Credentials,
            "several_credentials",
            format!("`{}` has {used} and {other}: the first is used, the other never", provider.id),
        )
        .key(key(other))
        .why("Somebody will renew the one that is not in use.")
        .fix(format!("Remove {other}.")),
    )
}

/// Secrets in the configuration itself; the configuration's own advice knows those that are ids or placeholders.
fn written(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let listed =
        provider.client_secrets.iter().enumerate().map(|(at, secret)| (key(&format!("client_secrets.{at}")), secret));
    let all = provider.client_secret.iter().map(|secret| (key("client_secret"), secret)).chain(listed);
    let spaced = all.filter(|(_, secret)| secret.expose_secret().trim() != secret.expose_secret());
    let finding = |key: String| {
        let what = "the secret begins or ends with white space";
        Finding::problem(Area::Credentials, "secret_spaces", what)
            .key(key)
            .why(REFUSED)
            .fix("Copy it again, without the line end.")
    };
    spaced.map(|(key, _)| finding(key)).collect()
}

async fn read(path: &Path) -> Result<String, String> {
    let meta = tokio::fs::metadata(path).await.map_err(|e| e.to_string())?;
    // A pipe would hold up whoever reads it.
    if !meta.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if meta.len() > FILE_MAX {
        return Err(format!("it has more than {FILE_MAX} bytes"));
    }
    tokio::fs::read_to_string(path).await.map_err(|e| e.to_string())
}

async fn secret_file(provider: &OidcProvider, key: &str) -> Option<Finding> {
    let path = provider.client_secret_file.as_deref()?;
    let problem = |what: String, fix: &str| {
        Finding::problem(Area::Credentials, "secret_file", what)
            .key(key)
            .why("Every sign-in with this provider fails.")
            .fix(fix)
    };
    let text = match read(path).await {
        Err(why) => {
            return Some(problem(
                format!("{} can't be read: {why}", path.display()),
                "Mount it, and let the user that runs Bia read it.",
            ));
        }
        Ok(text) => text,
    };
    let text = text.trim();
    if text.is_empty() {
        return Some(problem(format!("{} is empty", path.display()), "Write the secret into it."));
    }
    if provider.provider == ProviderKind::Microsoft && is_guid(text) {
        let what = format!("{} holds the id of a secret, not its value", path.display());
        return Some(problem(what, SECRET_ID_FIX));
    }
    if text.contains('\n') {
        return Some(problem(
            format!("{} has more than one line", path.display()),
            "Keep one secret in it; further ones go into client_secrets.",
        ));
    }
    is_placeholder(text).then(|| {
        let what = format!("{} holds a placeholder that nothing replaced", path.display());
        Finding::problem(Area::Credentials, "secret_placeholder", what)
            .key(key)
            .why(REFUSED)
            .fix("Write the value of the secret into it.")
    })
}

async fn certificate(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Option<Finding> {
    let certificate = provider.microsoft.client_certificate.as_ref()?;
    let at = key("microsoft.client_certificate");
    Some(match bia_provider::inspect_certificate(certificate).await {
        Ok(info) => Finding::note(
            Area::Credentials,
            "certificate",
            format!("`{}` signs in with the certificate {}", provider.id, info.portal_thumbprint),
        )
        .key(at)
        .fix(
            "The portal lists this thumbprint under Certificates & secrets, Certificates, once it was uploaded there.",
        ),
        Err(why) => Finding::problem(
            Area::Credentials,
            "certificate",
            format!("{} can't be used: {why}", certificate.file.display()),
        )
        .key(at)
        .why("Every sign-in with this provider fails.")
        .fix("The file needs the certificate and its RSA key."),
    })
}

/// Reads the token's own words: nothing is believed because of them.
async fn federated(provider: &OidcProvider, key: &dyn Fn(&str) -> String, now: Timestamp) -> Option<Finding> {
    let path = provider.microsoft.federated_token_file.as_deref()?;
    let problem = |what: String, fix: &str| {
        Finding::problem(Area::Credentials, "federated_token", format!("{}: {what}", path.display()))
            .key(key("microsoft.federated_token_file"))
            .why("Every sign-in with this provider fails.")
            .fix(fix)
    };
    let text = match read(path).await {
        Ok(text) => text,
        Err(why) => {
            return Some(problem(format!("can't be read: {why}"), "Project the service account's token to this path."));
        }
    };
    let claims = text.trim().split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let Some(claims) = claims.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()) else {
        return Some(problem("holds no token".to_owned(), "It has to be a JWT of the outside issuer."));
    };
    let audience = match &claims["aud"] {
        Value::Array(list) => list.len() == 1 && list[0] == FEDERATION_AUDIENCE,
        one => one == FEDERATION_AUDIENCE,
    };
    if !audience {
        let what = format!("the token's audience is not {FEDERATION_AUDIENCE} alone");
        return Some(problem(
            what,
            "Ask the issuer for that audience; sovereign clouds use the one named in the federated credential.",
        ));
    }
    if claims["exp"].as_i64().is_some_and(|exp| exp <= now.secs()) {
        return Some(problem("the token has expired".to_owned(), "Nothing renews the file; look at what projects it."));
    }
    Some(
        Finding::good(
            Area::Credentials,
            "federated_token",
            format!("the federated token of `{}` is readable and current", provider.id),
        )
        .key(key("microsoft.federated_token_file")),
    )
}

fn end(deadline: &Deadline, key: &dyn Fn(&str) -> String) -> Finding {
    let Deadline { provider, credential, days_left, key: name } = deadline;
    let (level, what) = match deadline.urgency() {
        Urgency::Calm => (Level::Good, format!("the {credential} of `{provider}` lasts {days_left} more days")),
        Urgency::Month => (Level::Warning, format!("the {credential} of `{provider}` ends in {days_left} days")),
        Urgency::Week | Urgency::Day => {
            (Level::Problem, format!("the {credential} of `{provider}` ends in {days_left} day(s)"))
        }
        Urgency::Over => (Level::Problem, format!("the {credential} of `{provider}` ended {} day(s) ago", -days_left)),
    };
    Finding::new(level, Area::Credentials, "expiry", what)
        .key(key(name))
        .why("After that day nobody can sign in with this provider (AADSTS7000222, AADSTS700027).")
        .fix("Make a new one, list both in client_secrets (or upload the new certificate beside the old), then move client_secret_expires_at.")
}

fn unknown_end(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Option<Finding> {
    let microsoft = &provider.microsoft;
    let secret = microsoft.client_certificate.is_none() && microsoft.federated_token_file.is_none();
    let unknown = provider.provider == ProviderKind::Microsoft && secret && provider.client_secret_expires_at.is_none();
    unknown.then(|| {
        Finding::note(
            Area::Credentials,
            "expiry_unknown",
            format!("nobody told when the secret of `{}` ends", provider.id),
        )
        .key(key("client_secret_expires_at"))
        .why("Secrets of Entra end after 24 months at most, and then nobody can sign in.")
        .fix("Copy the portal's column Expires, as 2027-03-01; metric, log and doctor then count down.")
    })
}
