//! The request that the current task answers.

use std::future::Future;
use std::sync::Arc;

/// What log lines, audit events and calls to others may say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The correlation id: the trusted proxy's `X-Request-ID`, else one of our own.
    pub id: String,
    /// The client's address. Personal data: only audit events may show it, and only when they are told to.
    pub ip_address: Option<String>,
    /// The client's `User-Agent`. Personal data as well.
    pub user_agent: Option<String>,
}

tokio::task_local! {
    static CURRENT: Arc<Request>;
}

/// Runs `work` as part of this request.
pub fn scope<F: Future>(request: Request, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(Arc::new(request), work)
}

/// Runs work of a task of its own, such as a web hook that nobody waits for, as part of the request that caused it.
pub async fn continued<F: Future>(request: Option<Arc<Request>>, work: F) -> F::Output {
    match request {
        Some(request) => CURRENT.scope(request, work).await,
        None => work.await,
    }
}

/// The request of this task, if it answers one.
pub fn current() -> Option<Arc<Request>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// The correlation id of this task's request.
pub fn id() -> Option<String> {
    CURRENT.try_with(|request| request.id.clone()).ok()
}

/// The correlation id in the form that Microsoft takes as `client-request-id` and repeats in its own logs: a UUID.
/// A proxy's id of another form is none, and can't be sent that way.
pub fn id_as_uuid() -> Option<String> {
    let parsed = CURRENT.try_with(|request| uuid::Uuid::parse_str(&request.id).ok()).ok()?;
    parsed.map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str) -> Request {
        Request { id: id.to_owned(), ..Request::default() }
    }

    #[tokio::test]
    async fn the_id_is_known_within_the_request_and_nowhere_else() {
        assert_eq!(id(), None);
        let seen = scope(request("req-1"), async {
            tokio::task::yield_now().await;
            id()
        });
        assert_eq!(seen.await.as_deref(), Some("req-1"));
        assert_eq!(id(), None);
    }

    #[tokio::test]
    async fn work_that_outlives_a_request_keeps_its_id() {
        let caught = scope(request("req-2"), async { current() }).await;
        let later = tokio::spawn(async move { continued(caught, async { id() }).await });
        assert_eq!(later.await.ok().flatten().as_deref(), Some("req-2"));
    }

    #[tokio::test]
    async fn only_a_uuid_is_sent_as_one() {
        let plain = "0b9c3b1e000040008000000000000001";
        let hyphened = "0b9c3b1e-0000-4000-8000-000000000001";
        assert_eq!(scope(request(plain), async { id_as_uuid() }).await.as_deref(), Some(hyphened));
        assert_eq!(scope(request("req-1"), async { id_as_uuid() }).await, None);
    }
}
