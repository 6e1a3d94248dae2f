//! What Prometheus' own client libraries tell about a process, most of it read from `/proc`, so that
//! elsewhere than on Linux the limit of files is all that is told.

use rustix::process::{Resource, getrlimit};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Linux' unit of CPU time and start times on every architecture that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn observe() {
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::read) {
        metrics::counter!("process_cpu_seconds_total").absolute(stat.cpu_seconds);
        metrics::gauge!("process_virtual_memory_bytes").set(stat.virtual_bytes);
        metrics::gauge!("process_threads").set(stat.threads);
        if let Some(up_for) = uptime().map(|uptime| uptime - stat.started_after_boot)
            && let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH)
        {
            // Rounded, or the value would tremble between two looks.
            metrics::gauge!("process_start_time_seconds").set((now.as_secs_f64() - up_for).round());
        }
    }
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident) {
        metrics::gauge!("process_resident_memory_bytes").set(bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(open.count() as f64);
    }
    if let Some(max) = getrlimit(Resource::Nofile).current {
        metrics::gauge!("process_max_fds").set(max as f64);
    }
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: u64,
    threads: f64,
    started_after_boot: f64,
    virtual_bytes: f64,
}

impl Stat {
    /// `man 5 proc`. The second field is the program's name in brackets and may hold anything.
    fn read(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: ((number(11)? + number(12)?) / TICKS_PER_SECOND) as u64,
            threads: number(17)?,
            started_after_boot: number(19)? / TICKS_PER_SECOND,
            virtual_bytes: number(20)?,
        })
    }
}

fn uptime() -> Option<f64> {
    fs::read_to_string("/proc/uptime").ok()?.split_ascii_whitespace().next()?.parse().ok()
}

fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_a_strange_name_is_read_all_the_same() {
        let text =
            "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12300 1048576 25 18446744073709551615";
        let expected = Stat { cpu_seconds: 3, threads: 9.0, started_after_boot: 123.0, virtual_bytes: 1_048_576.0 };
        assert_eq!(Stat::read(text), Some(expected));
        assert_eq!(Stat::read("nonsense"), None);
    }

    #[test]
    fn memory_is_found_by_name() {
        assert_eq!(resident("Name:\tbia\nVmRSS:\t   20 kB\n"), Some(20_480.0));
    }
}
