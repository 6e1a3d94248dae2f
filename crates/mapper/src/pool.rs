//! The pool: a queue, one keeper thread for each worker process, and one clock thread that holds the deadlines.
//!
//! Keepers are plain threads that live as long as the pool. The death signal that a worker asks of the kernel fires when the
//! *thread* that started it ends, so a worker must never be started from a runtime's blocking pool. A keeper blocks on the
//! pipe; the clock kills the process when its time is up, which unblocks the keeper. No evaluation needs a timer of the
//! runtime, and a caller that goes away leaves no process behind.

mod clock;
mod keeper;
mod process;
mod schedule;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use self::process::{KillHandle, kill};
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
            slots: std::iter::repeat_with(Slot::default).take(workers).collect(),
            clock_sleeps_until: None,
            closed: false,
            started: 0,
            evaluated: 0,
        };
        let keepers = std::iter::repeat_with(Condvar::new).take(workers).collect();
        let shared = Shared { settings, state: Mutex::new(state), clock: Condvar::new(), keepers, warned: Once::new() };
        Self { shared: Arc::new(shared), threads: Mutex::default(), start: Once::new() }
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
            match std::thread::Builder::new().name(name).stack_size(THREAD_STACK_BYTES).spawn(move || body(shared)) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    tracing::error!(%error, "a thread of the mapper pool could not be started");
                    self.shared.close();
                }
            }
        };
        start("mapper-clock".to_owned(), Box::new(|shared| shared.keep_time()));
        for slot in 0..self.shared.keepers.len() {
            start(format!("mapper-{slot}"), Box::new(move |shared| shared.keep(slot)));
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
            drop(state.schedule.take_where(|waiting| waiting.reply.is_closed()));
            if state.schedule.waiting() >= self.settings.queue_max {
                return Err(MapperError::QueueFull { max: self.settings.queue_max });
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
            let by_habit = state.slots.iter().position(|slot| idle(slot) && slot.alive && slot.last_hash == permit.key);
            let alive = || state.slots.iter().position(|slot| idle(slot) && slot.alive);
            let Some(at) = by_habit.or_else(alive).or_else(|| state.slots.iter().position(idle)) else {
                return;
            };
            let slot = &mut state.slots[at];
            slot.busy = true;
            slot.last_hash = permit.key;
            slot.assigned = Some((permit, waiting));
            self.keepers[at].notify_one();
        }
    }
}
