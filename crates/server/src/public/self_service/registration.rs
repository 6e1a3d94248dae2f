//! `/self-service/registration`.

use crate::call::Call;
use crate::public::self_service::submission;
use crate::respond::{respond, respond_json};
use crate::route::Answer;
use bia_model::FlowType;
use bia_selfservice::registration;

/// `GET /self-service/registration/browser`
pub(crate) async fn create_browser_registration_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = registration::create_flow(call.deps(), &context, FlowType::Browser, &call.init_query()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `GET /self-service/registration/api`
pub(crate) async fn create_native_registration_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = registration::create_flow(call.deps(), &context, FlowType::Api, &call.init_query()).await;
    Ok(respond_json(&call, &context, reply).await)
}

/// `GET /self-service/registration/flows`
pub(crate) async fn get_registration_flow(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = registration::get_flow(call.deps(), &context, call.query.get("id")).await;
    // Kratos: of all reads only this one may lead to the error page, when registration is off.
    Ok(respond(&call, &context, reply).await)
}

/// `POST /self-service/registration`, and GET.
pub(crate) async fn update_registration_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = registration::submit(call.deps(), &context, submission(&call).await?).await;
    Ok(respond(&call, &context, reply).await)
}
