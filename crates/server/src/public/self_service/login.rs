//! `/self-service/login`.

use crate::call::Call;
use crate::public::self_service::submission;
use crate::respond::{respond, respond_json};
use crate::route::Answer;
use bia_model::FlowType;
use bia_selfservice::{login, test_login};

/// `GET /self-service/login/browser`
pub(crate) async fn create_browser_login_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = login::create_flow(call.deps(), &context, FlowType::Browser, &call.init_query()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `GET /self-service/login/api`
pub(crate) async fn create_native_login_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = login::create_flow(call.deps(), &context, FlowType::Api, &call.init_query()).await;
    Ok(respond_json(&call, &context, reply).await)
}

/// `GET /self-service/login/flows`
pub(crate) async fn get_login_flow(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = login::get_flow(call.deps(), &context, call.query.get("id")).await;
    Ok(respond_json(&call, &context, reply).await)
}

/// `POST /self-service/login`, and GET.
pub(crate) async fn update_login_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = login::submit(call.deps(), &context, submission(&call).await?).await;
    Ok(respond(&call, &context, reply).await)
}

/// `DELETE /self-service/login/test`
pub(crate) async fn delete_test_login_flow(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = test_login::delete(call.deps(), &context, &call.init_query()).await;
    Ok(respond_json(&call, &context, reply).await)
}
