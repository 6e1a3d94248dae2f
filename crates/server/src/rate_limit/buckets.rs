//! Token buckets by key, in memory that never grows.
//!
//! A table of sets with a few places each, as in a processor's cache. A key belongs to one set; where all places of its
//! set are taken, the fullest bucket there makes room, because forgetting it forgives least. So a flood of made-up keys
//! costs no memory, and what has been spent most is remembered longest.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SETS: usize = 4096;
const WAYS: usize = 8;

/// How fast buckets fill, and what they hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    pub(super) burst: f64,
    pub(super) per_second: f64,
}

/// What has been taken out of one bucket. It doesn't know its limit, so a changed limit goes on from what was spent.
#[derive(Clone, Copy)]
struct Bucket {
    key: u128,
    spent: f64,
    /// In seconds, which takes half of the room of a `Duration`.
    at: f64,
}

impl Bucket {
    const FULL: Self = Self { key: 0, spent: 0.0, at: 0.0 };

    fn spent(&self, pace: Pace, now: f64) -> f64 {
        (self.spent - (now - self.at).max(0.0) * pace.per_second).max(0.0)
    }
}

/// Buckets of one kind of key.
pub(super) struct Buckets {
    sets: Box<[Mutex<[Bucket; WAYS]>]>,
    /// Unknown outside: nobody can choose keys that crowd one set.
    hasher: RandomState,
}

impl Buckets {
    pub(super) fn new() -> Self {
        let sets = std::iter::repeat_with(|| Mutex::new([Bucket::FULL; WAYS])).take(SETS).collect();
        Self { sets, hasher: RandomState::new() }
    }

    /// Takes one token. `now` is the time since some fixed moment, by a clock that never goes back.
    ///
    /// # Errors
    /// How long it takes until the bucket holds a whole token again.
    pub(super) fn take(&self, key: u128, pace: Pace, now: Duration) -> Result<(), Duration> {
        let now = now.as_secs_f64();
        // The remainder fits: there are 4096 sets.
        let index = (self.hasher.hash_one(key) % SETS as u64) as usize;
        let mut set = self.sets[index].lock().unwrap_or_else(PoisonError::into_inner);
        let place = set.iter().position(|bucket| bucket.key == key).unwrap_or_else(|| {
            let place = fullest(&set, pace, now);
            set[place] = Bucket { key, ..Bucket::FULL };
            place
        });
        let bucket = &mut set[place];
        let spent = bucket.spent(pace, now);
        if spent + 1.0 > pace.burst {
            return Err(Duration::from_secs_f64((spent + 1.0 - pace.burst) / pace.per_second));
        }
        (bucket.spent, bucket.at) = (spent + 1.0, now);
        Ok(())
    }
}

fn fullest(set: &[Bucket; WAYS], pace: Pace, now: f64) -> usize {
    let by_spent = |a: &Bucket, b: &Bucket| a.spent(pace, now).total_cmp(&b.spent(pace, now));
    set.iter().enumerate().min_by(|(_, a), (_, b)| by_spent(a, b)).map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { burst: 3.0, per_second: 0.5 };
    const NOW: Duration = Duration::from_secs(1_000);

    fn admitted(buckets: &Buckets, key: u128, pace: Pace, now: Duration) -> usize {
        (0..100).take_while(|_| buckets.take(key, pace, now).is_ok()).count()
    }

    #[test]
    fn a_bucket_holds_a_burst_and_fills_evenly() {
        let buckets = Buckets::new();
        assert_eq!(admitted(&buckets, 7, PACE, NOW), 3);
        assert_eq!(buckets.take(7, PACE, NOW), Err(Duration::from_secs(2)));
        assert_eq!(buckets.take(7, PACE, NOW + Duration::from_millis(500)), Err(Duration::from_millis(1_500)));
        assert_eq!(admitted(&buckets, 7, PACE, NOW + Duration::from_secs(2)), 1);
        // A long pause gives a burst and no more.
        assert_eq!(admitted(&buckets, 7, PACE, NOW + Duration::from_secs(3_600)), 3);
    }

    #[test]
    fn being_refused_costs_nothing() {
        let buckets = Buckets::new();
        admitted(&buckets, 7, PACE, NOW);
        for _ in 0..1_000 {
            assert!(buckets.take(7, PACE, NOW).is_err());
        }
        assert!(buckets.take(7, PACE, NOW + Duration::from_secs(2)).is_ok());
    }

    #[test]
    fn keys_have_buckets_of_their_own() {
        let buckets = Buckets::new();
        assert_eq!(admitted(&buckets, 7, PACE, NOW), 3);
        assert_eq!(admitted(&buckets, 8, PACE, NOW), 3);
        assert_eq!(admitted(&buckets, 0, PACE, NOW), 3);
    }

    #[test]
    fn a_changed_limit_goes_on_from_what_was_spent() {
        let buckets = Buckets::new();
        assert_eq!(admitted(&buckets, 7, PACE, NOW), 3);
        assert_eq!(admitted(&buckets, 7, Pace { burst: 5.0, ..PACE }, NOW), 2);
        assert!(buckets.take(7, PACE, NOW).is_err());
        assert_eq!(admitted(&buckets, 8, Pace { burst: 1.0, ..PACE }, NOW), 1);
        assert_eq!(admitted(&buckets, 8, PACE, NOW), 2);
    }

    #[test]
    fn a_flood_of_other_keys_does_not_refill_a_bucket_that_is_empty() {
        let buckets = Buckets::new();
        assert_eq!(admitted(&buckets, 7, PACE, NOW), 3);
        for key in 0..(SETS * WAYS * 4) as u128 {
            buckets.take((key << 64) | 9, PACE, NOW).ok();
        }
        assert!(buckets.take(7, PACE, NOW).is_err());
        assert_eq!(buckets.sets.len() * size_of::<Mutex<[Bucket; WAYS]>>() / 1024, 1088);
    }

    #[test]
    fn what_comes_at_once_from_many_threads_is_counted_once_each() {
        let buckets = Buckets::new();
        let pace = Pace { burst: 100.0, per_second: 0.001 };
        let admitted: usize = std::thread::scope(|scope| {
            let count = || (0..100).filter(|_| buckets.take(7, pace, NOW).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100);
    }
}
