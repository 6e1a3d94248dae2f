//! What is asked of Microsoft Graph, and only when configured: the subject `me`, profile fields, groups that do not
//! fit into a token. Delegated, with the person's own access token, and never to another host.

use crate::connection::Connection;
use crate::error::{ProviderError, Step};
use crate::request::Tokens;
use crate::tenant::Account;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bia_config::{GroupFormat, Groups, OnGroupsError, OnOverage, SubjectSource};
use bia_model::Claims;
use bia_outbound::{Answer, OutboundError};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

const SIZE_MAX: usize = 4 * 1024 * 1024;
/// 999 entries each: more than any person can have.
const PAGES_MAX: usize = 120;

/// Adds what Graph knows to the claims. Tells whether groups are missing although the person has some.
pub(crate) async fn enrich(
    connection: &Connection,
    claims: &mut Claims,
    tokens: &Tokens,
    account: Account,
) -> Result<bool, ProviderError> {
    let config = &connection.config;
    let fields: Vec<&str> = config.microsoft.profile.iter().map(String::as_str).filter(|f| is_field(f)).collect();
    let wants_me = config.subject_source == SubjectSource::Me;
    let graph = Graph { connection, token: tokens.access.as_ref().map(ExposeSecret::expose_secret) };
    if wants_me || !fields.is_empty() {
        let person = graph.me(&fields).await?;
        if wants_me {
            claims.sub = person.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        let chosen = fields.iter().filter_map(|f| Some(((*f).to_owned(), person.get(*f)?.clone())));
        claims.graph.extend(chosen.filter(|(_, value)| !value.is_null()));
    }
    match &config.microsoft.groups {
        Some(groups) if !account.is_personal() => add_groups(&graph, groups, claims).await,
        _ => Ok(false),
    }
}

/// Field names come from the configuration; this keeps them out of the rest of the query.
fn is_field(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

async fn add_groups(graph: &Graph<'_>, groups: &Groups, claims: &mut Claims) -> Result<bool, ProviderError> {
    let overage = has_overage(&claims.raw_claims);
    if overage && groups.on_overage == OnOverage::Refuse {
        let detail = "the person has more groups than a token carries and groups.on_overage is `refuse`";
        return Err(unknown_groups(detail).with_config_key("microsoft.groups.on_overage"));
    }
    if overage && groups.on_overage == OnOverage::Flag {
        return Ok(flag(claims));
    }
    // A token carries ids only, so names always have to be asked for.
    let listed = if overage || groups.format == GroupFormat::Name {
        match graph.groups(groups).await {
            Ok(listed) => listed,
            Err(error) if groups.on_error == OnGroupsError::Flag => {
                tracing::warn!(%error, "groups could not be read; the sign-in goes on without them");
                return Ok(flag(claims));
            }
            Err(error) => return Err(error),
        }
    } else {
        let carried = claims.raw_claims.get("groups").and_then(Value::as_array);
        let Some(carried) = carried else {
            return Ok(false);
        };
        keep_allowed(carried.iter().filter_map(Value::as_str).map(str::to_owned), groups).collect::<Vec<_>>()
    };
    let most = groups.max as usize;
    if listed.len() > most {
        tracing::warn!(
            provider = %graph.connection.config.id,
            found = listed.len(),
            kept = most,
            "the person has more groups than microsoft.groups.max; the rest is left out, so list those that matter under microsoft.groups.allowed"
        );
    }
    let kept: Vec<Value> = listed.into_iter().take(most).map(Value::String).collect();
    claims.raw_claims.insert("groups".to_owned(), Value::Array(kept));
    Ok(false)
}

/// The mapper sees `claims.graph.groups_missing`, and no list that would look complete.
fn flag(claims: &mut Claims) -> bool {
    claims.raw_claims.shift_remove("groups");
    claims.graph.insert("groups_missing".to_owned(), Value::Bool(true));
    true
}

fn has_overage(raw: &Map<String, Value>) -> bool {
    let named = raw.get("_claim_names").and_then(|names| names.get("groups")).is_some();
    named || raw.get("hasgroups").is_some_and(|v| v == true || v == "true")
}

fn keep_allowed(list: impl Iterator<Item = String>, groups: &Groups) -> impl Iterator<Item = String> {
    list.filter(|group| groups.allowed.is_empty() || groups.allowed.contains(group))
}

struct Graph<'a> {
    connection: &'a Connection,
    token: Option<&'a str>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    value: Vec<Entry>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    id: Option<String>,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
}

impl Graph<'_> {
    /// Kratos: `/v1.0/me`; fields are named only when some are wanted.
    async fn me(&self, fields: &[&str]) -> Result<Map<String, Value>, ProviderError> {
        let mut url = format!("{}/v1.0/me", self.connection.config.microsoft.graph_host());
        if !fields.is_empty() {
            url.push_str("?$select=id,");
            url.push_str(&fields.join(","));
        }
        let answer = self.get(&url).await?;
        answer.json().map_err(|e| unreadable(&e))
    }

    async fn groups(&self, groups: &Groups) -> Result<Vec<String>, ProviderError> {
        let host = self.connection.config.microsoft.graph_host();
        let resource = if groups.nested { "transitiveMemberOf" } else { "memberOf" };
        let mut next = Some(format!("{host}/v1.0/me/{resource}?$select=id,displayName&$top=999"));
        let mut found = Vec::new();
        let mut pages = 0;
        while let Some(url) = next.take() {
            pages += 1;
            if pages > PAGES_MAX || !is_below(&url, host) {
                return Err(unknown_groups("Graph's list of groups does not end, or goes on at another host"));
            }
            let page: Page = self.get(&url).await?.json().map_err(|e| unreadable(&e))?;
            for entry in page.value {
                // Directory roles and administrative units are members' relations, too.
                if entry.kind.as_deref().is_some_and(|kind| kind != "#microsoft.graph.group") {
                    continue;
                }
                match groups.format {
                    GroupFormat::Id => found.extend(entry.id),
                    GroupFormat::Name if entry.display_name.is_none() => {
                        let detail =
                            "Graph hides the groups' names; names need the delegated permission GroupMember.Read.All";
                        return Err(unknown_groups(detail).with_config_key("scope"));
                    }
                    GroupFormat::Name => found.extend(entry.display_name),
                }
            }
            next = page.next;
        }
        // The filter comes before the cap, so that the groups which matter are never cut off.
        Ok(keep_allowed(found.into_iter(), groups).collect())
    }

    async fn get(&self, url: &str) -> Result<Answer, ProviderError> {
        let Some(token) = self.token else {
            return Err(ProviderError::upstream(
                Step::Graph,
                "Microsoft Graph can't be asked for this sign-in.",
                "there is no access token, as with a submitted ID token",
            ));
        };
        let call = self.connection.outbound.get(url).bearer(token).header("accept", "application/json");
        let answer = call.purpose("graph").correlated().limit(SIZE_MAX).retries(1).send().await.map_err(|error| {
            let reason = "Unable to fetch from Microsoft Graph. Please try again later.";
            ProviderError::upstream(Step::Graph, reason, error.to_string())
        })?;
        if answer.status == 200 {
            return Ok(answer);
        }
        let reason = format!("OpenID Connect provider returned a {} status code but 200 is expected.", answer.status);
        let hint = if answer.status == 403 { "; is the scope User.Read granted?" } else { "" };
        let detail = format!("{} answered with status {}{hint}", answer.place(), answer.status);
        Err(ProviderError::upstream(Step::Graph, reason, detail)
            .with_retry_after(answer.retry_after())
            .with_claims_challenge(claims_challenge(&answer)))
    }
}

/// The next page's address is the upstream's text: the token goes to Graph alone.
fn is_below(url: &str, host: &str) -> bool {
    match (Url::parse(url), Url::parse(host)) {
        (Ok(url), Ok(host)) => url.origin() == host.origin(),
        _ => false,
    }
}

/// `WWW-Authenticate: Bearer error="insufficient_claims", claims="<base64>"`.
fn claims_challenge(answer: &Answer) -> Option<String> {
    let header = answer.header("www-authenticate").filter(|h| h.contains("insufficient_claims"))?;
    let (_, rest) = header.split_once("claims=\"")?;
    let encoded = rest.split('"').next()?.trim_end_matches('=');
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(encoded)
        .or_else(|_| BASE64_STANDARD.decode(rest.split('"').next().unwrap_or_default()))
        .ok()?;
    let text = String::from_utf8(bytes).ok().filter(|t| t.len() <= 4096)?;
    serde_json::from_str::<Map<String, Value>>(&text).is_ok().then_some(text)
}

fn unreadable(error: &OutboundError) -> ProviderError {
    let reason = "Unable to decode JSON from Microsoft Graph. Please try again later.";
    ProviderError::upstream(Step::Graph, reason, error.to_string())
}

fn unknown_groups(detail: &str) -> ProviderError {
    let reason = "Your groups could not be read, so the sign-in was stopped. Please try again later.";
    ProviderError::upstream(Step::Graph, reason, detail)
}
