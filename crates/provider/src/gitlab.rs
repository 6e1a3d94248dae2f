//! GitLab: its userinfo endpoint, at gitlab.com or at the host that `issuer_url` names.

use crate::claims;
use crate::error::ProviderError;
use crate::oauth::{Api, Service};
use crate::token::TokenReply;
use async_trait::async_trait;
use bia_model::Claims;

pub(crate) struct Gitlab;

#[async_trait]
impl Service for Gitlab {
    fn host(&self) -> &'static str {
        "https://gitlab.com"
    }

    fn paths(&self) -> (&'static str, &'static str) {
        ("/oauth/authorize", "/oauth/token")
    }

    async fn claims(&self, api: &Api<'_>, _: &TokenReply) -> Result<Claims, ProviderError> {
        let raw = api.get(&format!("{}/oauth/userinfo", api.host)).await?;
        let mut claims = claims::decode(raw)?;
        if claims.iss.is_empty() {
            api.host.clone_into(&mut claims.iss);
        }
        Ok(claims)
    }
}
