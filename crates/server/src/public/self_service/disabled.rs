//! Recovery and verification: flows that send mail, which Bia doesn't. Their routes say so instead of missing.

use crate::call::Call;
use crate::respond::respond;
use crate::route::Answer;
use bia_model::ApiError;

/// `/self-service/recovery…`. Kratos: the answer of a deployment that has it switched off.
pub(crate) async fn recovery(call: Call) -> Answer {
    refuse(call, "Recovery is not allowed because it was disabled.").await
}

/// `/self-service/verification…`
pub(crate) async fn verification(call: Call) -> Answer {
    refuse(call, "Verification is not allowed because it was disabled.").await
}

async fn refuse(call: Call, reason: &'static str) -> Answer {
    let context = call.anonymous_context();
    Ok(respond(&call, &context, ApiError::bad_request(reason).into()).await)
}
