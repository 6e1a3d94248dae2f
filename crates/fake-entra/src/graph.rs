//! The parts of Microsoft Graph that a sign-in needs, and Entra's userinfo.

use axum::response::Response;
use base64::Engine as _;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::claims::pairwise_subject;
use crate::dispatch::Request;
use crate::issue::Grant;
use crate::params::Params;
use crate::people::{Group, GroupKind, Person};
use crate::reply;
use crate::state::Shared;

/// Fields of `/me` that arrive without `$select`.
const DEFAULT_FIELDS: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
/// Fields that have to be asked for.
const MORE_FIELDS: [&str; 20] = [
    "accountEnabled",
    "city",
    "companyName",
    "country",
    "department",
    "employeeId",
    "employeeType",
    "identities",
    "mailNickname",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "otherMails",
    "proxyAddresses",
    "usageLocation",
    "userType",
];
const MEMBER_OBJECTS_MAX: usize = 11_000;

pub(crate) fn answer(shared: &Shared, request: &Request, prefix: &str, resource: &str) -> Response {
    let Some(grant) = request.grant(shared).filter(|grant| grant.party.is_entra()) else {
        return unauthorized(None);
    };
    let (context, enforce) = {
        let settings = &shared.lock().settings;
        (settings.graph_context.clone(), settings.enforce_graph_scopes)
    };
    if let Some(context) = context.filter(|context| !grant.acrs.contains(context)) {
        return insufficient_claims(request, &context);
    }
    let may_read =
        grant.scopes.iter().any(|scope| scope.rsplit('/').next().is_some_and(|name| name.starts_with("User.Read")));
    if enforce && !may_read {
        return denied();
    }
    match resource.split('/').skip(2).collect::<Vec<_>>().as_slice() {
        [] => me(shared, &grant, request),
        ["memberOf"] => memberships(request, prefix, resource, &grant, |group| !group.nested),
        ["transitiveMemberOf"] => memberships(request, prefix, resource, &grant, |_| true),
        ["memberOf", "microsoft.graph.group"] => {
            memberships(request, prefix, resource, &grant, |group| !group.nested && group.kind == GroupKind::Group)
        }
        ["transitiveMemberOf", "microsoft.graph.group"] => {
            memberships(request, prefix, resource, &grant, |group| group.kind == GroupKind::Group)
        }
        ["getMemberGroups" | "getMemberObjects"] if request.is_post() => member_objects(&grant),
        _ => error(404, "ResourceNotFound", "Resource not found."),
    }
}

/// Holds less than the ID token, and cannot be extended at Entra.
pub(crate) fn userinfo(shared: &Shared, request: &Request) -> Response {
    let Some(grant) = request.grant(shared).filter(|grant| grant.party.is_entra()) else {
        return unauthorized(None);
    };
    let person = &grant.person;
    let mut answer = Map::new();
    answer.insert("sub".into(), pairwise_subject(&grant.client, &person.oid).into());
    answer.insert("name".into(), person.name.clone().into());
    answer.insert("family_name".into(), person.family_name.clone().into());
    answer.insert("given_name".into(), person.given_name.clone().into());
    answer.insert("picture".into(), "https://graph.microsoft.com/v1.0/me/photo/$value".into());
    if let Some(email) = &person.email {
        answer.insert("email".into(), email.clone().into());
    }
    answer.extend(shared.lock().settings.userinfo.clone());
    reply::json(200, &Value::Object(answer))
}

fn me(shared: &Shared, grant: &Grant, request: &Request) -> Response {
    let overlay = shared.lock().settings.graph.clone();
    let mut all = profile(&grant.person);
    all.extend(overlay.clone());
    let mut answer = Map::new();
    let root = "https://graph.microsoft.com/v1.0/$metadata#users";
    match request.query.filled("$select") {
        None => {
            answer.insert("@odata.context".into(), format!("{root}/$entity").into());
            for name in DEFAULT_FIELDS {
                answer.insert(name.to_owned(), all.get(name).cloned().unwrap_or_default());
            }
            answer.extend(overlay);
        }
        Some(select) => {
            answer.insert("@odata.context".into(), format!("{root}({select})/$entity").into());
            for name in select.split(',').map(str::trim) {
                let known = DEFAULT_FIELDS.contains(&name) || MORE_FIELDS.contains(&name) || all.contains_key(name);
                if !known && !name.starts_with("extension_") {
                    let text = format!("Could not find a property named '{name}' on type 'microsoft.graph.user'.");
                    return error(400, "BadRequest", &text);
                }
                answer.insert(name.to_owned(), all.get(name).cloned().unwrap_or_default());
            }
        }
    }
    reply::json(200, &Value::Object(answer))
}

fn profile(person: &Person) -> Map<String, Value> {
    let user_type = if person.acct == Some(1) { "Guest" } else { "Member" };
    let fields = json!({
        "businessPhones": [], "displayName": person.name, "givenName": person.given_name, "mail": person.email,
        "surname": person.family_name, "userPrincipalName": person.upn, "id": person.oid, "userType": user_type,
        "accountEnabled": !person.disabled, "otherMails": [],
    });
    let mut fields = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.extend(person.profile.clone());
    fields
}

/// Page by page; the next page's address is at the host and prefix that was asked.
fn memberships(
    request: &Request,
    prefix: &str,
    resource: &str,
    grant: &Grant,
    counts: impl Fn(&Group) -> bool,
) -> Response {
    if grant.person.is_personal() {
        return denied();
    }
    let number = |name| request.query.filled(name).map(str::parse::<usize>);
    let (top, skip) = match (number("$top").unwrap_or(Ok(100)), number("$skiptoken").unwrap_or(Ok(0))) {
        (Ok(top), Ok(skip)) if (1..=999).contains(&top) => (top, skip),
        _ => {
            return error(400, "BadRequest", "Invalid page size or page token specified.");
        }
    };
    let all: Vec<&Group> = grant.person.groups.iter().filter(|group| counts(group)).collect();
    let fields = request.query.filled("$select").map(|select| select.split(',').map(str::trim).collect::<Vec<_>>());
    let value: Vec<Value> = all.iter().skip(skip).take(top).map(|group| membership(group, fields.as_deref())).collect();
    let mut answer = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects", "value": value,
    });
    if skip + top < all.len() {
        let query = next_query(&request.query, top, skip + top);
        answer["@odata.nextLink"] = format!("{}{prefix}/v1.0{resource}?{query}", request.base).into();
    }
    reply::json(200, &answer)
}

fn next_query(query: &Params, top: usize, skip: usize) -> String {
    Params::parse(&query.query_with("$top", &top.to_string())).query_with("$skiptoken", &skip.to_string())
}

fn membership(group: &Group, fields: Option<&[&str]>) -> Value {
    let mut answer = Map::new();
    answer.insert("@odata.type".into(), group.kind.odata_type().into());
    let mut put = |name: &str, value: Value| {
        if fields.is_none_or(|fields| fields.contains(&name)) {
            answer.insert(name.to_owned(), value);
        }
    };
    put("id", group.id.clone().into());
    put("displayName", group.display_name.clone().into());
    if group.kind == GroupKind::Group {
        put("securityEnabled", true.into());
        put("mailEnabled", false.into());
        let local = group.on_premises_name.as_deref().and_then(|name| name.split_once('\\'));
        put("onPremisesSamAccountName", local.map(|(_, name)| name).into());
        put("onPremisesNetBiosName", local.map(|(domain, _)| domain).into());
    }
    Value::Object(answer)
}

fn member_objects(grant: &Grant) -> Response {
    let ids: Vec<&str> = grant.person.groups.iter().map(|group| group.id.as_str()).collect();
    if ids.len() > MEMBER_OBJECTS_MAX {
        return error(400, "Directory_ResultSizeLimitExceeded", "The specified resource has too many memberships.");
    }
    let context = "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)";
    reply::json(200, &json!({ "@odata.context": context, "value": ids }))
}

fn denied() -> Response {
    error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

fn unauthorized(challenge: Option<&str>) -> Response {
    let response = error(401, "InvalidAuthenticationToken", "Access token is empty.");
    match challenge {
        Some(challenge) => reply::with_header(response, WWW_AUTHENTICATE, challenge),
        None => response,
    }
}

/// The claims challenge: the relying party repeats authorize with these claims.
fn insufficient_claims(request: &Request, context: &str) -> Response {
    let claims = json!({ "access_token": { "acrs": { "essential": true, "value": context } } }).to_string();
    let claims = base64::engine::general_purpose::STANDARD.encode(claims);
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", error=\"insufficient_claims\", \
         claims=\"{claims}\"",
        request.base
    );
    unauthorized(Some(&challenge))
}

fn error(status: u16, code: &str, message: &str) -> Response {
    let id = Uuid::new_v4().to_string();
    let inner = json!({ "request-id": id, "client-request-id": id });
    reply::json(status, &json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}
