//! One worker process as the parent sees it: started, spoken to, ended. Nothing it says is believed without a check.

use std::collections::HashSet;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Work;
use crate::diagnostic::Diagnostic;
use crate::protocol::{Answer, FrameError, Inputs, Request, Response, read_frame, write_frame};
use crate::settings::Settings;
use crate::worker::EXIT_PANIC;
use crate::worker::limits::EXIT_OUT_OF_MEMORY;

/// Room in a response beside the value: tags, lengths, a diagnostic.
const RESPONSE_OVERHEAD_BYTES: usize = 64 * 1024;
/// Hashes remembered as sent; the worker keeps fewer, and asks again for what it dropped.
const KNOWN_MAX: usize = 256;

/// The right to kill the process, shared with the clock.
pub(super) type KillHandle = Arc<Mutex<Child>>;

/// Kills a worker. Killing one that has ended already does nothing.
pub(super) fn kill(child: &KillHandle) {
    let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
}

/// An answer that kept to the protocol.
#[derive(Debug)]
pub(super) enum Reply {
    Value(String),
    Failed(Box<Diagnostic>),
    TooLarge,
    BadInput { variable: String, line: usize, column: usize },
}

/// The conversation is over and the process has to be replaced.
#[derive(Debug)]
pub(super) enum Broken {
    /// The pipe closed: the process has ended, or soon will.
    Ended,
    /// The answer broke the protocol.
    Lied(&'static str),
}

/// How a process ended, read from its exit status and its last words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Death {
    OutOfMemory,
    StackExhausted,
    Panicked,
    Other(String),
}

pub(super) struct Process {
    child: KillHandle,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    known: HashSet<[u8; 32]>,
    buffer: Vec<u8>,
    response_bytes_max: usize,
    served: u64,
    busy: Duration,
    pub(super) wants_to_retire: bool,
}

impl Process {
    /// Starts a worker with an empty environment, three pipes and nothing else.
    pub(super) fn spawn(settings: &Settings) -> io::Result<Self> {
        let program = settings.program.program.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut child = Command::new(program)
            .args(&settings.program.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Self {
                child: Arc::new(Mutex::new(child)),
                stdin,
                stdout,
                stderr,
                known: HashSet::new(),
                buffer: Vec::new(),
                response_bytes_max: settings.output_bytes_max + RESPONSE_OVERHEAD_BYTES,
                served: 0,
                busy: Duration::ZERO,
                wants_to_retire: false,
            }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(super) fn kill_handle(&self) -> KillHandle {
        Arc::clone(&self.child)
    }

    /// Whether the process ended while it was idle, for example killed from outside.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait(), Ok(None))
    }

    /// Whether it has served as long as one worker should: by count, or by time, long before the kernel's limit of CPU time
    /// would end it in the middle of somebody's evaluation.
    pub(super) fn is_worn(&self, settings: &Settings) -> bool {
        self.served >= settings.recycle_after || self.busy >= settings.recycle_after_busy
    }

    /// Hands over the limits and waits until they are set. Gives the names of the layers that are missing.
    pub(super) fn greet(&mut self, settings: &Settings) -> Result<Vec<String>, Broken> {
        let bound = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let hello = Request::Hello {
            memory_bytes: settings.memory_bytes,
            output_bytes_max: bound(settings.output_bytes_max),
            request_bytes_max: bound(request_bytes_max(settings)),
        };
        match self.exchange(&hello)?.answer {
            Answer::Ready(warnings) => Ok(warnings.into_iter().map(str::to_owned).collect()),
            _ => Err(Broken::Lied("no greeting")),
        }
    }

    /// Runs one job. The text travels only when the worker does not have it.
    pub(super) fn run(&mut self, work: &Work) -> Result<Reply, Broken> {
        let inputs =
            Inputs { ext_vars: borrowed(&work.ext_vars), tla: borrowed(&work.tla), imports: borrowed(&work.imports) };
        let mut with_text = !self.known.contains(&work.hash);
        let began = Instant::now();
        loop {
            let text = with_text.then_some(&*work.text);
            let request =
                Request::Run { job: work.job, hash: work.hash, name: &work.name, text, inputs: inputs.clone() };
            let response = self.exchange(&request)?;
            let retire = response.retire;
            let reply = match response.answer {
                Answer::NeedText if !with_text => {
                    with_text = true;
                    continue;
                }
                Answer::NeedText => return Err(Broken::Lied("asked twice for the same text")),
                Answer::Ready(_) => return Err(Broken::Lied("greeted twice")),
                Answer::Value(value) => Reply::Value(value.to_owned()),
                Answer::Failed(diagnostic) => {
                    let diagnostic = serde_json::from_str(diagnostic);
                    Reply::Failed(diagnostic.map_err(|_| Broken::Lied("an unreadable diagnostic"))?)
                }
                Answer::TooLarge => Reply::TooLarge,
                Answer::BadInput { variable, line, column } => {
                    Reply::BadInput { variable: variable.to_owned(), line: line as usize, column: column as usize }
                }
            };
            self.remember(work.hash);
            self.served += 1;
            self.busy += began.elapsed();
            self.wants_to_retire |= retire;
            return Ok(reply);
        }
    }

    fn remember(&mut self, hash: [u8; 32]) {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(hash);
    }

    fn exchange(&mut self, request: &Request<'_>) -> Result<Response<'_>, Broken> {
        // A write fails when the process has ended; the reading below then says so as well.
        write_frame(&mut self.stdin, &request.encode()).map_err(|_| Broken::Ended)?;
        read_frame(&mut self.stdout, &mut self.buffer, self.response_bytes_max).map_err(|error| match error {
            FrameError::Ended | FrameError::Cut | FrameError::Io => Broken::Ended,
            FrameError::TooLong => Broken::Lied("announced an answer above the limit"),
        })?;
        Response::decode(&self.buffer).map_err(|malformed| Broken::Lied(malformed.0))
    }

    /// Kills the process, reaps it, and reads why it ended.
    pub(super) fn end(mut self) -> Death {
        kill(&self.child);
        let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
        // The process is gone, so its end of the pipe is closed and this cannot block.
        let mut last_words = Vec::new();
        let _ = (&mut self.stderr).take(4096).read_to_end(&mut last_words);
        match status {
            Ok(status) => death(status, &String::from_utf8_lossy(&last_words)),
            Err(error) => Death::Other(error.kind().to_string()),
        }
    }
}

/// The last words only classify; they are never logged, since a panic message may quote a claim.
fn death(status: ExitStatus, last_words: &str) -> Death {
    if status.code() == Some(EXIT_OUT_OF_MEMORY) || last_words.contains("memory allocation of") {
        return Death::OutOfMemory;
    }
    match (status.code(), status.signal()) {
        (_, Some(libc::SIGSEGV | libc::SIGBUS)) => Death::StackExhausted,
        (_, Some(libc::SIGABRT)) if last_words.contains("overflowed its stack") => Death::StackExhausted,
        (_, Some(signal)) => Death::Other(format!("signal {signal}")),
        (Some(EXIT_PANIC), None) => Death::Panicked,
        (Some(code), None) => Death::Other(format!("exit code {code}")),
        (None, None) => Death::Other("unknown".to_owned()),
    }
}

/// The largest request that the settings allow.
pub(super) fn request_bytes_max(settings: &Settings) -> usize {
    settings.source_bytes_max + settings.input_bytes_max + 64 * 1024
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}
