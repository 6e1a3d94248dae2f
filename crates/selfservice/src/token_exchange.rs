//! Native apps fetch their session with two codes (contract §3.10): the init code, which the app kept, and the
//! return-to code, which came back through the browser.
//!
//! Both are stored as hashes. Until the codes expire the session token is kept sealed under a key made of both,
//! so that the exchange can be answered again and the database alone opens nothing.

use crate::context::{Context, InitQuery};
use crate::deps::{Deps, with_query};
use crate::error::store_error;
use crate::flow;
use crate::oidc::pending_link;
use crate::outcome::{Outcome, Redirect, Reply};
use crate::step_up;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bia_identity::seal;
use bia_model::{ApiError, Flow, FlowKind, Session};
use bia_store::{TokenExchange, TokenHash};
use serde_json::json;
use uuid::Uuid;

const CODE_LENGTH: usize = 64;

/// Prepares an exchange for a new flow; the flow shows the init code once.
pub(crate) async fn open(deps: &Deps, context: &Context, flow: &mut Flow) -> Result<(), ApiError> {
    let init_code = seal::random_alphanumeric(CODE_LENGTH);
    let exchange = TokenExchange {
        id: Uuid::new_v4(),
        flow_id: flow.id,
        init_code_hash: TokenHash::of(&init_code),
        init_secret: init_secret(&init_code),
        return_to_code_hash: None,
        session_id: None,
        sealed_token: None,
        expires_at: context.now + deps.lifespan(flow.kind),
    };
    deps.store.insert_token_exchange(&exchange).await.map_err(|error| store_error(&error))?;
    flow.token_exchange = true;
    flow.session_token_exchange_code = Some(init_code);
    Ok(())
}

/// One half of the key that seals the session token: follows from the init code but doesn't give it away.
fn init_secret(init_code: &str) -> String {
    STANDARD_NO_PAD.encode(seal::hash512(init_code))
}

/// What binds a state to the app that began the flow; empty when nobody waits at the exchange.
pub(crate) async fn init_code_hash(deps: &Deps, flow: &Flow) -> Result<String, ApiError> {
    if !flow.token_exchange {
        return Ok(String::new());
    }
    let found = deps.store.find_token_exchange_by_flow(flow.id).await.map_err(|error| store_error(&error))?;
    Ok(found.map(|exchange| exchange.init_secret).unwrap_or_default())
}

/// The session is there: keep its token for the app and send the browser back with the second code.
pub(crate) async fn hand_over(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    session: &Session,
    token: &str,
    return_to: String,
) -> Reply {
    match complete(deps, context, flow, Some((session, token))).await {
        Ok(code) => Outcome::RedirectAll(Redirect::see_other(with_query(&return_to, &[("code", &code)]))).into(),
        Err(error) => flow::refuse(Some(flow), error),
    }
}

/// The flow needs something from the person: the app learns that at the exchange.
pub(crate) async fn return_failed(deps: &Deps, context: &Context, flow: Flow) -> Reply {
    if let Err(error) = flow::save(deps, &flow).await {
        return flow::refuse(Some(&flow), store_error(&error));
    }
    let default = deps.default_return_url();
    let to = match flow::return_url(deps, &flow, default) {
        Ok(to) => to,
        Err(error) => return flow::refuse(Some(&flow), error),
    };
    match complete(deps, context, &flow, None).await {
        Ok(code) => {
            let id = flow.id.to_string();
            let mut pairs = vec![("code", code.as_str())];
            if flow.kind == FlowKind::Registration {
                pairs.push(("flow", &id));
            }
            Outcome::RedirectAll(Redirect::see_other(with_query(&to, &pairs))).into()
        }
        Err(error) => flow::refuse(Some(&flow), error),
    }
}

/// Makes the return-to code, and seals the token under both.
async fn complete(
    deps: &Deps,
    _context: &Context,
    flow: &Flow,
    session: Option<(&Session, &str)>,
) -> Result<String, ApiError> {
    let found = deps.store.find_token_exchange_by_flow(flow.id).await.map_err(|error| store_error(&error))?;
    let exchange = found.ok_or_else(|| ApiError::internal("The session token exchange of this flow is gone."))?;
    let code = seal::random_alphanumeric(CODE_LENGTH);
    let sealed = session.map(|(_, token)| seal::seal_with_codes(&exchange.init_secret, &code, token.as_bytes()));
    let session_id = session.map(|(session, _)| session.id);
    deps.store
        .set_token_exchange_return(exchange.id, &TokenHash::of(&code), session_id, sealed.as_deref())
        .await
        .map_err(|error| store_error(&error))?;
    Ok(code)
}

/// `exchangeSessionToken`.
pub async fn exchange(deps: &Deps, context: &Context, query: &InitQuery) -> Reply {
    match redeem(deps, context, query).await {
        Ok(reply) => reply,
        Err(error) => Outcome::RefusedJson(error).into(),
    }
}

async fn redeem(deps: &Deps, context: &Context, query: &InitQuery) -> Result<Reply, ApiError> {
    let (Some(init_code), Some(return_to_code)) = (query.non_empty("init_code"), query.non_empty("return_to_code"))
    else {
        return Err(ApiError::bad_request("\"init_code\" and \"return_to_code\" query params must be set"));
    };
    let none_yet = || ApiError::not_found("no session yet for this \"code\"");
    let found = deps
        .store
        .find_token_exchange_by_init_code(&TokenHash::of(init_code))
        .await
        .map_err(|error| store_error(&error))?;
    let exchange = found.filter(|exchange| context.now < exchange.expires_at).ok_or_else(none_yet)?;
    if exchange.return_to_code_hash.as_ref() != Some(&TokenHash::of(return_to_code)) {
        return Err(none_yet());
    }
    let Some(sealed) = &exchange.sealed_token else {
        let flow = deps.store.find_flow_of_any_kind(exchange.flow_id).await.map_err(|error| store_error(&error))?;
        let flow = flow.ok_or_else(none_yet)?;
        return Ok(Outcome::Json { status: 422, body: flow.to_json(None) }.into());
    };
    let token = seal::open_with_codes(&exchange.init_secret, return_to_code, sealed)
        .and_then(|token| String::from_utf8(token).ok())
        .ok_or_else(none_yet)?;
    let session =
        deps.store.find_session_by_token_hash(&TokenHash::of(&token)).await.map_err(|error| store_error(&error))?;
    let session = session.ok_or_else(none_yet)?;
    let flow = deps.store.find_flow_of_any_kind(exchange.flow_id).await.map_err(|error| store_error(&error))?;
    let is_half = session.identity.as_ref().is_some_and(|owner| step_up::is_needed(deps, owner, session.aal));
    let session = match flow {
        // As in a browser: nothing is linked, and nobody named, before the second factor.
        _ if is_half => Session { identity: None, ..session },
        Some(flow) => {
            let confirmed = pending_link::confirm_at_exchange(deps, flow, session, context.now).await;
            confirmed.map_err(|error| store_error(&error))?
        }
        None => session,
    };
    let identity = session.identity.as_ref().map(|identity| identity.to_public(deps.config.public_url().as_str()));
    let body = json!({
        "session_token": token,
        // Kratos: the exchange answers without devices.
        "session": bia_model::Session { devices: Vec::new(), ..session.clone() }.to_json(context.now, identity.unwrap_or_default(), true),
    });
    Ok(Outcome::Json { status: 200, body }.into())
}
