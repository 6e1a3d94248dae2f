//! `GET /self-service/methods/oidc/admin-consent/{provider}`: where Entra sends an administrator back from the link
//! that grants permissions for a whole organisation.
//!
//! Anybody can write this address with any query, so the page believes none of it: it stores nothing, admits no
//! tenant, and says only what was reported. A sign-in shows whether it is true.

use crate::answer;
use crate::call::Call;
use crate::public::pages;
use crate::route::Answer;
use bia_config::ProviderKind;
use bia_pages::Consent;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

const CSP: &str = "default-src 'none'; style-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(crate) async fn admin_consent(call: Call) -> Answer {
    let deps = call.deps();
    let known = deps.config.provider_by_id_or_alias(call.param("provider"));
    let Some(provider) = known.filter(|provider| provider.provider == ProviderKind::Microsoft) else {
        return page(&call, &Consent::Unknown);
    };
    let query = call.init_query();
    let report = match query.get("error") {
        Some(error) => {
            let description = query.get("error_description");
            let Some(connection) = deps.providers.get(&provider.id) else {
                return page(&call, &Consent::Unknown);
            };
            let denied = connection.denied(error, description);
            tracing::info!(provider = %provider.id, error = %denied, "an administrator came back without consent");
            Consent::Refused(denied.to_api().reason.unwrap_or_default())
        }
        None if query.get("admin_consent").is_some_and(|said| said.eq_ignore_ascii_case("true")) => {
            // Only a real id is repeated; everything else in a query is somebody's text on our page.
            let tenant = query.get("tenant").and_then(|text| Uuid::parse_str(text).ok());
            tracing::info!(provider = %provider.id, tenant = ?tenant, "an administrator came back and reports consent; this proves nothing");
            Consent::Granted(tenant.map(|id| id.to_string()))
        }
        None => Consent::Nothing,
    };
    page(&call, &report)
}

/// The built-in page, or a bare one where the built-in ones are switched off.
fn page(call: &Call, report: &Consent) -> Answer {
    let status = if *report == Consent::Unknown { 404 } else { 200 };
    if let Some(page) = pages::consent(call, status, report) {
        return page;
    }
    let text = match report {
        Consent::Granted(_) => "Microsoft reports that access was granted. This page can't check that: sign in to see.",
        Consent::Refused(reason) => reason,
        Consent::Nothing => "Nothing was reported.",
        Consent::Unknown => "There is no such connection.",
    };
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">\
         <title>Consent</title></head><body><main><h1>Consent</h1><p>{}</p></main></body></html>\n",
        escape(text)
    );
    let mut response = answer::with_body(status, "text/html; charset=utf-8", body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    Ok(response)
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
