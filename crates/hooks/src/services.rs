//! What hooks borrow from the rest of the program: HTTP, Jsonnet, and room to work in the background.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bia_mapper::{Evaluation, Mapper, MapperError, Source};
use bia_outbound::{Outbound, SourceError, Sources};
use bia_telemetry::request;
use tokio::sync::Semaphore;

/// Largest body template; the same as for mappers.
const TEMPLATE_BYTES_MAX: usize = 1024 * 1024;
/// Web hooks that may be under way in the background at once; a receiver that hangs must not fill the memory.
const BACKGROUND_MAX: u32 = 512;

/// What [`crate::Registry::build`] gives to built-in hooks. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Every call of a web hook goes through it, so `clients.http` holds for them, too.
    pub outbound: Outbound,
    /// Evaluates the body of a web hook.
    pub bodies: Arc<dyn Bodies>,
    /// How patient web hooks are.
    pub pace: Pace,
    /// Where hooks with `response.ignore` run. Share it between reloads, so that the bound holds for the process.
    pub background: Background,
}

impl Services {
    /// The real thing: templates from `sources`, evaluated by the mapper's workers, with Kratos' patience.
    pub fn new(outbound: Outbound, sources: Arc<Sources>, mapper: Mapper) -> Self {
        Self {
            outbound,
            bodies: Arc::new(JsonnetBodies { sources, mapper }),
            pace: Pace::default(),
            background: Background::default(),
        }
    }
}

/// Timeouts and retries of web hooks. The default is Kratos'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// For one attempt, answer included.
    pub attempt: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Before the first retry; it doubles with each.
    pub wait: Duration,
    /// The longest wait, also when the receiver asks for more with `Retry-After`.
    pub wait_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(30),
            retries: 2,
            wait: Duration::from_secs(1),
            wait_max: Duration::from_secs(30),
        }
    }
}

/// Turns a body template and its `ctx` into the text to send.
#[async_trait]
pub trait Bodies: Send + Sync {
    /// Evaluates the template at `source`, a function whose one parameter `ctx` gets the JSON text `context`.
    ///
    /// # Errors
    /// See [`BodyError`].
    async fn evaluate(&self, source: &str, context: &str) -> Result<String, BodyError>;
}

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The template said `error "cancel"`: this call is not wanted.
    #[error("the template cancelled the call")]
    Cancelled,
    /// The template's text can't be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The template failed.
    #[error("{}", .0.diagnostic())]
    Template(MapperError),
}

struct JsonnetBodies {
    sources: Arc<Sources>,
    mapper: Mapper,
}

#[async_trait]
impl Bodies for JsonnetBodies {
    async fn evaluate(&self, source: &str, context: &str) -> Result<String, BodyError> {
        let text = self.sources.text(source, TEMPLATE_BYTES_MAX).await?;
        let evaluation = Evaluation {
            source: Source { name: "web_hook body", text: &text },
            ext_vars: &[],
            tla: &[("ctx", context)],
            imports: &[],
        };
        self.mapper
            .evaluate(evaluation)
            .await
            // Kratos: an `error` whose text begins with `cancel` skips the call.
            .map_err(|error| if error.is_cancel() { BodyError::Cancelled } else { BodyError::Template(error) })
    }
}

/// Tasks that nobody waits for, in a bounded number.
#[derive(Clone, Debug)]
pub struct Background {
    permits: Arc<Semaphore>,
    most: u32,
}

impl Default for Background {
    fn default() -> Self {
        Self::with_room_for(BACKGROUND_MAX)
    }
}

impl Background {
    /// Room for so many tasks at once.
    pub fn with_room_for(most: u32) -> Self {
        Self { permits: Arc::new(Semaphore::new(most as usize)), most }
    }

    /// Runs the task on its own, so that a client that goes away does not stop it. False when there is no room.
    #[must_use]
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return false;
        };
        let request = request::current();
        tokio::spawn(async move {
            request::continued(request, task).await;
            drop(permit);
        });
        true
    }

    /// Waits until nothing is under way. False when something still was.
    pub async fn finish(&self, within: Duration) -> bool {
        matches!(tokio::time::timeout(within, self.permits.acquire_many(self.most)).await, Ok(Ok(_)))
    }
}
