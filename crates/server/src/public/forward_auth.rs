//! `/sessions/forward-auth`: whoami for proxies that hand the answer to the visitor (Traefik, Caddy), or that cannot
//! encode an address themselves (nginx, HAProxy). Kratos has no such route; `/sessions/whoami` serves those that can.

use crate::answer;
use crate::call::Call;
use crate::public::whoami;
use crate::route::Answer;
use bia_selfservice::{return_to, step_up, with_query};

/// Who is signed in, as headers alone; else a page is sent to the login and back, and a script gets whoami's own error.
pub(crate) async fn forward_auth(call: Call) -> Answer {
    let refusal = match whoami::identify(&call).await {
        Ok(headers) => {
            let mut response = answer::with_body(200, answer::JSON, "");
            response.headers_mut().extend(headers);
            return Ok(response);
        }
        Err(refusal) => refusal,
    };
    let needs_second_factor = refusal.code == 403;
    // A script can do nothing with a page, and would follow the redirect into one.
    if !call.wants_page() || !(needs_second_factor || refusal.code == 401) {
        return Err(refusal);
    }
    Ok(answer::redirect(&call.method, 303, &login_url(&call, needs_second_factor)))
}

fn login_url(call: &Call, needs_second_factor: bool) -> String {
    let deps = call.deps();
    // A stranger may write any address into the proxy's headers: only one that flows may return to is passed on.
    let back = call.client.asked_about.as_deref().and_then(|url| {
        let allowed = return_to::resolve(Some(url), "", &deps.allowed_return_urls);
        allowed.ok()
    });
    if needs_second_factor {
        return step_up::login_url(deps, back.as_deref(), None);
    }
    let login = deps.public("/self-service/login/browser");
    match back {
        Some(url) => with_query(&login, &[("return_to", &url)]),
        None => login,
    }
}
