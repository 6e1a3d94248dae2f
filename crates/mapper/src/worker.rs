//! The other side of the pipe: sets its limits, then answers one request after the other until the pipe closes.
//!
//! Everything runs on one thread with a large stack, because parser, analyser and destructors of the evaluator recurse on
//! the native stack. The process has nothing else: no runtime, no TLS, no log.

mod engine;
mod failure;
mod format;
mod imports;
pub(crate) mod limits;
mod lint;
mod locate;
mod redact;
mod sandbox;

use std::io::{self, Read, Write};
use std::process;

use crate::protocol::{Answer, Request, Response, read_frame, write_frame};

/// Lazily committed, so that an idle worker pays for the pages that it touched only.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// The greeting is a few numbers.
const HELLO_BYTES_MAX: usize = 64;

/// Exit codes, for the parent's log.
const EXIT_NO_GREETING: i32 = 64;
const EXIT_NO_LIMITS: i32 = 65;
const EXIT_BAD_REQUEST: i32 = 66;
/// What the process ends with when the evaluator panics, as Rust itself would.
pub(crate) const EXIT_PANIC: i32 = 101;

/// What the hidden subcommand runs: a mapper worker over stdin and stdout, until stdin ends.
///
/// Call it first thing in `main`, before a runtime, TLS or a log starts: whatever runs already would be inside the limits.
pub fn worker_main() -> ! {
    limits::prefer_small_pages();
    // A panic message may quote a claim, and stderr is the parent's to read.
    std::panic::set_hook(Box::new(|_| {}));
    let mut body = Vec::new();
    if read_frame(&mut io::stdin().lock(), &mut body, HELLO_BYTES_MAX).is_err() {
        process::exit(0);
    }
    let Ok(Request::Hello { memory_bytes, output_bytes_max, request_bytes_max }) = Request::decode(&body) else {
        process::exit(EXIT_NO_GREETING);
    };
    if limits::confine_process(memory_bytes, STACK_BYTES as u64).is_err() {
        process::exit(EXIT_NO_LIMITS);
    }
    let mut missing: Vec<_> = sandbox::forbid_files_and_network().err().into_iter().collect();
    let thread = std::thread::Builder::new().name("mapper".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        // Only now, as this very thread had to be started first.
        if limits::forbid_processes().is_err() {
            process::exit(EXIT_NO_LIMITS);
        }
        missing.extend(sandbox::filter_system_calls().err());
        let bounds = Bounds {
            memory_bytes,
            output_bytes_max: output_bytes_max as usize,
            request_bytes_max: request_bytes_max as usize,
        };
        serve(&mut io::stdin().lock(), &mut io::stdout().lock(), bounds, &missing)
    });
    let code = thread.map_or(EXIT_NO_LIMITS, |thread| thread.join().unwrap_or(EXIT_PANIC));
    process::exit(code)
}

#[derive(Clone, Copy)]
struct Bounds {
    memory_bytes: u64,
    output_bytes_max: usize,
    request_bytes_max: usize,
}

/// Answers requests until the pipe closes. Gives the exit code.
fn serve(from: &mut impl Read, to: &mut impl Write, bounds: Bounds, missing: &[String]) -> i32 {
    let ready = Answer::Ready(missing.iter().map(String::as_str).collect());
    if write_frame(to, &Response { retire: false, answer: ready }.encode()).is_err() {
        return 0;
    }
    let mut engine = engine::Engine::new(bounds.output_bytes_max);
    let mut body = Vec::new();
    loop {
        if read_frame(from, &mut body, bounds.request_bytes_max).is_err() {
            return 0;
        }
        let Ok(Request::Run { job, hash, name, text, inputs }) = Request::decode(&body) else {
            return EXIT_BAD_REQUEST;
        };
        // Each evaluation may use the whole limit, whatever earlier ones left behind.
        limits::allow_memory(bounds.memory_bytes);
        let answer = engine.run(job, hash, name, text, &inputs);
        let retire = limits::live_bytes() > bounds.memory_bytes / 2;
        if write_frame(to, &Response { retire, answer: answer.borrowed() }.encode()).is_err() {
            return 0;
        }
        engine.tidy();
    }
}
