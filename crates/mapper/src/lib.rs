//! Runs the one piece of code that users write: the Jsonnet mapper that turns a provider's claims into an identity.
//!
//! That code is hostile until shown otherwise, and the evaluator has no limit of time or memory of its own. So nothing is
//! ever evaluated in this process: worker processes of the same program do it, with no environment, no files, no network,
//! limits set by the kernel before the first byte of user code is read, and a deadline held by the parent. A worker that
//! crashes, hangs or lies costs the one evaluation it was running.
//!
//! What this crate never does: it reads no files, opens no sockets, knows no configuration and no other crate of ours. The
//! mapper's text, its imports and the claims are handed in; JSON comes out.
//!
//! Where to start reading: [`Mapper`] (`mapper.rs`) is the way in; `pool.rs` and `pool/schedule.rs` decide who runs when;
//! `protocol.rs` is all that parent and worker say to each other; `worker.rs` is the other side of the pipe, with its limits
//! in `worker/limits.rs` and the evaluator in `worker/engine.rs`; `output.rs` reads what a mapper returned; `diagnostic.rs`,
//! `worker/failure.rs` and `worker/locate.rs` turn a failure into something a person can act on; `worker/lint.rs` and
//! `worker/format.rs` are the workbench. `KNOWN_GAPS.md` lists where the language differs from go-jsonnet.
//!
//! ```no_run
//! # async fn sign_in() -> Result<(), bia_mapper::MapperError> {
//! let mapper = bia_mapper::Mapper::new(bia_mapper::Settings::default());
//! let source = bia_mapper::Source { name: "microsoft.jsonnet", text: "{ identity: { traits: { email: std.extVar('claims').email } } }" };
//! let mapped = mapper.map_identity(&source, r#"{"email":"alice@contoso.example"}"#, bia_mapper::NO_IDENTITY).await?;
//! assert_eq!(mapped.traits["email"], "alice@contoso.example");
//! # Ok(()) }
//! ```
//!
//! A program that uses the pool calls [`worker_main`] first thing in `main` when its first argument is [`WORKER_ARG`], and
//! declares [`MeteredAllocator`] as its global allocator, so that the memory limit is exact.

mod diagnostic;
mod error;
mod lint;
mod mapper;
mod output;
mod pool;
mod protocol;
mod settings;
mod worker;

pub use diagnostic::{Diagnostic, Excerpt, Neighbour, SnippetFault};
pub use error::{Expected, MapperError, OutputError};
pub use lint::{LintFinding, LintSeverity};
pub use mapper::{Evaluation, Mapper, NO_IDENTITY, PoolStats, Source};
pub use output::{MappedAddress, MappedIdentity};
pub use settings::{Settings, WorkerProgram};
pub use worker::limits::MeteredAllocator;
pub use worker::worker_main;

/// The hidden first argument that makes the program a mapper worker.
pub const WORKER_ARG: &str = "mapper-worker";
