//! Why a call came to nothing, and what the visitor is told about it.

use bia_mapper::MapperError;
use bia_model::ApiError;
use bia_outbound::OutboundError;

use crate::services::BodyError;

/// A call without an answer. Its text is for the log and holds neither path, header, body nor cookie.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The settings can't work; Kratos' sentence.
    #[error("{0}")]
    Misconfigured(&'static str),
    /// The template gave no body.
    #[error("the body template failed: {0}")]
    Body(BodyError),
    /// A form body that isn't a flat object of strings.
    #[error("the body template has to evaluate to an object whose values are strings, because the call sends a form")]
    NotAForm,
    /// Each attempt ran out of time.
    #[error("no answer in time, in {attempts} attempt(s)")]
    TimedOut { attempts: u32 },
    /// Each attempt met a broken connection, or an answer that asks to try again.
    #[error("giving up after {attempts} attempt(s): {last}")]
    GaveUp { attempts: u32, last: String },
    /// The call was not made at all, or its answer was too large.
    #[error("{0}")]
    Refused(&'static str),
    /// Something inside the delivery broke.
    #[error("the delivery ended unexpectedly")]
    Crashed,
}

impl Failure {
    /// A stable word for metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Misconfigured(_) => "misconfigured",
            Self::Body(_) | Self::NotAForm => "body",
            Self::TimedOut { .. } => "timeout",
            Self::GaveUp { .. } => "gave_up",
            Self::Refused(_) => "refused",
            Self::Crashed => "crashed",
        }
    }

    /// What the visitor is told: Kratos' status and sentence, nothing of the receiver.
    pub(super) fn into_api_error(self) -> ApiError {
        match self {
            Self::Misconfigured(text) => ApiError::plain(text),
            Self::Body(BodyError::Template(error)) => template_error(&error),
            Self::Body(_) | Self::NotAForm | Self::Crashed => ApiError::internal(
                "The data of your account could not be processed. Please contact the system administrator.",
            ),
            Self::TimedOut { .. } => ApiError::new(504)
                .with_message("the web hook did not answer in time")
                .with_reason("A third-party upstream service could not be reached. Please try again later."),
            // Kratos: no reason and no id here, only the HTTP client's own text, which also names the address.
            Self::GaveUp { attempts, .. } => {
                ApiError::plain(format!("the web hook failed: giving up after {attempts} attempt(s)"))
            }
            Self::Refused(_) => super::response::answered_improperly("the web hook could not be called"),
        }
    }
}

fn template_error(error: &MapperError) -> ApiError {
    ApiError::new(error.code()).with_reason(error.visitor_reason())
}

/// The reason of a failed attempt in a few fixed words: the error's own text names the path.
pub(super) fn in_words(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::BadUrl { .. } => "the address can't be called",
        OutboundError::PrivateAddress { .. } => {
            "the address is private, which clients.http.disallow_private_ip_ranges forbids; list it under clients.http.private_ip_exception_urls if it is meant"
        }
        OutboundError::Timeout { .. } => "no answer in time",
        OutboundError::Connect { .. } => "the receiver could not be reached",
        OutboundError::Broken { .. } => "the connection broke",
        OutboundError::TooLarge { .. } => "the answer is larger than 5 MiB",
        OutboundError::TooManyRedirects { .. } => "too many redirects",
        OutboundError::Json { .. } => "the answer is not the expected JSON",
    }
}
