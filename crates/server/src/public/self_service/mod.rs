//! Handlers of `/self-service`: extract, call one function of the flows, respond.

pub(crate) mod disabled;
pub(crate) mod errors;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod registration;
pub(crate) mod settings;

use crate::body;
use crate::call::Call;
use bia_model::ApiError;
use bia_selfservice::SubmitInput;
use http::Method;

/// A flow submission as it came.
async fn submission(call: &Call) -> Result<SubmitInput, ApiError> {
    Ok(SubmitInput {
        flow: call.query.get("flow").map(str::to_owned),
        query: call.query.pairs().to_vec(),
        body: body::decode(&call.method, &call.headers, &call.body).await?,
        is_get: matches!(call.method, Method::GET | Method::HEAD),
    })
}
