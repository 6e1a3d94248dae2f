//! `/self-service/methods/oidc`: where providers send browsers back.

use crate::answer;
use crate::call::Call;
use crate::public::pages;
use crate::respond::respond;
use crate::route::Answer;
use bia_model::ApiError;
use bia_selfservice::{front_channel, oidc};
use tracing::Instrument as _;

/// `GET /self-service/methods/oidc/callback/{provider}`, and the one below an organization.
pub(crate) async fn callback(call: Call) -> Answer {
    let provider = call.param("provider").to_owned();
    to_the_end(call, Some(provider)).await
}

/// `GET /self-service/methods/oidc/callback`, the redirect URI of providers with `pkce: force`.
pub(crate) async fn callback_any(call: Call) -> Answer {
    to_the_end(call, None).await
}

/// Runs a callback in a task of its own: its code can be redeemed only once, so a visitor who closes the tab must
/// not leave a sign-in half done, nor stop the hooks that follow an insert. The server waits for it before it ends.
async fn to_the_end(call: Call, provider: Option<String>) -> Answer {
    let callbacks = call.app.callbacks.clone();
    let request = bia_telemetry::request::current();
    let work = async move {
        let context = call.context().await?;
        let query = call.query.pairs().to_vec();
        let reply = oidc::callback(call.deps(), &context, provider.as_deref(), query).await;
        Ok(respond(&call, &context, reply).await)
    };
    let task = callbacks.spawn(bia_telemetry::request::continued(request, work).in_current_span());
    task.await.unwrap_or_else(|_| Err(ApiError::new(500)))
}

/// `GET /self-service/methods/oidc/logout/{provider}`, which the provider's sign-out page loads in a frame. No cookie
/// arrives there, so nobody is looked up.
pub(crate) async fn front_channel_logout(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply =
        front_channel::front_channel_logout(call.deps(), &context, call.param("provider"), &call.init_query()).await;
    let origin = reply.effects.frame_ancestors.clone().unwrap_or_default();
    let bare = respond(&call, &context, reply).await;
    Ok(pages::front_channel(&call, bare, &origin))
}

/// `POST` of either (`response_mode=form_post`). A POST from another site brings no `SameSite=Lax` cookies, so
/// the browser is sent to the same address as a GET, with the form's fields in the query.
pub(crate) async fn callback_form_post(call: Call) -> Answer {
    let fields = form_urlencoded::parse(&call.body).into_owned();
    let pairs = call.query.pairs().iter().cloned().chain(fields);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    // A relative reference: the cookies of a host of `callback_hosts` are on that host, not on the public one.
    Ok(answer::redirect(&call.method, 302, &format!("?{query}")))
}
