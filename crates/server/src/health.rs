//! Health, version, metrics and configuration revision (contract §1.6).

use crate::answer;
use crate::call::Call;
use crate::metrics;
use crate::route::Answer;
use serde_json::json;

/// `GET /health/alive`
pub(crate) async fn is_alive(_: Call) -> Answer {
    Ok(answer::json(200, &json!({ "status": "ok" })))
}

/// `GET /health/ready` on the admin port: names what is wrong.
pub(crate) async fn is_ready(call: Call) -> Answer {
    ready(&call, |problem| problem).await
}

/// `GET /health/ready` on the public port: strangers learn only that something is wrong.
pub(crate) async fn is_ready_public(call: Call) -> Answer {
    ready(&call, |_| "error may contain sensitive information and was obfuscated".to_owned()).await
}

async fn ready(call: &Call, show: impl Fn(String) -> String) -> Answer {
    let (check, problem) = match call.deps().store.is_ready().await {
        Ok(true) => return Ok(answer::json(200, &json!({ "status": "ok" }))),
        Ok(false) => ("migrations", "the database is not migrated; run `bia migrate sql`".to_owned()),
        Err(error) => ("database", error.to_string()),
    };
    Ok(answer::json(503, &json!({ "errors": { check: show(problem) } })))
}

/// `GET /version`
pub(crate) async fn get_version(_: Call) -> Answer {
    Ok(answer::json(200, &json!({ "version": concat!("v", env!("CARGO_PKG_VERSION")) })))
}

/// `GET /health/config`: changes with the configuration, so that a fleet can be checked for stragglers.
pub(crate) async fn get_config_revision(call: Call) -> Answer {
    Ok(answer::with_body(200, "text/plain; charset=utf-8", call.app.revision.clone()))
}

/// `GET /metrics/prometheus`
pub(crate) async fn get_metrics(call: Call) -> Answer {
    Ok(answer::with_body(200, "text/plain; version=0.0.4; charset=utf-8", metrics::render(call.deps())))
}
