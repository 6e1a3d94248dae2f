//! `/self-service/errors`: what went wrong, for the page that shows it.

use crate::call::Call;
use crate::respond::respond_json;
use crate::route::Answer;
use bia_selfservice::flow_errors;

/// `GET /self-service/errors`
pub(crate) async fn get_flow_error(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = flow_errors::get(call.deps(), &context, &call.init_query()).await;
    Ok(respond_json(&call, &context, reply).await)
}
