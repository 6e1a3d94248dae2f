//! From the admin API of a Kratos into the store: page by page, person by person, each in a transaction of their own.

use crate::admin_api::{AdminApi, next_page};
use crate::cursor::{Cursor, Saved};
use crate::error::MovingError;
use crate::person::{LeftBehind, Person};
use crate::report::{ImportReport, ProviderLinks, SchemaState};
use crate::subjects;
use bia_config::{Config, ProviderKind};
use bia_identity::Schemas;
use bia_identity::identities::{self, PrepareError};
use bia_model::{Identity, Timestamp};
use bia_store::{Store, StoreError};
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

/// How often one person is tried anew when the database asks for it.
const ATTEMPTS: usize = 5;

/// One move.
pub struct Import<'a> {
    pub source: &'a AdminApi,
    /// Migrated.
    pub store: &'a Store,
    pub schemas: &'a Schemas,
    pub config: &'a Config,
    pub page_size: u32,
    /// Do everything but keep it.
    pub dry_run: bool,
    /// Verified addresses count as proven for automatic linking. Off by default: in Kratos a mapper alone can mark an
    /// address as verified, and with it a stranger could be linked to somebody else (nOAuth).
    pub trust_verified_addresses: bool,
    /// Where to go on after a run that was cut off.
    pub cursor: Option<Cursor>,
    pub now: Timestamp,
}

/// Carries everybody. `progress` is called after each page with the report so far and the number of people there, if
/// that is known.
///
/// # Errors
/// When the other side or the database fails for good; what was carried stays, and the cursor tells where to go on.
pub async fn import(
    job: &Import<'_>,
    progress: &mut dyn FnMut(&ImportReport, Option<u64>),
) -> Result<ImportReport, MovingError> {
    let trusting = if job.trust_verified_addresses { " with --trust-verified-addresses" } else { "" };
    let ends = format!("{} → {}{trusting}", job.source.name(), job.store.describe());
    let saved = job.cursor.as_ref().map(|cursor| cursor.read::<ImportReport>(&ends)).transpose()?.flatten();
    let mut resumed = saved.is_some();
    let (mut next, mut report) = saved.map_or_else(Default::default, |saved| (Some(saved.next), saved.report));
    let total = total(job.source).await?;
    compare_schemas(job, &mut report).await;
    let mut list = List { source: job.source, page_size: job.page_size, shows_credentials: true };
    progress(&report, total);
    loop {
        let (people, following) = match list.page(next.as_deref()).await {
            // Page tokens don't live for ever. Nobody is carried twice, so the beginning is a good place, too.
            Err(MovingError::Refused { status: 400, .. }) if resumed && next.is_some() => {
                // Once: a server that refuses its own pages would send us round for ever.
                resumed = false;
                (next, report) = (None, ImportReport { schemas: report.schemas, ..ImportReport::default() });
                continue;
            }
            page => page?,
        };
        for person in people {
            report.seen += 1;
            match list.with_credentials(person).await? {
                Ok(person) => carry(job, person, &mut report).await?,
                Err((id, why)) => report.fail(id, why),
            }
        }
        progress(&report, total);
        let Some(following) = following else { break };
        if next.as_ref() == Some(&following) {
            return Err(MovingError::Circle { place: job.source.name() });
        }
        if let Some(cursor) = job.cursor.as_ref().filter(|_| !job.dry_run) {
            cursor.write(&Saved { ends: ends.clone(), next: following.clone(), report: report.clone() })?;
        }
        next = Some(following);
    }
    if let Some(cursor) = job.cursor.as_ref().filter(|_| !job.dry_run) {
        cursor.remove()?;
    }
    Ok(report)
}

/// How many people there are, where the older way of paging still tells.
async fn total(source: &AdminApi) -> Result<Option<u64>, MovingError> {
    // Also the first question: whoever is not let in hears it before anything else happens.
    let answer = source.get("/admin/identities?page=1&per_page=1").await?;
    let answer = answer.ok_or_else(|| MovingError::Unexpected {
        place: source.name(),
        why: "it has no /admin/identities. Is it the admin port (4434)?".to_owned(),
    })?;
    Ok(answer.header("x-total-count").and_then(|text| text.parse().ok()))
}

/// The list of everybody, as the other side pages it.
struct List<'a> {
    source: &'a AdminApi,
    page_size: u32,
    /// Whether the list is asked to show links.
    shows_credentials: bool,
}

impl List<'_> {
    async fn page(&mut self, next: Option<&str>) -> Result<(Vec<Value>, Option<String>), MovingError> {
        let answer = match self.source.get(&self.path(next)).await {
            // Kratos opens every token of the page for it, and fails as a whole when one key is gone.
            Err(MovingError::Refused { status: 500, .. }) if self.shows_credentials => {
                self.shows_credentials = false;
                self.source.get(&self.path(next)).await?
            }
            answer => answer?,
        };
        let unexpected = |why: &str| MovingError::Unexpected { place: self.source.name(), why: why.to_owned() };
        let answer = answer.ok_or_else(|| unexpected("the list of identities is gone"))?;
        let people: Vec<Value> = answer.json()?;
        // An empty page ends every list, whatever its links say.
        let following = answer.header("link").and_then(next_page).filter(|_| !people.is_empty());
        Ok((people, following))
    }

    fn path(&self, next: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match next {
            None => query.append_pair("page_size", &self.page_size.to_string()),
            Some(next) => {
                let pairs = form_urlencoded::parse(next.as_bytes());
                query.extend_pairs(pairs.filter(|(name, _)| name != "include_credential"))
            }
        };
        if self.shows_credentials {
            query.append_pair("include_credential", "oidc");
        }
        format!("/admin/identities?{}", query.finish())
    }

    /// Reads one person, and asks again when the list kept their links to itself.
    async fn with_credentials(&self, shown: Value) -> Result<Result<Person, (Uuid, String)>, MovingError> {
        let id = shown["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        let unreadable = |_| (id, "what the other side says about this person is not as Kratos writes it".to_owned());
        let person = serde_json::from_value::<Person>(shown).map_err(unreadable);
        let Ok(person) = person else { return Ok(person) };
        if person.shows_credentials() {
            return Ok(Ok(person));
        }
        let plain = format!("/admin/identities/{id}");
        let full = format!("{plain}?include_credential=oidc");
        let answer = match self.source.get(if self.shows_credentials { &full } else { &plain }).await {
            // Kratos opens every token for it, and fails when the key of one is gone; identifiers name the links as well.
            Err(MovingError::Refused { status: 500, .. }) if self.shows_credentials => self.source.get(&plain).await?,
            answer => answer?,
        };
        match answer {
            Some(answer) => Ok(serde_json::from_value(answer.json()?).map_err(unreadable)),
            None => Ok(Err((id, "was deleted there in the meantime".to_owned()))),
        }
    }
}

async fn compare_schemas(job: &Import<'_>, report: &mut ImportReport) {
    let Some(answer) = job.source.get_openly("/schemas").await else { return };
    for shown in answer.json::<Vec<Value>>().unwrap_or_default() {
        let Some(id) = shown["id"].as_str() else { continue };
        let state = match job.schemas.get(id).await {
            Err(_) => SchemaState::Missing,
            Ok(here) if *here.document() == shown["schema"] => SchemaState::Same,
            Ok(_) => SchemaState::Different,
        };
        report.schemas.insert(id.to_owned(), state);
    }
}

async fn carry(job: &Import<'_>, person: Person, report: &mut ImportReport) -> Result<(), MovingError> {
    let id = person.id;
    let (mut identity, left) = person.into_identity(job.now);
    count(job, &identity, left, report);
    let shown: Vec<Uuid> = addresses(&identity).collect();
    if let Err(error) = identities::prepare(job.schemas, &mut identity, job.now).await {
        report.fail(id, unfit(&identity, &error));
        return Ok(());
    }
    let kept: Vec<Uuid> = addresses(&identity).collect();
    report.addresses += shown.iter().filter(|id| !kept.contains(id)).count() as u64;
    if job.trust_verified_addresses {
        let verified = identity.verifiable_addresses.iter().filter(|address| address.verified);
        for address in verified.map(|address| address.value.clone()).collect::<Vec<_>>() {
            identity.prove(&address, "import");
        }
    }
    for attempt in 1.. {
        match place(job, &mut identity).await {
            Ok(Placed::Created) => report.created += 1,
            Ok(Placed::Updated) => report.updated += 1,
            Ok(Placed::Unchanged) => report.unchanged += 1,
            Ok(Placed::NewerHere) => report.newer_here += 1,
            Err(StoreError::Collision | StoreError::Stale { .. }) if attempt < ATTEMPTS => continue,
            Err(StoreError::Conflict { what, .. }) => {
                let why = match identities::find_conflict(job.store, &identity).await? {
                    Some(other) => format!("shares an identifier or address with identity {} here", other.identity.id),
                    None => format!("another identity here has the same {}", what.as_str()),
                };
                report.fail(id, why);
            }
            Err(error) => return Err(error.into()),
        }
        break;
    }
    Ok(())
}

enum Placed {
    Created,
    Updated,
    Unchanged,
    NewerHere,
}

async fn place(job: &Import<'_>, identity: &mut Identity) -> Result<Placed, StoreError> {
    let here = job.store.find_identity(identity.id).await?;
    let mut tx = job.store.begin().await?;
    let placed = match here {
        None => {
            tx.insert_identity(identity).await?;
            Placed::Created
        }
        Some(here) if here.updated_at > identity.updated_at => Placed::NewerHere,
        Some(here) => {
            let proven_before = here.proven_addresses.len();
            keep_what_is_only_here(identity, &here);
            if here.updated_at == identity.updated_at && identity.proven_addresses.len() == proven_before {
                Placed::Unchanged
            } else {
                tx.update_identity(identity, here.updated_at).await?;
                Placed::Updated
            }
        }
    };
    if job.dry_run {
        tx.rollback().await;
    } else {
        tx.commit().await?;
    }
    Ok(placed)
}

/// Proofs and sealed tokens never come from there, so a repeated import must not lose them.
fn keep_what_is_only_here(identity: &mut Identity, here: &Identity) {
    let own: Vec<String> = identity.verifiable_addresses.iter().map(|address| address.value.to_lowercase()).collect();
    for proven in &here.proven_addresses {
        if own.contains(proven) {
            identity.prove(proven, here.proven_by.get(proven).map_or("provider", String::as_str));
        }
    }
    let known = here.oidc_links();
    let mut links = identity.oidc_links();
    for link in &mut links {
        if let Some(known) = known.iter().find(|known| known.identifier() == link.identifier()) {
            link.initial_id_token.clone_from(&known.initial_id_token);
            link.initial_access_token.clone_from(&known.initial_access_token);
            link.initial_refresh_token.clone_from(&known.initial_refresh_token);
        }
    }
    if !links.is_empty() {
        identity.set_oidc_links(links, identity.updated_at);
    }
}

fn addresses(identity: &Identity) -> impl Iterator<Item = Uuid> {
    let verifiable = identity.verifiable_addresses.iter().map(|address| address.id);
    verifiable.chain(identity.recovery_addresses.iter().map(|address| address.id))
}

fn count(job: &Import<'_>, identity: &Identity, left: LeftBehind, report: &mut ImportReport) {
    for kind in left.kinds {
        *report.other_credentials.entry(kind).or_default() += 1;
    }
    report.tokens += left.tokens;
    let links = identity.oidc_links();
    report.without_link += u64::from(links.is_empty());
    for link in links {
        let configured = job.config.providers().iter().find(|provider| provider.answers_to(&link.provider));
        let entry = report.providers.entry(link.provider).or_insert_with(|| ProviderLinks {
            configured: configured.is_some(),
            subject_source: configured
                .filter(|provider| provider.provider == ProviderKind::Microsoft)
                .map(|provider| subjects::name(provider.subject_source).to_owned()),
            ..ProviderLinks::default()
        });
        entry.links += 1;
        entry.misfits += u64::from(configured.is_some_and(|provider| !subjects::fits(provider, &link.subject)));
    }
}

/// Names the traits, never what is in them.
fn unfit(identity: &Identity, error: &PrepareError) -> String {
    match error {
        PrepareError::Traits(errors) => {
            let mut places: Vec<&str> = errors.iter().map(|error| error.pointer.trim_start_matches("#/")).collect();
            places.dedup();
            format!("identity schema `{}` refuses {}", identity.schema_id, places.join(", "))
        }
        PrepareError::Schema(error) => error.to_string(),
    }
}
