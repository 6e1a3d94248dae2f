//! The life of the clock: one thread that sleeps until the earliest deadline, and nothing while there is none.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::process::{Process, kill};
use super::{Shared, State, Watch};
use crate::error::MapperError;

impl Shared {
    pub(super) fn watch(&self, at: usize, process: &Process, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        if state.closed {
            kill(&process.kill_handle());
        }
        state.slots[at].watch = Some(Watch { deadline, child: process.kill_handle(), expired: false });
        self.wake_clock_for(&mut state, deadline);
    }

    /// Ends the watch and tells whether the deadline had passed.
    pub(super) fn unwatch(&self, at: usize) -> bool {
        self.lock().slots[at].watch.take().is_some_and(|watch| watch.expired)
    }

    pub(super) fn wake_clock_for(&self, state: &mut State, at: Instant) {
        if state.clock_sleeps_until.is_none_or(|until| at < until) {
            state.clock_sleeps_until = Some(at);
            self.clock.notify_one();
        }
    }

    /// The life of the clock thread: kills what is overdue, refuses what waited too long.
    pub(super) fn keep_time(&self) {
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
            if state.schedule.oldest().is_some_and(|oldest| oldest.give_up_at <= now) {
                for late in state.schedule.take_where(|waiting| waiting.give_up_at <= now || waiting.reply.is_closed())
                {
                    let _ = late.reply.send(Err(MapperError::QueueTimeout { after: self.settings.queue_wait_max }));
                }
            }
            let deadlines = state
                .slots
                .iter()
                .filter_map(|slot| slot.watch.as_ref())
                .filter(|watch| !watch.expired)
                .map(|watch| watch.deadline);
            let next = deadlines.chain(state.schedule.oldest().map(|oldest| oldest.give_up_at)).min();
            state.clock_sleeps_until = next;
            state = match next {
                Some(at) => {
                    self.clock
                        .wait_timeout(state, at.saturating_duration_since(now))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self.clock.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
