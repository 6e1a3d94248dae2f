//! GitHub: `/user` tells who, `/user/emails` the primary address when the scope `user:email` was granted.

use crate::error::{ProviderError, Step};
use crate::oauth::{Api, Service};
use crate::token::TokenReply;
use async_trait::async_trait;
use bia_model::{ApiError, Claims};
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) struct Github;

#[derive(Deserialize)]
struct Email {
    email: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    verified: bool,
}

const HOST: &str = "https://github.com";

#[async_trait]
impl Service for Github {
    fn host(&self) -> &'static str {
        HOST
    }

    fn paths(&self) -> (&'static str, &'static str) {
        ("/login/oauth/authorize", "/login/oauth/access_token")
    }

    async fn claims(&self, api: &Api<'_>, reply: &TokenReply) -> Result<Claims, ProviderError> {
        let granted: Vec<&str> = reply.scope.as_deref().unwrap_or_default().split([',', ' ']).collect();
        if api.connection.config.scope.iter().any(|wanted| !granted.contains(&wanted.as_str())) {
            return Err(scope_missing());
        }
        // An Enterprise server has its API below its own host.
        let base = if api.host == HOST { "https://api.github.com".to_owned() } else { format!("{}/api/v3", api.host) };
        let user: Map<String, Value> = api.get(&format!("{base}/user")).await?;
        let text = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let updated = OffsetDateTime::parse(&text("updated_at"), &Rfc3339);
        let mut claims = Claims {
            // Kratos: the token address is the issuer.
            iss: format!("{}/login/oauth/access_token", api.host),
            sub: user.get("id").and_then(Value::as_i64).map(|id| id.to_string()).unwrap_or_default(),
            name: text("name"),
            nickname: text("login"),
            website: text("blog"),
            picture: text("avatar_url"),
            profile: text("html_url"),
            updated_at: updated.map_or(0, OffsetDateTime::unix_timestamp),
            ..Claims::default()
        };
        if granted.contains(&"user:email") {
            let emails: Vec<Email> = api.get(&format!("{base}/user/emails")).await?;
            if let Some(primary) = emails.into_iter().find(|e| e.primary) {
                claims.email = primary.email;
                claims.email_verified = primary.verified;
            }
        }
        claims.raw_claims = user;
        Ok(claims)
    }
}

fn scope_missing() -> ProviderError {
    let reason =
        "Unable to finish because one or more permissions were not granted. Please retry and accept all permissions.";
    let api =
        ApiError::bad_request(reason).with_message("authentication failed because a required scope was not granted");
    ProviderError::new(Step::TokenExchange, api, "GitHub granted fewer scopes than configured").with_config_key("scope")
}
