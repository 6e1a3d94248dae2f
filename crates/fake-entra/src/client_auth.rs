//! Who is asking at the token endpoint: secret in the form, secret in the header, or an assertion.

use base64::Engine as _;
use http::header::AUTHORIZATION;
use ring::digest::{SHA256, digest};

use crate::assertion;
use crate::dispatch::Request;
use crate::oauth_error::OAuthError;
use crate::party::{Party, PartyKind};
use crate::state::Shared;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Presented {
    id: String,
    secret: Option<String>,
    method: &'static str,
}

/// The client's id, once proven.
pub(crate) fn authenticate(
    shared: &Shared,
    request: &Request,
    party: &Party,
    address: &str,
) -> Result<String, OAuthError> {
    if request.form.get("client_assertion_type") == Some(ASSERTION_TYPE) {
        return assertion::verify(shared, &request.form, party, address);
    }
    let presented = presented(request)?;
    let client =
        shared.lock().clients.get(&presented.id).cloned().ok_or_else(|| OAuthError::unknown_client(&presented.id))?;
    if let PartyKind::Plain(provider) = party.kind
        && !provider.client_authentication.contains(&presented.method)
    {
        let text = format!("client authentication method {} is not allowed", presented.method);
        return Err(OAuthError::client(7000218, text));
    }
    let Some(secret) = presented.secret else {
        let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(OAuthError::client(7000218, text));
    };
    if contains(&client.expired_secrets, &secret) {
        let text = format!(
            "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for \
             your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: \
             https://aka.ms/certCreds.",
            client.id
        );
        return Err(OAuthError::client(7000222, text));
    }
    if !contains(&client.secrets, &secret) {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{}'.",
            client.id
        );
        return Err(OAuthError::client(7000215, text));
    }
    Ok(client.id)
}

fn presented(request: &Request) -> Result<Presented, OAuthError> {
    let basic = request.header(AUTHORIZATION).and_then(|header| header.split_once(' '));
    if let Some((scheme, value)) = basic
        && scheme.eq_ignore_ascii_case("basic")
    {
        let decoded = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        let (id, secret) = decoded.split_once(':').ok_or_else(OAuthError::malformed)?;
        let (id, secret) = (form_decoded(id), Some(form_decoded(secret)));
        return Ok(Presented { id, secret, method: "client_secret_basic" });
    }
    let id = request.form.filled("client_id").ok_or_else(|| OAuthError::missing_parameter("client_id"))?;
    let secret = request.form.get("client_secret").map(str::to_owned);
    let method = if secret.is_some() { "client_secret_post" } else { "none" };
    Ok(Presented { id: id.to_owned(), secret, method })
}

/// RFC 6749 form-encodes both halves of the Basic header.
fn form_decoded(text: &str) -> String {
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    let decoded = form_urlencoded::parse(escaped.as_bytes()).next().map(|(key, _)| key.into_owned());
    decoded.unwrap_or_default()
}

/// Compared by digest: what differs is not told by the time it takes.
pub(crate) fn contains(secrets: &[String], presented: &str) -> bool {
    let presented = digest(&SHA256, presented.as_bytes());
    secrets.iter().any(|secret| digest(&SHA256, secret.as_bytes()).as_ref() == presented.as_ref())
}
