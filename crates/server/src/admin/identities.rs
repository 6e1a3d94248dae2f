//! `/admin/identities`.

use crate::admin::identity_json::{Shown, declassified};
use crate::answer;
use crate::call::Call;
use crate::error;
use crate::paging::{self, Paging};
use crate::query::Query;
use crate::route::Answer;
use bia_identity::admin;
use bia_model::{ApiError, Identity};
use bia_store::{IdentityFilter, Page};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use uuid::Uuid;

const IDS_MAX: usize = 500;

/// `GET /admin/identities`
pub(crate) async fn list_identities(call: Call) -> Answer {
    let filter = filter(&call.query)?;
    let declassified = declassified(call.query.all("include_credential"))?;
    let paging = Paging::of_identities(&call.query)?;
    let by_identifier = matches!(filter, IdentityFilter::Identifier(_) | IdentityFilter::IdentifierSimilar(_));
    let shown = Shown {
        with_credentials: by_identifier || !declassified.is_empty(),
        declassified: &declassified,
        ..shown_stored(&call)
    };
    let store = &call.deps().store;
    let page = match &paging {
        Paging::Keyset { size, token } => {
            let cursor = token.as_deref().map(cursor).transpose()?;
            Page::After { cursor, size: u32::try_from(*size).unwrap_or(1) }
        }
        Paging::Legacy(page) => {
            let offset = u64::try_from(page.offset()).unwrap_or(0);
            Page::Offset { offset, size: u32::try_from(page.size).unwrap_or(1) }
        }
    };
    let listed = store.list_identities(&filter, &page).await.map_err(|error| error::store(&error))?;
    let rendered: Vec<Value> = listed.items.iter().map(|identity| shown.render(identity)).collect();
    let mut response = answer::json(200, &rendered);
    match paging {
        Paging::Keyset { size, .. } => {
            let last = listed.items.last().filter(|_| listed.has_more).map(|identity| identity.id.to_string());
            // Kratos: tokens are ids, and the first page begins after the nil one.
            let query = sizeless(&call.query);
            paging::keyset_links(&mut response, &call.path, &query, size, &Uuid::nil().to_string(), last.as_deref());
        }
        Paging::Legacy(page) => {
            let total = match by_identifier {
                true => listed.items.len() as u64,
                false => store.count_identities(&IdentityFilter::All).await.map_err(|error| error::store(&error))?,
            };
            let total = i64::try_from(total).unwrap_or(i64::MAX);
            paging::numbered_links(&mut response, &call.path, &call.query, page, total, false);
        }
    }
    Ok(response)
}

/// Kratos: `per_page` alone is read as `page_size` and doesn't survive into links.
fn sizeless(query: &Query) -> Query {
    if query.get("page_size").is_some() || query.get("page_token").is_some() {
        return query.clone();
    }
    query.without("per_page")
}

fn cursor(token: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(token)
        .map_err(|_| ApiError::bad_request("The page token is invalid, do not craft your own page tokens"))
}

fn filter(query: &Query) -> Result<IdentityFilter, ApiError> {
    let mut filters = Vec::new();
    let uuid = |name: &str, value: &str| {
        Uuid::parse_str(value)
            .map_err(|_| ApiError::bad_request(format!("Invalid UUID value `{value}` for parameter `{name}`.")))
    };
    let ids = query.all("ids").map(|value| uuid("ids", value)).collect::<Result<Vec<_>, _>>()?;
    if ids.len() > IDS_MAX {
        return Err(ApiError::bad_request(format!("The number of ids to filter must not exceed {IDS_MAX}.")));
    }
    if !ids.is_empty() {
        filters.push(IdentityFilter::Ids(ids));
    }
    let non_empty = |name: &str| query.get(name).filter(|value| !value.is_empty());
    if let Some(value) = non_empty("organization_id") {
        filters.push(IdentityFilter::Organization(uuid("organization_id", value)?));
    }
    if let Some(value) = non_empty("credentials_identifier") {
        filters.push(IdentityFilter::Identifier(as_typed_and_normalised(value)));
    }
    if let Some(value) = non_empty("preview_credentials_identifier_similar") {
        filters.push(IdentityFilter::IdentifierSimilar(as_typed_and_normalised(value)));
    }
    if filters.len() > 1 {
        return Err(ApiError::bad_request("You cannot combine multiple filters in this API"));
    }
    Ok(filters.pop().unwrap_or_default())
}

fn as_typed_and_normalised(value: &str) -> Vec<String> {
    let normalised = value.trim().to_lowercase();
    if normalised == value { vec![normalised] } else { vec![value.to_owned(), normalised] }
}

/// `GET /admin/identities/{id}`
pub(crate) async fn get_identity(call: Call) -> Answer {
    let found = match call.id() {
        Some(id) => call.deps().store.find_identity(id).await.map_err(|error| error::store(&error))?,
        None => None,
    };
    show(&call, found)
}

/// `GET /admin/identities/by/external/{externalID}`
pub(crate) async fn get_identity_by_external_id(call: Call) -> Answer {
    let store = &call.deps().store;
    let found =
        store.find_identity_by_external_id(call.param("externalID")).await.map_err(|error| error::store(&error))?;
    show(&call, found)
}

fn show(call: &Call, found: Option<Identity>) -> Answer {
    let declassified = declassified(call.query.all("include_credential"))?;
    let identity = found.ok_or_else(ApiError::no_such_row)?;
    let shown = Shown { declassified: &declassified, ..shown_stored(call) };
    Ok(answer::json(200, &shown.render(&identity)))
}

fn shown_stored(call: &Call) -> Shown<'_> {
    Shown {
        public_url: call.public_url(),
        sealer: &call.deps().sealer,
        with_credentials: true,
        declassified: &[],
        stored: true,
        names_null_metadata: true,
    }
}

/// `POST /admin/identities`
pub(crate) async fn create_identity(call: Call) -> Answer {
    let identity = admin::create(call.admin(), admin::decode_strict(&call.body)?).await?;
    let shown = Shown { stored: false, names_null_metadata: false, ..shown_stored(&call) };
    let mut response = answer::json(201, &shown.render(&identity));
    // Kratos: without the `/admin` that the route has.
    let location = call.deps().config.admin_url().join_path(&format!("/identities/{}", identity.id));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `PATCH /admin/identities`
pub(crate) async fn batch_patch_identities(call: Call) -> Answer {
    let results = admin::batch(call.admin(), admin::decode_strict(&call.body)?).await?;
    Ok(answer::json(200, &json!({ "identities": results })))
}

/// `PUT /admin/identities/{id}`
pub(crate) async fn update_identity(call: Call) -> Answer {
    let identity = admin::update(call.admin(), call.id(), admin::decode(&call.body)?).await?;
    let shown = Shown { names_null_metadata: false, ..shown_stored(&call) };
    Ok(answer::json(200, &shown.render(&identity)))
}

/// `PATCH /admin/identities/{id}`
pub(crate) async fn patch_identity(call: Call) -> Answer {
    let identity = admin::patch(call.admin(), call.id(), &call.body).await?;
    Ok(answer::json(200, &shown_stored(&call).render(&identity)))
}

/// `DELETE /admin/identities/{id}`
pub(crate) async fn delete_identity(call: Call) -> Answer {
    admin::delete(call.admin(), call.id()).await?;
    Ok(answer::no_content())
}

/// `DELETE /admin/identities/{id}/credentials/{type}`
pub(crate) async fn delete_identity_credentials(call: Call) -> Answer {
    let identifier = call.query.get("identifier");
    admin::delete_credentials(call.admin(), call.id(), call.param("type"), identifier).await?;
    Ok(answer::no_content())
}
