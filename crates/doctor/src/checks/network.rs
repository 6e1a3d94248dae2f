//! What providers themselves say: metadata, keys, issuer, clock, and who signed the TLS connection.

use super::tls;
use crate::examination::{PROVIDERS, Patient};
use crate::finding::{Area, Finding, Level};
use bia_config::{OidcProvider, ProviderKind, Tenant};
use bia_outbound::{Answer, OutboundError};
use bia_provider::{Provider, Providers};
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
const SIZE_MAX: usize = 256 * 1024;
/// Tokens are believed five minutes early and late; assertions of ours live five minutes.
const SKEW_WARNING_SECS: i64 = 60;
const SKEW_PROBLEM_SECS: i64 = 240;

/// How many are asked at a time: a hundred connections that time out one after the other would take an hour.
const AT_ONCE: usize = 8;

pub(crate) async fn check(patient: &Patient<'_>, connections: &Providers) -> Vec<Finding> {
    let mut hosts = BTreeSet::new();
    let questions: Vec<Question<'_>> = connections
        .iter()
        .filter_map(|connection| {
            let url = connection.metadata_url()?;
            let https = Url::parse(&url).ok().filter(|url| url.scheme() == "https");
            let host = https.filter(|url| hosts.insert(url.authority().to_owned()));
            Some(Question { connection: connection.as_ref(), url, host })
        })
        .collect();
    // In the order of the configuration, whoever answers first.
    let answers = stream::iter(questions).map(|question| question.ask(patient)).buffered(AT_ONCE);
    let mut findings: Vec<Finding> = answers.collect::<Vec<_>>().await.into_iter().flatten().collect();
    let mut seen = BTreeSet::new();
    findings.retain(|finding| finding.code != "clock" || seen.insert(finding.level));
    findings
}

/// What one connection is asked.
struct Question<'a> {
    connection: &'a dyn Provider,
    url: String,
    /// The host, when no connection before it has the same.
    host: Option<Url>,
}

impl Question<'_> {
    async fn ask(self, patient: &Patient<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let config = self.connection.config();
        let index =
            patient.config().providers().iter().position(|provider| provider.id == config.id).unwrap_or_default();
        let key = |name: &str| format!("{PROVIDERS}.{index}.{name}");
        let address = key(if config.provider == ProviderKind::Microsoft { "microsoft_tenant" } else { "issuer_url" });
        if let Some(host) = &self.host {
            findings.extend(tls::check(patient, host).await);
        }
        let call = patient.outbound.get(&self.url).timeout(TIMEOUT).limit(SIZE_MAX).retries(1);
        match call.send().await {
            Err(error) => findings.push(unreachable(config, &error).key(address)),
            Ok(answer) => {
                findings.extend(clock(&answer, patient.now.secs()));
                findings.extend(metadata(config, &answer, &address, &key));
                if answer.status == 200 {
                    findings.push(keys(self.connection, patient).await.key(address));
                }
            }
        }
        findings
    }
}

fn unreachable(provider: &OidcProvider, error: &OutboundError) -> Finding {
    Finding::problem(Area::Network, "unreachable", format!("`{}`: {error}", provider.id))
        .why("Bia starts, but nobody can finish a sign-in until the provider can be reached.")
        .fix("Look at DNS, firewall and HTTPS_PROXY; a company's own certificate authority goes into SSL_CERT_FILE.")
}

/// A clock that is off refuses honest tokens, and makes assertions that are refused.
fn clock(answer: &Answer, now: i64) -> Option<Finding> {
    let theirs = OffsetDateTime::parse(&answer.header("date")?.replace("GMT", "+0000"), &Rfc2822).ok()?;
    let skew = now - theirs.unix_timestamp();
    let (level, what) = match skew.abs() {
        SKEW_PROBLEM_SECS.. => {
            (Level::Problem, format!("this machine's clock is {} seconds {}", skew.abs(), side(skew)))
        }
        SKEW_WARNING_SECS.. => {
            (Level::Warning, format!("this machine's clock is {} seconds {}", skew.abs(), side(skew)))
        }
        _ => (Level::Good, "this machine's clock agrees with the provider's".to_owned()),
    };
    Some(
        Finding::new(level, Area::Network, "clock", what)
            .why("Tokens look expired or not yet valid, and a certificate's assertion is refused (AADSTS700027).")
            .fix("Let NTP set the clock: `timedatectl set-ntp true`."),
    )
}

fn side(skew: i64) -> &'static str {
    if skew > 0 { "ahead" } else { "behind" }
}

/// What the document says about itself. Its values are the provider's, so they are shown only where they are ids.
fn metadata(provider: &OidcProvider, answer: &Answer, address: &str, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let body = answer.json::<Value>().unwrap_or_default();
    if answer.status != 200 {
        return vec![refused(provider, answer, &body).key(address)];
    }
    let issuer = body["issuer"].as_str().unwrap_or_default();
    match provider.provider {
        ProviderKind::Microsoft => microsoft(provider, issuer, &body, key),
        _ => {
            let wanted = provider.issuer_url.as_deref().unwrap_or(issuer);
            let differs = wanted != issuer && provider.provider == ProviderKind::Generic;
            differs.then(|| {
                Finding::problem(Area::Network, "issuer", format!("`{}` calls itself by another text than issuer_url", provider.id))
                    .key(key("issuer_url"))
                    .why("Every sign-in is refused: a document that speaks for somebody else could send people anywhere.")
                    .fix("Copy the value of `issuer` from its metadata to the letter, closing slash included.")
            })
            .into_iter()
            .collect()
        }
    }
}

/// Entra explains a wrong tenant with a number.
fn refused(provider: &OidcProvider, answer: &Answer, body: &Value) -> Finding {
    let codes = body["error_codes"].as_array().into_iter().flatten().filter_map(Value::as_u64);
    let explained = codes.filter_map(|code| u32::try_from(code).ok()).find_map(bia_provider::explain);
    let what = format!("`{}`: {} answered with status {}", provider.id, answer.place(), answer.status);
    Finding::problem(Area::Network, "metadata", what).why("Nobody can sign in with it.").fix(
        explained.map_or_else(
            || "Check the tenant or issuer address.".to_owned(),
            |e| format!("Entra says: {}.", e.operator),
        ),
    )
}

fn microsoft(provider: &OidcProvider, issuer: &str, body: &Value, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    let named = issuer.trim_end_matches('/').rsplit('/').nth(1).unwrap_or_default();
    match provider.tenant() {
        Some(Tenant::Id(id)) if !named.eq_ignore_ascii_case(id) => findings.push(
            Finding::problem(
                Area::Network,
                "tenant",
                format!("the metadata of `{}` is that of another tenant", provider.id),
            )
            .key(key("microsoft_tenant"))
            .why("No token's issuer will fit.")
            .fix("Copy the Tenant ID from the portal's overview page of Entra ID."),
        ),
        Some(Tenant::Domain(domain)) if named.len() == 36 => findings.push(
            Finding::note(Area::Network, "tenant_id", format!("{domain} is the tenant {}", named.to_ascii_lowercase()))
                .key(key("microsoft_tenant"))
                .why("A domain can move to another tenant; the id never does.")
                .fix("Write the id into microsoft_tenant."),
        ),
        _ => {}
    }
    let graph = Url::parse(provider.microsoft.graph_host()).ok();
    let graph = graph.as_ref().and_then(Url::host_str).unwrap_or_default();
    let theirs = body["msgraph_host"].as_str().unwrap_or(graph);
    let theirs = theirs.split(':').next().unwrap_or(theirs);
    if !theirs.eq_ignore_ascii_case(graph)
        && theirs.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    {
        findings.push(
            Finding::problem(
                Area::Network,
                "cloud",
                format!("the tenant of `{}` has its Graph at {theirs}, and {graph} is configured", provider.id),
            )
            .key(key("microsoft.cloud"))
            .why("Tokens of this tenant are refused by another cloud's Graph (AADSTS900439, AADSTS90038).")
            .fix("Set microsoft.cloud to the cloud of the tenant."),
        );
    }
    findings
}

/// Goes the way of a sign-in: the same cache, parser and limits.
async fn keys(connection: &dyn Provider, patient: &Patient<'_>) -> Finding {
    match connection.warm(patient.now).await {
        Ok(()) => {
            Finding::good(Area::Network, "discovery", format!("`{}`: metadata and keys can be used", connection.id()))
        }
        Err(error) => Finding::problem(Area::Network, "discovery", format!("`{}`: {error}", connection.id()))
            .why("Nobody can finish a sign-in with it.")
            .fix("Its metadata or keys don't have the form that OpenID Connect asks for; is the address right?"),
    }
}
