//! The day on which a client secret or certificate ends, known before it stops sign-ins.
//!
//! | Metric | Labels | What |
//! | --- | --- | --- |
//! | `bia_client_credential_days_left` | provider, credential | days until the secret or certificate ends; negative afterwards |
//!
//! Providers are those of the configuration, so there are never more series than entries in it.

use bia_config::{Config, OidcProvider};
use bia_model::Timestamp;
use std::collections::HashMap;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

const DAY: i64 = 24 * 60 * 60;

/// How urgent it is. The borders are 30, 7 and 1 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// More than 30 days.
    Calm,
    /// At most 30 days.
    Month,
    /// At most 7 days.
    Week,
    /// Today or tomorrow.
    Day,
    /// It has ended.
    Over,
}

impl Urgency {
    /// Of a number of whole days.
    pub fn of(days: i64) -> Self {
        match days {
            ..0 => Self::Over,
            0 | 1 => Self::Day,
            2..=7 => Self::Week,
            8..=30 => Self::Month,
            _ => Self::Calm,
        }
    }
}

/// When one credential of one provider ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    pub provider: String,
    /// `secret` or `certificate`.
    pub credential: &'static str,
    /// Whole days; 0 on the last day itself, when the credential may already be refused.
    pub days_left: i64,
    /// The key that names the day, or the file.
    pub key: &'static str,
}

impl Deadline {
    /// How urgent it is.
    pub fn urgency(&self) -> Urgency {
        Urgency::of(self.days_left)
    }
}

/// `client_secret_expires_at`, as days from now. None when it is not set or is no date.
pub fn of_secret(provider: &OidcProvider, now: Timestamp) -> Option<Deadline> {
    let text = provider.client_secret_expires_at.as_deref()?;
    let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    let today = OffsetDateTime::from_unix_timestamp(now.secs()).ok()?.date();
    let days_left = i64::from(day.to_julian_day()) - i64::from(today.to_julian_day());
    Some(Deadline { provider: provider.id.clone(), credential: "secret", days_left, key: "client_secret_expires_at" })
}

/// The certificate's own end. None when there is none or it can't be read, which a sign-in reports.
pub async fn of_certificate(provider: &OidcProvider, now: Timestamp) -> Option<Deadline> {
    let certificate = provider.microsoft.client_certificate.as_ref()?;
    let info = bia_provider::inspect_certificate(certificate).await.ok()?;
    let days_left = (info.not_after - now.secs()).div_euclid(DAY) + i64::from(info.not_after > now.secs());
    Some(Deadline {
        provider: provider.id.clone(),
        credential: "certificate",
        days_left,
        key: "microsoft.client_certificate.file",
    })
}

/// Every known end, of enabled providers.
pub async fn deadlines(config: &Config, now: Timestamp) -> Vec<Deadline> {
    let mut found = Vec::new();
    for provider in config.providers().iter().filter(|provider| provider.enabled) {
        found.extend(of_secret(provider, now));
        found.extend(of_certificate(provider, now).await);
    }
    found
}

/// What was last said about which credential.
#[derive(Debug, Default)]
pub struct Countdown {
    said: HashMap<(String, &'static str), Urgency>,
}

impl Countdown {
    /// Sets the gauge, and warns at the start, whenever a border is crossed, and daily in the last week and after.
    /// Returns what was warned of.
    pub fn look<'d>(&mut self, deadlines: &'d [Deadline]) -> Vec<&'d Deadline> {
        self.forget_all_but(deadlines);
        let mut warned = Vec::new();
        for deadline in deadlines {
            show(deadline.provider.clone(), deadline.credential, deadline.days_left as f64);
            let urgency = deadline.urgency();
            let before = self.said.insert((deadline.provider.clone(), deadline.credential), urgency);
            let is_news = before != Some(urgency) || urgency >= Urgency::Week;
            if urgency == Urgency::Calm || !is_news {
                continue;
            }
            say(deadline, urgency);
            warned.push(deadline);
        }
        warned
    }

    /// A provider that the configuration no longer has must not ring an alarm for ever: no comparison holds for NaN.
    fn forget_all_but(&mut self, deadlines: &[Deadline]) {
        self.said.retain(|(provider, credential), _| {
            let is_known = |deadline: &Deadline| deadline.provider == *provider && deadline.credential == *credential;
            let stays = deadlines.iter().any(is_known);
            if !stays {
                show(provider.clone(), credential, f64::NAN);
            }
            stays
        });
    }
}

fn show(provider: String, credential: &'static str, days: f64) {
    metrics::gauge!("bia_client_credential_days_left", "provider" => provider, "credential" => credential).set(days);
}

fn say(deadline: &Deadline, urgency: Urgency) {
    let Deadline { provider, credential, days_left, key } = deadline;
    if urgency == Urgency::Over {
        tracing::error!(%provider, credential, days_left, key, "the client credential has ended: sign-ins fail with AADSTS7000222 or AADSTS700027 until it is replaced");
    } else {
        tracing::warn!(%provider, credential, days_left, key, "the client credential ends soon; make a new one and list both in client_secrets, or upload the new certificate beside the old one");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(days_left: i64) -> Deadline {
        Deadline { provider: "microsoft".to_owned(), credential: "secret", days_left, key: "client_secret_expires_at" }
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        let provider = |day: &str| -> OidcProvider {
            serde_json::from_value(serde_json::json!({
                "id": "ms", "provider": "microsoft", "mapper_url": "file://none", "client_secret_expires_at": day
            }))
            .expect("a provider")
        };
        // 2027-02-27 23:59:59 UTC.
        let now = Timestamp::from_micros(1_803_772_799_000_000);
        let days = |day: &str| of_secret(&provider(day), now).map(|d| d.days_left);
        assert_eq!(days("2027-02-28"), Some(1));
        assert_eq!(days("2027-02-27"), Some(0));
        assert_eq!(days("2027-03-29"), Some(30));
        assert_eq!(days("2026-02-27"), Some(-365));
        assert_eq!(days("soon"), None);
    }

    #[test]
    fn warnings_come_at_thirty_seven_and_one_days_and_daily_in_the_end() {
        let mut countdown = Countdown::default();
        let warned: Vec<i64> = (-2..=40).rev().filter(|day| !countdown.look(&[deadline(*day)]).is_empty()).collect();
        assert_eq!(warned, [30, 7, 6, 5, 4, 3, 2, 1, 0, -1, -2]);
        assert_eq!(Countdown::default().look(&[deadline(12)]).len(), 1, "a start within the month says it");
    }

    #[test]
    fn a_provider_that_went_and_came_back_is_warned_of_again() {
        let mut countdown = Countdown::default();
        assert_eq!(countdown.look(&[deadline(12)]).len(), 1);
        assert_eq!(countdown.look(&[deadline(12)]).len(), 0);
        assert_eq!(countdown.look(&[]).len(), 0);
        assert_eq!(countdown.look(&[deadline(12)]).len(), 1);
    }
}
