//! `/admin/test-login-flows`: a sign-in that stops before anybody exists, for looking at claims and mapper.

use crate::call::Call;
use crate::respond::respond_json;
use crate::route::Answer;
use bia_selfservice::test_login;
use http::{HeaderValue, header};

/// `POST /admin/test-login-flows`
pub(crate) async fn create_test_login_flow(call: Call) -> Answer {
    let context = call.anonymous_context();
    let (reply, link) = test_login::create(call.deps(), &context, &call.body).await;
    let mut response = respond_json(&call, &context, reply).await;
    // As 201 has it (RFC 9110 §15.3.2): where the new thing is, here the page to open in a browser.
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LOCATION, link);
    }
    Ok(response)
}
