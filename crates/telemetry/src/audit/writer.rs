//! The thread that writes: a full disk or a slow one keeps nobody waiting who signs in.

use super::sink::AuditError;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

/// Lines that may wait; at the size of a line that is a few megabytes.
const WAITING_MAX: usize = 8192;
/// How often a failure is said in the log; the metric counts every one.
const COMPLAINT_PACE: Duration = Duration::from_secs(60);

/// Why an event is lost: the label `reason` of the metric.
pub const DROP_REASONS: [&str; 2] = [QUEUE_FULL, WRITE_ERROR];
const QUEUE_FULL: &str = "queue_full";
const WRITE_ERROR: &str = "write_error";

enum Message {
    Line(String),
    /// Look at what is wanted, without a line.
    Wake,
    Flush(Sender<()>),
}

/// The way to the thread; it ends with the last handle.
pub(super) struct Writer {
    messages: SyncSender<Message>,
    reopen: Arc<AtomicBool>,
}

/// What is written to.
pub(super) enum Target {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Target {
    pub(super) fn open(path: PathBuf) -> Result<Self, AuditError> {
        // Opening a pipe waits for its reader, which may never come.
        if std::fs::metadata(&path).is_ok_and(|found| {
            use std::os::unix::fs::FileTypeExt as _;
            found.is_dir() || found.file_type().is_fifo() || found.file_type().is_socket()
        }) {
            return Err(AuditError::new(path, "it is no file"));
        }
        match append(&path) {
            Ok(file) => Ok(Self::File { path, file }),
            Err(error) => Err(AuditError::new(path, error.kind())),
        }
    }

    fn write(&mut self, line: &str) -> std::io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(line.as_bytes())?;
                out.flush()
            }
            Self::File { file, .. } => file.write_all(line.as_bytes()),
        }
    }

    fn reopen(&mut self) {
        let Self::File { path, file } = self else { return };
        match append(path) {
            Ok(new) => *file = new,
            Err(error) => {
                tracing::error!(path = %path.display(), error = %error.kind(), "the audit file could not be opened anew; events go on into the old one");
            }
        }
    }
}

/// Read by its owner and group only: with `personal_data` it holds addresses.
fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

impl Writer {
    pub(super) fn start(target: Target) -> Result<Self, AuditError> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let reopen = Arc::new(AtomicBool::new(false));
        let path = match &target {
            Target::Stdout => PathBuf::from("stdout"),
            Target::File { path, .. } => path.clone(),
        };
        std::thread::Builder::new()
            .name("audit".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let reopen = Arc::clone(&reopen);
                move || write_all(target, &receiver, &reopen)
            })
            .map_err(|error| AuditError::new(path, error))?;
        Ok(Self { messages: sender, reopen })
    }

    /// Hands a line over, or drops and counts it when too many wait.
    pub(super) fn line(&self, line: String) {
        if self.messages.try_send(Message::Line(line)).is_err() {
            dropped(QUEUE_FULL);
        }
    }

    /// Before the next line; a full queue doesn't make the caller wait.
    pub(super) fn reopen(&self) {
        self.reopen.store(true, Ordering::Release);
        let _ = self.messages.try_send(Message::Wake);
    }

    pub(super) fn flush(&self, limit: Duration) {
        let give_up_at = Instant::now() + limit;
        let (done, is_done) = channel();
        while self.messages.try_send(Message::Flush(done.clone())).is_err() {
            if Instant::now() >= give_up_at {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = is_done.recv_timeout(give_up_at.saturating_duration_since(Instant::now()));
    }
}

fn dropped(reason: &'static str) {
    metrics::counter!("bia_audit_events_dropped_total", "reason" => reason).increment(1);
}

fn write_all(mut target: Target, messages: &Receiver<Message>, reopen: &AtomicBool) {
    let mut is_torn = false;
    let mut complained_at: Option<Instant> = None;
    for message in messages {
        if reopen.swap(false, Ordering::AcqRel) {
            target.reopen();
            is_torn = false;
        }
        match message {
            Message::Line(line) => {
                // A disk that filled up in the middle of a line left a piece of it.
                let line = if is_torn { format!("\n{line}") } else { line };
                let outcome = target.write(&line);
                is_torn = outcome.is_err();
                let Err(error) = outcome else { continue };
                dropped(WRITE_ERROR);
                if complained_at.is_none_or(|at| at.elapsed() >= COMPLAINT_PACE) {
                    complained_at = Some(Instant::now());
                    tracing::error!(error = %error, "audit events can't be written and are lost; bia_audit_events_dropped_total counts them");
                }
            }
            Message::Wake => {}
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}
