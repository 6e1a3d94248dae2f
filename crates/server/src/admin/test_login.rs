//! `/admin/test-login-flows`: a sign-in that stops before anybody exists, for looking at claims and mapper.

use crate::call::Call;
use crate::respond::respond_json;
use crate::route::Answer;
use bia_selfservice::test_login;

/// `POST /admin/test-login-flows`
pub(crate) async fn create_test_login_flow(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = test_login::create(call.deps(), &context, &call.body).await;
    Ok(respond_json(&call, &context, reply).await)
}
