//! Odds and ends that user interfaces ask for.

use crate::answer;
use crate::call::Call;
use crate::route::Answer;

/// `GET /.well-known/ory/webauthn.js`: user interfaces that include it unconditionally get a script that does
/// nothing, since no form here has a security key in it.
pub(crate) async fn get_web_authn_java_script(_: Call) -> Answer {
    Ok(answer::with_body(200, "text/javascript; charset=utf-8", "/* No security keys here. */\n"))
}
