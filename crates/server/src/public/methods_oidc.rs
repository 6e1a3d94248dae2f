//! `/self-service/methods/oidc`: where providers send browsers back.

use crate::answer;
use crate::call::Call;
use crate::respond::respond;
use crate::route::Answer;
use bia_selfservice::oidc;

/// `GET /self-service/methods/oidc/callback/{provider}`, and the one below an organization.
pub(crate) async fn callback(call: Call) -> Answer {
    let context = call.context().await?;
    let provider = Some(call.param("provider"));
    let reply = oidc::callback(call.deps(), &context, provider, call.query.pairs().to_vec()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `GET /self-service/methods/oidc/callback`, the redirect URI of providers with `pkce: force`.
pub(crate) async fn callback_any(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = oidc::callback(call.deps(), &context, None, call.query.pairs().to_vec()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `POST` of either (`response_mode=form_post`). A POST from another site brings no `SameSite=Lax` cookies, so
/// the browser is sent to the same address as a GET, with the form's fields in the query.
pub(crate) async fn callback_form_post(call: Call) -> Answer {
    let fields = form_urlencoded::parse(&call.body).into_owned();
    let pairs = call.query.pairs().iter().cloned().chain(fields);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Ok(answer::redirect(&call.method, 302, &format!("{}?{query}", call.deps().public(&call.path))))
}
