//! `private_key_jwt` by certificate, and workload identity federation.

use crate::clients::{Client, FederatedCredential};
use crate::jwt::Unverified;
use crate::oauth_error::OAuthError;
use crate::params::Params;
use crate::party::Party;
use crate::state::Shared;

const LEEWAY: i64 = 300;
const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The client's id, once the assertion proved it.
pub(crate) fn verify(shared: &Shared, form: &Params, party: &Party, address: &str) -> Result<String, OAuthError> {
    let malformed = || OAuthError::client(50027, "JWT token is invalid or malformed.");
    let assertion = Unverified::parse(form.get("client_assertion").unwrap_or_default()).ok_or_else(malformed)?;
    let id = form.filled("client_id").or(assertion.text("sub")).ok_or_else(malformed)?;
    let (client, now) = {
        let state = shared.lock();
        (state.clients.get(id).cloned().ok_or_else(|| OAuthError::unknown_client(id))?, state.now())
    };
    let begins = assertion.seconds("nbf").unwrap_or(now);
    if assertion.seconds("exp").is_none_or(|ends| ends <= now - LEEWAY) || begins > now + LEEWAY {
        let text = "Client assertion is not within its valid time range.";
        return Err(OAuthError::client(700024, text));
    }
    let issuer = assertion.text("iss").unwrap_or_default();
    if issuer == id {
        by_certificate(&client, &assertion, party, address)?;
    } else {
        by_federation(&client, &assertion, issuer)?;
    }
    Ok(client.id)
}

fn by_certificate(client: &Client, assertion: &Unverified<'_>, party: &Party, address: &str) -> Result<(), OAuthError> {
    if assertion.text("sub") != Some(&client.id) {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(OAuthError::client(700021, text));
    }
    // An assertion for somebody else's token endpoint must not be replayed here.
    let is_ours = |audience: &&str| {
        *audience == address
            || audience.strip_prefix(&party.base).is_some_and(|path| {
                let tail = path.trim_start_matches('/').split_once('/').map_or("", |(_, tail)| tail);
                matches!(tail, "oauth2/v2.0/token" | "oauth2/token" | "v2.0")
            })
    };
    if !assertion.audiences().iter().any(is_ours) {
        return Err(OAuthError::client(50027, "JWT token is invalid: audience does not match."));
    }
    let Some(certificate) = client.certificates.iter().find(|certificate| certificate.is_named_by(assertion)) else {
        let thumbprint = assertion.header_text("x5t").or(assertion.header_text("x5t#S256")).unwrap_or_default();
        let text = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']."
        );
        return Err(OAuthError::client(700027, text));
    };
    if !assertion.is_signed_by_rsa(&certificate.key) {
        return Err(bad_signature());
    }
    Ok(())
}

fn by_federation(client: &Client, assertion: &Unverified<'_>, issuer: &str) -> Result<(), OAuthError> {
    let of_issuer: Vec<&FederatedCredential> =
        client.federated.iter().filter(|credential| credential.issuer == issuer).collect();
    if of_issuer.is_empty() {
        let text = format!("No matching federated identity record found for presented assertion issuer '{issuer}'.");
        return Err(OAuthError::client(700211, text));
    }
    let subject = assertion.text("sub").unwrap_or_default();
    let Some(credential) = of_issuer.into_iter().find(|credential| credential.subject == subject) else {
        let text = format!("No matching federated identity record found for presented assertion subject '{subject}'.");
        return Err(OAuthError::client(700213, text));
    };
    // One audience only, as Entra demands.
    if assertion.audiences() != [FEDERATION_AUDIENCE] {
        let audience = assertion.audiences().first().copied().unwrap_or_default().to_owned();
        let text =
            format!("No matching federated identity record found for presented assertion audience '{audience}'.");
        return Err(OAuthError::client(700212, text));
    }
    match &credential.key {
        Some(key) if !assertion.is_signed_by_rsa(key) => Err(bad_signature()),
        _ => Ok(()),
    }
}

fn bad_signature() -> OAuthError {
    let text = "The certificate with identifier used to sign the client assertion is not registered on application. \
                [Reason - The key was found, but the signature was not valid.].";
    OAuthError::client(700027, text)
}
