//! Why a move stopped. What concerns one person alone is a [`crate::Failure`] in the report instead.

use bia_outbound::OutboundError;
use bia_store::StoreError;
use std::path::PathBuf;

/// The move as a whole can't go on.
#[derive(Debug, thiserror::Error)]
pub enum MovingError {
    /// No answer, after every attempt.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// An answer that is none: no rights, no such route, a fault that lasts.
    #[error("{place} answered {status}{}{hint}", if .message.is_empty() { String::new() } else { format!(" ({})", .message) })]
    Refused {
        place: String,
        status: u16,
        /// The server's `error.message`, which names no values.
        message: String,
        hint: &'static str,
    },
    /// Not what the admin API of a Kratos answers.
    #[error("{place} did not answer as the admin API of Kratos does: {why}")]
    Unexpected { place: String, why: String },
    /// The same page again and again.
    #[error("{place} leads from a page to itself; the list would never end")]
    Circle { place: String },
    #[error(
        "{} belongs to a move from {found}, not from {wanted}. Name another file with --cursor, or begin anew with --restart",
        path.display()
    )]
    OtherCursor { path: PathBuf, found: String, wanted: String },
    #[error("{} can't be used: {why}", path.display())]
    File { path: PathBuf, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}
