//! What a client should do next, besides what the answer itself says (Kratos: `continue_with`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One step that follows a finished flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ContinueWith {
    /// Native apps: keep this token.
    SetOrySessionToken { ory_session_token: String },
    /// Single-page apps: navigate there.
    RedirectBrowserTo { redirect_browser_to: String },
    /// A step that a hook added; it must carry its own `action`.
    #[serde(untagged)]
    Other(Value),
}
