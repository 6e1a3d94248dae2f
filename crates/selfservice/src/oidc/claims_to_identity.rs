//! From claims to an identity, by the provider's mapper.

use crate::deps::Deps;
use crate::error::FlowError;
use bia_config::OidcProvider;
use bia_identity::identities::ProvenAddress;
use bia_mapper::{MappedIdentity, MapperError, Source};
use bia_model::{ApiError, Claims, Identity};
use serde_json::{Value, json};

/// Largest mapper that is read.
const MAPPER_BYTES_MAX: usize = 1024 * 1024;

/// Why there is no mapped identity.
pub(crate) enum Stopped {
    /// The mapper failed; the error holds everything that its author needs.
    Failed(MapperError),
    /// The mapper said no, with this reason for the visitor.
    Denied(String),
    /// It never ran: its text or imports can't be read.
    NotRun(Box<ApiError>),
}

impl Stopped {
    /// What the visitor is answered: contract §4.3, without source text or claims.
    pub(crate) fn answer(self) -> ApiError {
        let error = match self {
            Self::Failed(error) => error,
            Self::Denied(reason) => return ApiError::bad_request(reason),
            Self::NotRun(error) => return *error,
        };
        let mut answer = ApiError::new(error.code()).with_reason(error.visitor_reason());
        if let Some(id) = error.error_id() {
            answer = answer.with_id(id);
            if id == bia_model::error::id::INVALID_CONFIGURATION {
                answer = answer.with_message("Invalid configuration");
            }
        }
        answer
    }
}

/// Runs the mapper. `identity` is the current one at a login, nothing at a registration.
///
/// # Errors
/// 400 with the mapper's own reason when it denies; otherwise what contract §4.3 says, without source text or
/// claims: those are in the log.
pub(crate) async fn map(
    deps: &Deps,
    provider: &OidcProvider,
    claims: &Claims,
    identity: Option<&Identity>,
) -> Result<MappedIdentity, FlowError> {
    try_map(deps, provider, claims, identity).await.map_err(|stopped| {
        match &stopped {
            Stopped::Failed(error) => {
                tracing::error!(provider = %provider.id, kind = error.kind(), diagnostic = %error.diagnostic(), "the mapper failed");
                let line = error.snippet().map(|place| place.line as u64);
                super::capture::record(deps, provider, (error.kind(), line), claims, identity);
            }
            Stopped::Denied(_) => {
                tracing::info!(provider = %provider.id, "the mapper denied a sign-in");
            }
            Stopped::NotRun(_) => {}
        }
        let step = if matches!(stopped, Stopped::Denied(_)) { "mapper_deny" } else { "mapper" };
        stopped.answer().at_step(step).into()
    })
}

/// [`map`] without a trace in log, metrics or captures, and with everything about a failure: for the test login.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn try_map(
    deps: &Deps,
    provider: &OidcProvider,
    claims: &Claims,
    identity: Option<&Identity>,
) -> Result<MappedIdentity, Stopped> {
    let url = provider.mapper_url.to_text();
    let text = deps.sources.text(&url, MAPPER_BYTES_MAX).await.map_err(|error| {
        tracing::error!(provider = %provider.id, %error, "the mapper can't be read");
        let sentence = "The claims mapper could not be loaded. Please report this to the system administrator.";
        Stopped::NotRun(Box::new(ApiError::plain(sentence)))
    })?;
    let claims = serde_json::to_string(claims)
        .map_err(|_| Stopped::NotRun(Box::new(ApiError::internal("The claims can not be written as JSON."))))?;
    let identity =
        identity.map_or_else(|| bia_mapper::NO_IDENTITY.to_owned(), |identity| current(identity).to_string());
    let name = name_of(provider);
    let source = Source { name: &name, text: &text };
    let imports = deps.imports.of(deps.config.bia.mapper.import_dir.as_deref(), &text).await;
    let imports = imports.map_err(|error| Stopped::NotRun(Box::new(error)))?;
    let mut mapped =
        deps.mapper.map_identity_with(&source, &claims, &identity, &imports).await.map_err(Stopped::Failed)?;
    match mapped.deny.take() {
        Some(reason) => Err(Stopped::Denied(reason)),
        None => Ok(mapped),
    }
}

/// What `std.extVar('identity')` shows: empty objects where there is nothing.
pub(crate) fn current(identity: &Identity) -> Value {
    let or_empty = |value: &Option<Value>| value.clone().filter(|value| !value.is_null()).unwrap_or_else(|| json!({}));
    json!({
        "traits": identity.traits,
        "metadata_public": or_empty(&identity.metadata_public),
        "metadata_admin": or_empty(&identity.metadata_admin),
    })
}

/// The name by which messages call the mapper: its file, or the provider that has it inline.
fn name_of(provider: &OidcProvider) -> String {
    match provider.mapper_url.path() {
        Some(path) => path.display().to_string(),
        None => format!("mapper of provider {}", provider.id),
    }
}

/// The addresses that a mapper vouches for.
pub(crate) fn proven(mapped: &MappedIdentity) -> Vec<ProvenAddress> {
    let addresses = mapped.verified_addresses.iter().flatten();
    addresses.map(|address| ProvenAddress { via: address.via.clone(), value: address.value.clone() }).collect()
}
