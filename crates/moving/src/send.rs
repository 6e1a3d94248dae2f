//! Into a running Kratos, batch by batch.

use crate::admin_api::{AdminApi, encoded, message};
use crate::cursor::{Cursor, Saved};
use crate::error::MovingError;
use crate::export::{BATCH_MAX, Export};
use crate::report::SendReport;
use bia_model::Identity;
use bia_store::{IdentityFilter, Page, Store};
use serde_json::{Value, json};
use uuid::Uuid;

/// One move into a Kratos.
pub struct Send<'a> {
    pub target: &'a AdminApi,
    pub store: &'a Store,
    pub export: Export<'a>,
    /// People per call, up to a thousand.
    pub batch_size: u32,
    /// Where to go on after a run that was cut off.
    pub cursor: Option<Cursor>,
}

/// Who somebody is here, and there.
pub type NewId = (Uuid, Uuid);

/// Who is told of each batch; an error stops the move.
pub type Told<'a> = dyn FnMut(&SendReport, u64, &[NewId]) -> Result<(), MovingError> + 'a;

/// Sends everybody. `sent` is called after each batch with the report so far, the number of people here, and the new ids
/// of this batch.
///
/// # Errors
/// When the other side or the database fails for good; who was sent is there, and the cursor tells where to go on.
pub async fn send(job: &Send<'_>, sent: &mut Told<'_>) -> Result<SendReport, MovingError> {
    let options = [(job.export.keep_ids, " with --keep-ids"), (job.export.links_as_stored, " with --links-as-stored")];
    let options: String = options.into_iter().filter_map(|(is_set, text)| is_set.then_some(text)).collect();
    let ends = format!("{} → {}{options}", job.store.describe(), job.target.name());
    let saved = job.cursor.as_ref().map(|cursor| cursor.read::<SendReport>(&ends)).transpose()?.flatten();
    let (mut after, mut report) = match saved {
        Some(saved) => (saved.next.parse::<Uuid>().ok(), saved.report),
        None => (None, SendReport::default()),
    };
    let total = job.store.count_identities(&IdentityFilter::All).await?;
    let size = job.batch_size.clamp(1, u32::try_from(BATCH_MAX).unwrap_or(1));
    loop {
        let page = job.store.list_identities(&IdentityFilter::All, &Page::After { cursor: after, size }).await?;
        let Some(last) = page.items.last().map(|identity| identity.id) else { break };
        report.seen += page.items.len() as u64;
        let new_ids = send_batch(job, &page.items, &mut report).await?;
        sent(&report, total, &new_ids)?;
        if let Some(cursor) = &job.cursor {
            cursor.write(&Saved { ends: ends.clone(), next: last.to_string(), report: report.clone() })?;
        }
        after = Some(last);
        if !page.has_more {
            break;
        }
    }
    if let Some(cursor) = &job.cursor {
        cursor.remove()?;
    }
    Ok(report)
}

async fn send_batch(job: &Send<'_>, people: &[Identity], report: &mut SendReport) -> Result<Vec<NewId>, MovingError> {
    let creations =
        people.iter().map(|identity| json!({ "create": job.export.body(identity), "patch_id": identity.id }));
    let batch = json!({ "identities": creations.collect::<Vec<Value>>() });
    let answer = job.target.send("PATCH", "/admin/identities", &batch).await?;
    let results = answer.json::<Value>().ok().and_then(|body| body["identities"].as_array().cloned());
    let results = results.filter(|_| answer.is_success());
    let mut new_ids = Vec::new();
    for (index, identity) in people.iter().enumerate() {
        let body = &batch["identities"][index]["create"];
        // Kratos: one body that breaks a rule refuses the batch as a whole; then everybody is tried alone.
        let outcome = match &results {
            Some(results) => read_result(results, index, identity),
            None => send_one(job, body).await?,
        };
        match outcome {
            Ok(id) => {
                report.created += 1;
                report.untraceable += u64::from(!is_traceable(body));
                new_ids.push((identity.id, id));
            }
            Err(why) => match find_there(job, body).await? {
                Some(id) => {
                    report.there += 1;
                    new_ids.push((identity.id, id));
                }
                None => report.fail(identity.id, why),
            },
        }
    }
    Ok(new_ids)
}

fn read_result(results: &[Value], index: usize, identity: &Identity) -> Result<Uuid, String> {
    let marked = results.iter().find(|result| result["patch_id"] == json!(identity.id));
    let result = marked.or(results.get(index)).ok_or("the answer says nothing about them")?;
    match result["identity"].as_str().and_then(|id| id.parse().ok()) {
        Some(id) if result["action"] == "create" => Ok(id),
        _ => {
            let text = |key: &str| result["error"][key].as_str().unwrap_or_default();
            Err(reason(result["error"]["code"].as_u64().unwrap_or(0), text("message"), text("reason")))
        }
    }
}

async fn send_one(job: &Send<'_>, body: &Value) -> Result<Result<Uuid, String>, MovingError> {
    let answer = job.target.send("POST", "/admin/identities", body).await?;
    let made: Value = answer.json().unwrap_or_default();
    match made["id"].as_str().and_then(|id| id.parse().ok()) {
        Some(id) if answer.is_success() => Ok(Ok(id)),
        _ if matches!(answer.status, 400 | 409 | 422) => {
            let quoted = made.pointer("/error/reason").and_then(Value::as_str).unwrap_or_default();
            Ok(Err(reason(u64::from(answer.status), &message(&answer), quoted)))
        }
        _ => Err(MovingError::Refused {
            place: answer.place().to_owned(),
            status: answer.status,
            message: message(&answer),
            hint: "",
        }),
    }
}

/// Kratos quotes traits in its reasons; only the places that it names are repeated (`I[#/traits/email]`).
fn reason(status: u64, message: &str, quoted: &str) -> String {
    let mut places: Vec<&str> = quoted.split("I[#/").skip(1).filter_map(|rest| rest.split(']').next()).collect();
    places.retain(|place| !place.is_empty());
    places.sort_unstable();
    places.dedup();
    let message = if message.is_empty() { "refused" } else { message };
    if places.is_empty() {
        format!("{status}: {message}")
    } else {
        format!("{status}: the identity schema there refuses {}", places.join(", "))
    }
}

/// Whether a repeated move would find them there: by a link, an external id or an address.
fn is_traceable(body: &Value) -> bool {
    let has = |pointer: &str| body.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    body["external_id"].is_string() || has(LINKS) || has("/verifiable_addresses") || has("/recovery_addresses")
}

const LINKS: &str = "/credentials/oidc/config/providers";

/// Somebody with the same link or external id is the same person, and so is somebody with the same address whose traits
/// are the same altogether: so a repeated call and a repeated move make nobody twice.
async fn find_there(job: &Send<'_>, body: &Value) -> Result<Option<Uuid>, MovingError> {
    for link in body.pointer(LINKS).and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| link[key].as_str().unwrap_or_default();
        let identifier = format!("{}:{}", text("provider"), text("subject"));
        let is_same = |person: &Value| {
            let identifiers = person.pointer("/credentials/oidc/identifiers").and_then(Value::as_array);
            identifiers.is_some_and(|list| list.iter().any(|known| known == identifier.as_str()))
        };
        if let Some(id) = list_there(job, &identifier).await?.iter().find(|person| is_same(person)).and_then(id_of) {
            return Ok(Some(id));
        }
    }
    if let Some(external_id) = body["external_id"].as_str() {
        // Kratos: versions without external ids answer 404, as for somebody who is not there.
        let found = job.target.get(&format!("/admin/identities/by/external/{}", encoded(external_id))).await?;
        let found: Option<Value> = found.map(|answer| answer.json()).transpose()?;
        if let Some(id) = found.as_ref().and_then(id_of) {
            return Ok(Some(id));
        }
    }
    let addresses = ["verifiable_addresses", "recovery_addresses"].into_iter().filter_map(|key| body[key].as_array());
    let mut values: Vec<&str> = addresses.flatten().filter_map(|address| address["value"].as_str()).collect();
    values.sort_unstable();
    values.dedup();
    for value in values {
        // An address alone is no proof: somebody else may have it there.
        let is_same = |person: &&Value| person["traits"] == body["traits"] && person["schema_id"] == body["schema_id"];
        if let Some(id) = list_there(job, value).await?.iter().find(is_same).and_then(id_of) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whom that server knows by an identifier of any credential.
async fn list_there(job: &Send<'_>, identifier: &str) -> Result<Vec<Value>, MovingError> {
    let path = format!("/admin/identities?credentials_identifier={}", encoded(identifier));
    let found = job.target.get(&path).await?;
    Ok(found.map(|answer| answer.json()).transpose()?.unwrap_or_default())
}

fn id_of(person: &Value) -> Option<Uuid> {
    person["id"].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_reason_names_places_and_never_what_is_there() {
        let quoted =
            "I[#/traits/email] S[#/properties/traits/properties/email/format] \"secret@x\" is not valid \"email\"";
        let text = reason(400, "The request was malformed", quoted);
        assert_eq!(text, "400: the identity schema there refuses traits/email");
        assert_eq!(reason(409, "conflict", "This identity conflicts with secret@x"), "409: conflict");
    }
}
