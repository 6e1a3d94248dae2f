//! The pool: a queue, one keeper thread for each worker process, and one clock thread that holds the deadlines.
//!
//! Keepers are plain threads that live as long as the pool. The death signal that a worker asks of the kernel fires when the
//! *thread* that started it ends, so a worker must never be started from a runtime's blocking pool. A keeper blocks on the
//! pipe; the clock kills the process when its time is up, which unblocks the keeper. No evaluation needs a timer of the
//! runtime, and a caller that goes away leaves no process behind.

mod process;
mod schedule;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use self::process::{Broken, Death, KillHandle, Process, Reply, kill};
use self::schedule::{Ending, Permit, Schedule};
use crate::error::MapperError;
use crate::mapper::PoolStats;
use crate::protocol::Job;
use crate::settings::Settings;

/// Time that a worker has to start and set its limits. Generous: it matters on a starved machine only.
const START_TIME_MAX: Duration = Duration::from_secs(10);
/// Stack of keepers and clock; they do little.
const THREAD_STACK_BYTES: usize = 256 * 1024;

/// One job with everything it needs, owned, so that it may outlive its caller.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) job: Job,
    pub(crate) hash: [u8; 32],
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) ext_vars: Vec<(String, String)>,
    pub(crate) tla: Vec<(String, String)>,
    pub(crate) imports: Vec<(String, String)>,
}

struct Waiting {
    work: Work,
    give_up_at: Instant,
    reply: oneshot::Sender<Result<String, MapperError>>,
}

/// What the clock watches while a worker is busy.
struct Watch {
    deadline: Instant,
    child: KillHandle,
    expired: bool,
}

#[derive(Default)]
struct Slot {
    assigned: Option<(Permit, Waiting)>,
    busy: bool,
    watch: Option<Watch>,
    last_hash: [u8; 32],
    alive: bool,
}

struct State {
    schedule: Schedule<Waiting>,
    slots: Vec<Slot>,
    clock_sleeps_until: Option<Instant>,
    closed: bool,
    started: u64,
    evaluated: u64,
}

struct Shared {
    settings: Settings,
    state: Mutex<State>,
    clock: Condvar,
    keepers: Vec<Condvar>,
    warned: Once,
}

/// The pool itself; dropping it ends the workers.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    start: Once,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Self {
        let workers = settings.workers.max(2);
        let state = State {
            schedule: Schedule::new(workers),
            slots: std::iter::repeat_with(Slot::default)
                .take(workers)
                .collect(),
            clock_sleeps_until: None,
            closed: false,
            started: 0,
            evaluated: 0,
        };
        let keepers = std::iter::repeat_with(Condvar::new).take(workers).collect();
        let shared = Shared {
            settings,
            state: Mutex::new(state),
            clock: Condvar::new(),
            keepers,
            warned: Once::new(),
        };
        Self {
            shared: Arc::new(shared),
            threads: Mutex::default(),
            start: Once::new(),
        }
    }

    /// Queues the work and waits for its result. Dropping the future takes the work out of the queue.
    pub(crate) async fn run(&self, work: Work) -> Result<String, MapperError> {
        self.start.call_once(|| self.start_threads());
        let (reply, answer) = oneshot::channel();
        self.shared.submit(Waiting {
            work,
            give_up_at: Instant::now() + self.shared.settings.queue_wait_max,
            reply,
        })?;
        answer.await.unwrap_or(Err(MapperError::ShutDown))
    }

    fn start_threads(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut start = |name: String, body: Box<dyn FnOnce(Arc<Shared>) + Send>| {
            let shared = Arc::clone(&self.shared);
            match std::thread::Builder::new()
                .name(name)
                .stack_size(THREAD_STACK_BYTES)
                .spawn(move || body(shared))
            {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    tracing::error!(%error, "a thread of the mapper pool could not be started");
                    self.shared.close();
                }
            }
        };
        start(
            "mapper-clock".to_owned(),
            Box::new(|shared| shared.keep_time()),
        );
        for slot in 0..self.shared.keepers.len() {
            start(
                format!("mapper-{slot}"),
                Box::new(move |shared| shared.keep(slot)),
            );
        }
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let state = self.shared.lock();
        PoolStats {
            workers: state.slots.iter().filter(|slot| slot.alive).count(),
            running: state.slots.iter().filter(|slot| slot.busy).count(),
            waiting: state.schedule.waiting(),
            started: state.started,
            evaluated: state.evaluated,
        }
    }

    /// Ends all workers and gives the threads to wait for.
    pub(crate) fn close(&self) -> Vec<JoinHandle<()>> {
        self.shared.close();
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        drop(state.schedule.take_where(|_| true));
        for slot in &state.slots {
            if let Some(watch) = &slot.watch {
                kill(&watch.child);
            }
        }
        self.clock.notify_all();
        self.keepers.iter().for_each(Condvar::notify_all);
    }

    fn submit(&self, waiting: Waiting) -> Result<(), MapperError> {
        let mut state = self.lock();
        if state.closed {
            return Err(MapperError::ShutDown);
        }
        if state.schedule.waiting() >= self.settings.queue_max {
            // Callers that went away must not keep others out.
            drop(
                state
                    .schedule
                    .take_where(|waiting| waiting.reply.is_closed()),
            );
            if state.schedule.waiting() >= self.settings.queue_max {
                return Err(MapperError::QueueFull {
                    max: self.settings.queue_max,
                });
            }
        }
        let give_up_at = waiting.give_up_at;
        state.schedule.push(waiting.work.hash, waiting);
        self.dispatch(&mut state);
        if state.schedule.waiting() > 0 {
            self.wake_clock_for(&mut state, give_up_at);
        }
        Ok(())
    }

    /// Hands waiting work to idle workers, as far as the schedule allows.
    fn dispatch(&self, state: &mut State) {
        while state.slots.iter().any(|slot| !slot.busy) {
            let Some((permit, waiting)) = state.schedule.next() else {
                return;
            };
            if waiting.reply.is_closed() {
                state.schedule.finish(permit, Ending::NotRun);
                continue;
            }
            let idle = |slot: &Slot| !slot.busy;
            // A worker that ran this mapper last has it parsed; a live one is better than one that has yet to start.
            let by_habit = state
                .slots
                .iter()
                .position(|slot| idle(slot) && slot.alive && slot.last_hash == permit.key);
            let alive = || state.slots.iter().position(|slot| idle(slot) && slot.alive);
            let Some(at) = by_habit
                .or_else(alive)
                .or_else(|| state.slots.iter().position(idle))
            else {
                return;
            };
            let slot = &mut state.slots[at];
            slot.busy = true;
            slot.last_hash = permit.key;
            slot.assigned = Some((permit, waiting));
            self.keepers[at].notify_one();
        }
    }

    /// The life of one keeper thread.
    fn keep(&self, at: usize) {
        let mut process = None;
        while let Some((permit, waiting)) = self.wait_for_work(at) {
            let (result, ending) = self.serve(at, &mut process, &waiting.work);
            let _ = waiting.reply.send(result);
            let tired = process.as_ref().is_some_and(|process: &Process| {
                process.wants_to_retire || process.served >= self.settings.recycle_after
            });
            if tired && let Some(process) = process.take() {
                process.end();
            }
            if process.is_none() && ending != Ending::NotRun {
                // Replaced at once, so that the next sign-in does not wait for a start.
                process = self.start_process(at).ok();
            }
            self.finished(at, permit, ending, process.is_some());
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
            state = self.keepers[at]
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finished(&self, at: usize, permit: Permit, ending: Ending, alive: bool) {
        let mut state = self.lock();
        state.schedule.finish(permit, ending);
        state.evaluated += u64::from(ending != Ending::NotRun);
        state.slots[at].busy = false;
        state.slots[at].alive = alive;
        self.dispatch(&mut state);
    }

    /// Runs one piece of work on the process of this keeper, started when there is none.
    fn serve(
        &self,
        at: usize,
        process: &mut Option<Process>,
        work: &Work,
    ) -> (Result<String, MapperError>, Ending) {
        if process.as_ref().is_some_and(Process::has_ended) {
            process.take().map(Process::end);
        }
        let mut running = match process.take() {
            Some(process) => process,
            None => match self.start_process(at) {
                Ok(process) => process,
                Err(cause) => {
                    return (
                        Err(MapperError::WorkerUnavailable { cause }),
                        Ending::NotRun,
                    );
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
                (
                    Err(MapperError::Timeout {
                        name: name(),
                        after: self.settings.timeout,
                    }),
                    Ending::TimedOut,
                )
            }
            Err(Broken::Lied(what)) => {
                running.end();
                (
                    Err(MapperError::WorkerLied {
                        name: name(),
                        what: what.to_owned(),
                    }),
                    Ending::Crashed,
                )
            }
            Err(Broken::Ended) => {
                let error = match running.end() {
                    Death::OutOfMemory => MapperError::OutOfMemory {
                        name: name(),
                        limit: self.settings.memory_bytes,
                    },
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
            Reply::TooLarge => Err(MapperError::OutputTooLarge {
                name,
                max: self.settings.output_bytes_max,
            }),
            Reply::BadInput {
                variable,
                line,
                column,
            } => Err(MapperError::InputInvalid {
                name,
                variable,
                line,
                column,
            }),
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
                        tracing::warn!(missing = missing.join(", "), "mapper workers run with fewer layers of containment than this version knows");
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

    fn watch(&self, at: usize, process: &Process, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        if state.closed {
            kill(&process.kill_handle());
        }
        state.slots[at].watch = Some(Watch {
            deadline,
            child: process.kill_handle(),
            expired: false,
        });
        self.wake_clock_for(&mut state, deadline);
    }

    /// Ends the watch and tells whether the deadline had passed.
    fn unwatch(&self, at: usize) -> bool {
        self.lock().slots[at]
            .watch
            .take()
            .is_some_and(|watch| watch.expired)
    }

    fn wake_clock_for(&self, state: &mut State, at: Instant) {
        if state.clock_sleeps_until.is_none_or(|until| at < until) {
            state.clock_sleeps_until = Some(at);
            self.clock.notify_one();
        }
    }

    /// The life of the clock thread: kills what is overdue, refuses what waited too long.
    fn keep_time(&self) {
        let mut state = self.lock();
        while !state.closed {
            let now = Instant::now();
            for slot in &mut state.slots {
                if let Some(watch) = &mut slot.watch
                    && !watch.expired
                    && watch.deadline <= now
                {
                    watch.expired = true;
                    kill(&watch.child);
                }
            }
            if state
                .schedule
                .oldest()
                .is_some_and(|oldest| oldest.give_up_at <= now)
            {
                for late in state
                    .schedule
                    .take_where(|waiting| waiting.give_up_at <= now || waiting.reply.is_closed())
                {
                    let _ = late.reply.send(Err(MapperError::QueueTimeout {
                        after: self.settings.queue_wait_max,
                    }));
                }
            }
            let deadlines = state
                .slots
                .iter()
                .filter_map(|slot| slot.watch.as_ref())
                .filter(|watch| !watch.expired)
                .map(|watch| watch.deadline);
            let next = deadlines
                .chain(state.schedule.oldest().map(|oldest| oldest.give_up_at))
                .min();
            state.clock_sleeps_until = next;
            state = match next {
                Some(at) => {
                    self.clock
                        .wait_timeout(state, at.saturating_duration_since(now))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .clock
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
