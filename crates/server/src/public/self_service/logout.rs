//! `/self-service/logout`.

use crate::call::Call;
use crate::respond::{respond, respond_json};
use crate::route::Answer;
use bia_selfservice::logout;

/// `GET /self-service/logout/browser`
pub(crate) async fn create_browser_logout_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = logout::create_url(call.deps(), &context, &call.init_query()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `GET /self-service/logout`
pub(crate) async fn update_logout_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = logout::perform(call.deps(), &context, &call.init_query()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `DELETE /self-service/logout/api`
pub(crate) async fn perform_native_logout(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = logout::perform_native(call.deps(), &context, &call.body).await;
    Ok(respond_json(&call, &context, reply).await)
}
