//! Who runs next: a pure queue with the fairness rules, so that one bad mapper never disturbs another's sign-ins.
//!
//! - One mapper holds at most half of the workers (at least one worker).
//! - Mappers that are not proven (never succeeded, or failed by deadline or crash last time) hold at most all workers but
//!   one together, so that a proven mapper always finds a worker that is busy for milliseconds only.
//! - A mapper that timed out three times in a row runs alone, one evaluation at a time, until it succeeds.
//! - Among those who may start, proven mappers go first, then in order of arrival.

use std::collections::{HashMap, VecDeque};

/// The content hash of a mapper.
pub(super) type Key = [u8; 32];

/// How an evaluation ended, as far as fairness cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It answered in time, with a value or an ordinary error.
    Answered,
    /// It was killed at the deadline.
    TimedOut,
    /// It took its worker down.
    Crashed,
    /// It never ran, for a reason that is not its own.
    NotRun,
}

#[derive(Debug, Default)]
struct Record {
    running: usize,
    timeouts_in_a_row: u32,
    proven: bool,
}

/// Timeouts in a row after which a mapper runs alone.
const STRIKES_MAX: u32 = 3;
/// Mappers remembered; operators configure a handful.
const RECORDS_MAX: usize = 1024;

#[derive(Debug)]
pub(super) struct Schedule<J> {
    workers: usize,
    queue: VecDeque<(Key, J)>,
    records: HashMap<Key, Record>,
    running_unproven: usize,
}

/// A permission to run, to be handed back with how it ended.
#[derive(Debug)]
pub(super) struct Permit {
    pub(super) key: Key,
    proven: bool,
}

impl<J> Schedule<J> {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers: workers.max(2), queue: VecDeque::new(), records: HashMap::new(), running_unproven: 0 }
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn push(&mut self, key: Key, job: J) {
        self.queue.push_back((key, job));
    }

    /// Takes out every waiting job that `gone` names.
    pub(super) fn take_where(&mut self, mut gone: impl FnMut(&J) -> bool) -> Vec<J> {
        let mut taken = Vec::new();
        for _ in 0..self.queue.len() {
            if let Some((key, job)) = self.queue.pop_front() {
                if gone(&job) {
                    taken.push(job);
                } else {
                    self.queue.push_back((key, job));
                }
            }
        }
        taken
    }

    /// The oldest waiting job.
    pub(super) fn oldest(&self) -> Option<&J> {
        self.queue.front().map(|(_, job)| job)
    }

    /// The next job that may start now.
    pub(super) fn next(&mut self) -> Option<(Permit, J)> {
        let mut first_allowed = None;
        for (at, (key, _)) in self.queue.iter().enumerate() {
            let record = self.records.get(key);
            let proven = record.is_some_and(|record| record.proven);
            if !self.may_start(record, proven) {
                continue;
            }
            if proven {
                first_allowed = Some(at);
                break;
            }
            first_allowed = first_allowed.or(Some(at));
        }
        let (key, job) = self.queue.remove(first_allowed?)?;
        let record = self.records.entry(key).or_default();
        record.running += 1;
        let proven = record.proven;
        self.running_unproven += usize::from(!proven);
        Some((Permit { key, proven }, job))
    }

    fn may_start(&self, record: Option<&Record>, proven: bool) -> bool {
        if !proven && self.running_unproven >= self.workers - 1 {
            return false;
        }
        let running = record.map_or(0, |record| record.running);
        let alone = record.is_some_and(|record| record.timeouts_in_a_row >= STRIKES_MAX);
        running < if alone { 1 } else { (self.workers / 2).max(1) }
    }

    pub(super) fn finish(&mut self, permit: Permit, ending: Ending) {
        self.running_unproven -= usize::from(!permit.proven);
        let record = self.records.entry(permit.key).or_default();
        record.running -= 1;
        match ending {
            Ending::Answered => (record.proven, record.timeouts_in_a_row) = (true, 0),
            Ending::TimedOut => (record.proven, record.timeouts_in_a_row) = (false, record.timeouts_in_a_row + 1),
            Ending::Crashed => record.proven = false,
            Ending::NotRun => {}
        }
        if self.records.len() > RECORDS_MAX {
            self.records.retain(|_, record| record.running > 0 || record.timeouts_in_a_row > 0);
        }
        if self.records.len() > RECORDS_MAX {
            self.records.retain(|_, record| record.running > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: u8) -> Key {
        [name; 32]
    }

    fn run(schedule: &mut Schedule<&'static str>, name: u8, ending: Ending) {
        schedule.push(key(name), "run");
        let (permit, _) = schedule.next().expect("may start");
        schedule.finish(permit, ending);
    }

    fn start_all(schedule: &mut Schedule<&'static str>) -> (Vec<Permit>, Vec<&'static str>) {
        std::iter::from_fn(|| schedule.next()).unzip()
    }

    #[test]
    fn one_mapper_holds_at_most_half_of_the_workers() {
        let mut schedule = Schedule::new(8);
        run(&mut schedule, 1, Ending::Answered);
        for _ in 0..20 {
            schedule.push(key(1), "greedy");
        }
        assert_eq!(start_all(&mut schedule).0.len(), 4);
        run(&mut schedule, 2, Ending::Answered);
        assert_eq!(schedule.waiting(), 16);
    }

    #[test]
    fn with_two_workers_one_stays_free_for_a_proven_mapper() {
        let mut schedule = Schedule::new(2);
        run(&mut schedule, 1, Ending::Answered);
        for name in 10..20 {
            schedule.push(key(name), "unknown");
        }
        let (held, _) = start_all(&mut schedule);
        assert_eq!(held.len(), 1, "unproven mappers together leave one worker free");
        schedule.push(key(1), "proven");
        assert_eq!(start_all(&mut schedule).1, ["proven"]);
    }

    #[test]
    fn proven_mappers_go_before_unproven_ones() {
        let mut schedule = Schedule::new(4);
        run(&mut schedule, 1, Ending::Answered);
        schedule.push(key(2), "unknown");
        schedule.push(key(1), "proven");
        assert_eq!(start_all(&mut schedule).1, ["proven", "unknown"]);
    }

    #[test]
    fn after_three_timeouts_in_a_row_a_mapper_runs_alone_until_it_succeeds() {
        let mut schedule = Schedule::new(8);
        let at_once = |schedule: &mut Schedule<&'static str>| {
            for _ in 0..4 {
                schedule.push(key(1), "slow");
            }
            let (permits, _) = start_all(schedule);
            schedule.take_where(|_| true);
            let count = permits.len();
            for permit in permits {
                schedule.finish(permit, Ending::Crashed);
            }
            count
        };
        run(&mut schedule, 1, Ending::TimedOut);
        run(&mut schedule, 1, Ending::TimedOut);
        assert_eq!(at_once(&mut schedule), 4);
        run(&mut schedule, 1, Ending::TimedOut);
        assert_eq!(at_once(&mut schedule), 1);
        run(&mut schedule, 1, Ending::Answered);
        assert_eq!(at_once(&mut schedule), 4);
    }

    #[test]
    fn the_memory_of_mappers_is_bounded() {
        let mut schedule = Schedule::new(2);
        for number in 0..5000u32 {
            let mut name = [0; 32];
            name[..4].copy_from_slice(&number.to_le_bytes());
            schedule.push(name, "once");
            let (permit, _) = schedule.next().expect("may start");
            schedule.finish(permit, if number % 2 == 0 { Ending::TimedOut } else { Ending::Answered });
        }
        assert!(schedule.records.len() <= RECORDS_MAX);
    }
}
