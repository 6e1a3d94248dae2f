//! `/self-service/settings`.

use crate::answer;
use crate::call::Call;
use crate::public::self_service::submission;
use crate::respond::{respond, respond_json};
use crate::route::Answer;
use bia_model::FlowType;
use bia_selfservice::settings;

/// `GET /self-service/settings/browser`
pub(crate) async fn create_browser_settings_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = settings::create_flow(call.deps(), &context, FlowType::Browser, &call.init_query()).await;
    Ok(respond(&call, &context, reply).await)
}

/// `GET /self-service/settings/api`
pub(crate) async fn create_native_settings_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = settings::create_flow(call.deps(), &context, FlowType::Api, &call.init_query()).await;
    Ok(respond_json(&call, &context, reply).await)
}

/// `GET /self-service/settings/flows`
pub(crate) async fn get_settings_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = settings::get_flow(call.deps(), &context, call.query.get("id")).await;
    Ok(respond_json(&call, &context, reply).await)
}

/// `POST /self-service/settings`, and GET.
pub(crate) async fn update_settings_flow(call: Call) -> Answer {
    let context = call.context().await?;
    let reply = settings::submit(call.deps(), &context, submission(&call).await?).await;
    Ok(respond(&call, &context, reply).await)
}

/// `GET /.well-known/change-password`: password managers look for it.
pub(crate) async fn get_well_known_change_password(call: Call) -> Answer {
    let to = call.deps().public("/self-service/settings/browser");
    Ok(answer::redirect(&call.method, 303, &to))
}
