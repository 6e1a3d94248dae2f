//! The life of one keeper: takes work, holds the conversation with its process, replaces the process when it has to.

use std::sync::PoisonError;

use super::process::{Broken, Death, Process, Reply};
use super::schedule::{Ending, Permit};
use super::{START_TIME_MAX, Shared, Waiting, Work};
use crate::error::MapperError;

impl Shared {
    /// The life of one keeper thread.
    pub(super) fn keep(&self, at: usize) {
        let mut process = None;
        while let Some((permit, waiting)) = self.wait_for_work(at) {
            let (result, ending) = self.serve(at, &mut process, &waiting.work);
            if let (Err(error), Ending::TimedOut | Ending::Crashed) = (&result, ending) {
                metrics::counter!("bia_mapper_workers_killed_total", "reason" => error.kind()).increment(1);
            }
            let _ = waiting.reply.send(result);
            let mut held = Some(permit);
            if process.as_ref().is_some_and(|process: &Process| process.is_worn(&self.settings)) {
                // Age is not the fault of the mapper that ran last: it may go on elsewhere while this worker is replaced.
                held.take().into_iter().for_each(|permit| self.release(permit, ending));
                process.take().map(Process::end);
            } else if process.as_ref().is_some_and(|process| process.wants_to_retire) {
                process.take().map(Process::end);
            }
            if process.is_none() && ending != Ending::NotRun {
                // Replaced at once, so that the next sign-in does not wait for a start.
                process = self.start_process(at).ok();
            }
            held.into_iter().for_each(|permit| self.release(permit, ending));
            self.rest(at, process.is_some());
        }
        if let Some(process) = process {
            process.end();
        }
        self.lock().slots[at].alive = false;
    }

    fn wait_for_work(&self, at: usize) -> Option<(Permit, Waiting)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(assigned) = state.slots[at].assigned.take() {
                return Some(assigned);
            }
            state = self.keepers[at].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Hands a permission to run back, which may let another worker start.
    fn release(&self, permit: Permit, ending: Ending) {
        let mut state = self.lock();
        state.schedule.finish(permit, ending);
        state.evaluated += u64::from(ending != Ending::NotRun);
        self.dispatch(&mut state);
    }

    /// This keeper is idle again.
    fn rest(&self, at: usize, alive: bool) {
        let mut state = self.lock();
        state.slots[at].busy = false;
        state.slots[at].alive = alive;
        self.dispatch(&mut state);
    }

    /// Runs one piece of work on the process of this keeper, started when there is none.
    fn serve(&self, at: usize, process: &mut Option<Process>, work: &Work) -> (Result<String, MapperError>, Ending) {
        if process.as_ref().is_some_and(Process::has_ended) {
            process.take().map(Process::end);
        }
        let mut running = match process.take() {
            Some(process) => process,
            None => match self.start_process(at) {
                Ok(process) => process,
                Err(cause) => {
                    return (Err(MapperError::WorkerUnavailable { cause }), Ending::NotRun);
                }
            },
        };
        self.watch(at, &running, self.settings.timeout);
        let outcome = running.run(work);
        let expired = self.unwatch(at);
        let name = || work.name.clone();
        match outcome {
            Ok(reply) => {
                if expired {
                    running.end();
                } else {
                    *process = Some(running);
                }
                (self.read(reply, work), Ending::Answered)
            }
            Err(_) if self.lock().closed => {
                running.end();
                (Err(MapperError::ShutDown), Ending::NotRun)
            }
            Err(_) if expired => {
                running.end();
                (Err(MapperError::Timeout { name: name(), after: self.settings.timeout }), Ending::TimedOut)
            }
            Err(Broken::Lied(what)) => {
                running.end();
                (Err(MapperError::WorkerLied { name: name(), what: what.to_owned() }), Ending::Crashed)
            }
            Err(Broken::Ended) => {
                let error = match running.end() {
                    Death::OutOfMemory => MapperError::OutOfMemory { name: name(), limit: self.settings.memory_bytes },
                    Death::StackExhausted => MapperError::StackExhausted { name: name() },
                    Death::Panicked => MapperError::EvaluatorPanicked { name: name() },
                    Death::Other(how) => MapperError::WorkerDied { name: name(), how },
                };
                (Err(error), Ending::Crashed)
            }
        }
    }

    fn read(&self, reply: Reply, work: &Work) -> Result<String, MapperError> {
        let name = work.name.clone();
        match reply {
            Reply::Value(value) => Ok(value),
            Reply::TooLarge => Err(MapperError::OutputTooLarge { name, max: self.settings.output_bytes_max }),
            Reply::BadInput { variable, line, column } => {
                Err(MapperError::InputInvalid { name, variable, line, column })
            }
            Reply::Failed(diagnostic) => Err(MapperError::Snippet(diagnostic)),
        }
    }

    fn start_process(&self, at: usize) -> Result<Process, String> {
        let mut process = Process::spawn(&self.settings).map_err(|error| error.to_string())?;
        self.watch(at, &process, START_TIME_MAX);
        let greeted = process.greet(&self.settings);
        let expired = self.unwatch(at);
        match greeted {
            Ok(missing) => {
                if !missing.is_empty() {
                    self.warned.call_once(|| {
                        tracing::warn!(
                            missing = missing.join(", "),
                            "mapper workers run with fewer layers of containment than this version knows"
                        );
                    });
                }
                self.lock().started += 1;
                metrics::counter!("bia_mapper_workers_started_total").increment(1);
                Ok(process)
            }
            Err(_) if expired => {
                process.end();
                Err(format!("it did not start within {START_TIME_MAX:?}"))
            }
            Err(_) => Err(match process.end() {
                Death::Other(how) => format!("it ended while starting ({how})"),
                death => format!("it ended while starting ({death:?})"),
            }),
        }
    }
}
