//! `GET /self-service/methods/oidc/admin-consent/{provider}`: where Entra sends an administrator back from the link
//! that grants permissions for a whole organisation.
//!
//! Anybody can write this address with any query, so the page believes none of it: it stores nothing, admits no
//! tenant, and says only what was reported. A sign-in shows whether it is true.

use crate::answer;
use crate::call::Call;
use crate::route::Answer;
use axum::response::Response;
use bia_config::ProviderKind;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

const CSP: &str = "default-src 'none'; style-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(crate) async fn admin_consent(call: Call) -> Answer {
    let deps = call.deps();
    let known = deps.config.provider_by_id_or_alias(call.param("provider"));
    let Some(provider) = known.filter(|provider| provider.provider == ProviderKind::Microsoft) else {
        return Ok(page(&Report::Unknown, &deps.public("/self-service/login/browser")));
    };
    let query = call.init_query();
    let report = match query.get("error") {
        Some(error) => {
            let description = query.get("error_description");
            let Some(connection) = deps.providers.get(&provider.id) else {
                return Ok(page(&Report::Unknown, &deps.public("/self-service/login/browser")));
            };
            let denied = connection.denied(error, description);
            tracing::info!(provider = %provider.id, error = %denied, "an administrator came back without consent");
            Report::Refused(denied.to_api().reason.unwrap_or_default())
        }
        None if query.get("admin_consent").is_some_and(|said| said.eq_ignore_ascii_case("true")) => {
            // Only a real id is repeated; everything else in a query is somebody's text on our page.
            let tenant = query.get("tenant").and_then(|text| Uuid::parse_str(text).ok());
            tracing::info!(provider = %provider.id, tenant = ?tenant, "an administrator came back and reports consent; this proves nothing");
            Report::Granted(tenant)
        }
        None => Report::Nothing,
    };
    Ok(page(&report, &deps.public("/self-service/login/browser")))
}

enum Report {
    Granted(Option<Uuid>),
    Refused(String),
    Nothing,
    /// No such connection, or one that is switched off.
    Unknown,
}

fn page(report: &Report, sign_in: &str) -> Response {
    let (title, text) = match report {
        Report::Granted(tenant) => {
            let whose = tenant.map(|id| format!(" for the organization {id}")).unwrap_or_default();
            (
                "Microsoft reports that access was granted",
                format!("The permissions of this application were reported as granted{whose}. This page can't check that: sign in to see that it works. It may take a minute."),
            )
        }
        Report::Refused(reason) => ("Access was not granted", reason.clone()),
        Report::Nothing => (
            "Nothing was reported",
            "This page is where Microsoft sends administrators back to. Open the link that you were given to grant access.".to_owned(),
        ),
        Report::Unknown => (
            "There is no such connection",
            "The address names a connection that does not exist here, or is switched off.".to_owned(),
        ),
    };
    let status = if matches!(report, Report::Unknown) { 404 } else { 200 };
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1><p>{}</p><p><a href=\"{}\">Sign in</a></p></main></body></html>\n",
        escape(&text),
        escape(sign_in)
    );
    let mut response = answer::with_body(status, "text/html; charset=utf-8", body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        out
    })
}
