//! What must not grow while a server is under load for long.

use super::{Report, Sample};

/// From here on samples are enough for a trend: half an hour.
const LONG: f64 = 30.0 * 60.0;
/// What the medians of two quarters of an hour may differ by without a leak, in MiB.
const MEMORY_SPARE: f64 = 4.0;
/// Open files beside one for each person's connection: connections to the database and the provider.
const FILES_SPARE: u64 = 32;
/// A short run has just opened its pools and filled its caches when it ends.
const FILES_SPARE_OF_A_SHORT_RUN: u64 = 200;

/// A sentence for each thing that grew.
pub(super) fn found(report: &Report, people: usize) -> Vec<String> {
    let (first, last) = (&report.at_first, &report.in_the_end);
    let is_long = report.seconds >= LONG;
    let mut leaks = Vec::new();
    let mut at_most = |what: &str, found: f64, limit: f64| {
        if found > limit {
            leaks.push(format!("{what}: {found:.1}, and no more than {limit:.1} was to be expected"));
        }
    };
    // Workers are started when they are needed, so that there may be one for each core more than at first.
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    at_most("processes in the end", last.processes as f64, (first.processes + cores) as f64);
    let spare = if is_long { people as u64 + FILES_SPARE } else { FILES_SPARE_OF_A_SHORT_RUN };
    at_most("open files in the end", last.files as f64, (first.files + spare) as f64);
    at_most("MiB in the end", last.mib(), 2.0 * first.mib().max(35.0));
    if is_long {
        // The second quarter is the first that is warm. Medians, because a kill empties a process and a fault fills it.
        match (median_mib(&report.samples, 1), median_mib(&report.samples, 3)) {
            (Some(second), Some(fourth)) => {
                at_most("MiB in the last quarter", fourth, second + MEMORY_SPARE);
            }
            _ => leaks.push("memory was not sampled, so that nobody knows whether it grew".to_owned()),
        }
    }
    leaks
}

/// Of one of four quarters, counted from 0.
fn median_mib(samples: &[Sample], quarter: usize) -> Option<f64> {
    let bounds = [quarter, quarter + 1].map(|quarter| samples.len() * quarter / 4);
    // A look at a server that is just being started again finds nobody.
    let of_quarter = samples.get(bounds[0]..bounds[1])?.iter().filter(|sample| sample.usage.processes > 0);
    let mut found: Vec<f64> = of_quarter.map(|sample| sample.usage.mib()).collect();
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::process::Usage;

    fn usage(mib: u64, files: u64) -> Usage {
        Usage { pss_kib: mib * 1024, files, processes: 3, ..Usage::default() }
    }

    /// A sample every five seconds, of what `mib` says at each part of the way from 0 to 1.
    fn report(seconds: f64, mib: impl Fn(f64) -> u64, files: u64) -> Report {
        let count = (seconds / 5.0) as u32;
        let sample = |number: u32| {
            let at = f64::from(number) * 5.0;
            Sample { at, usage: usage(mib(at / seconds), files), flows: 0 }
        };
        Report {
            date: String::new(),
            database: "sqlite".to_owned(),
            seconds,
            rate: 60.0,
            flows: 0,
            failures: BTreeMap::new(),
            failures_without_fault: 0,
            faults: Vec::new(),
            sessions: 0,
            sessions_lost: 0,
            at_first: usage(mib(0.0), 43),
            in_the_end: usage(mib(1.0), files),
            samples: (0..count).map(sample).collect(),
        }
    }

    const HOUR: f64 = 3600.0;
    const PEOPLE: usize = 32;

    #[test]
    fn memory_that_warms_up_and_stays_is_no_leak() {
        for seconds in [100.0, HOUR] {
            let warm = report(seconds, |part| if part < 0.2 { 24 } else { 30 }, 70);
            assert_eq!(found(&warm, PEOPLE), Vec::<String>::new(), "{seconds}");
        }
    }

    #[test]
    fn memory_that_grows_for_an_hour_is_a_leak_long_before_it_has_doubled() {
        let growing = |part: f64| 26 + (part * 12.0) as u64;
        let leaks = found(&report(HOUR, growing, 70), PEOPLE);
        assert!(matches!(&leaks[..], [leak] if leak.starts_with("MiB in the last quarter: ")), "{leaks:?}");
        assert_eq!(found(&report(100.0, growing, 70), PEOPLE), Vec::<String>::new(), "too short for a trend");
    }

    #[test]
    fn memory_of_a_moment_and_a_server_that_is_just_gone_change_no_median() {
        let mut peaks = report(HOUR, |part| if (0.9..0.95).contains(&part) { 60 } else { 28 }, 70);
        for sample in peaks.samples.iter_mut().skip(200).step_by(3) {
            sample.usage = Usage::default();
        }
        assert_eq!(found(&peaks, PEOPLE), Vec::<String>::new());
    }

    #[test]
    fn memory_that_has_doubled_is_a_leak_after_minutes_too() {
        let leaks = found(&report(100.0, |part| if part < 1.0 { 30 } else { 71 }, 70), PEOPLE);
        assert!(matches!(&leaks[..], [leak] if leak.starts_with("MiB in the end: 71.0")), "{leaks:?}");
    }

    #[test]
    fn an_hour_may_leave_a_file_for_each_person_and_a_few_behind_and_minutes_some_more() {
        let count = |seconds, files| found(&report(seconds, |_| 28, files), PEOPLE).len();
        assert_eq!((count(HOUR, 43 + 64), count(HOUR, 43 + 65)), (0, 1));
        assert_eq!((count(100.0, 43 + 200), count(100.0, 43 + 201)), (0, 1));
    }

    #[test]
    fn an_hour_without_samples_proves_nothing() {
        let mut blind = report(HOUR, |_| 28, 70);
        blind.samples.clear();
        assert_eq!(found(&blind, PEOPLE).len(), 1);
    }
}
