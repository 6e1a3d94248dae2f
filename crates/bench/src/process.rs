//! CPU time and memory of a process and everything that it started, as the kernel counts them.

use std::collections::BTreeMap;

use serde::Serialize;

/// One look at a process tree.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Usage {
    /// Milliseconds of user and system time, children that ended included.
    pub(crate) cpu_ms: u64,
    /// Proportional set size in KiB: pages that several share count by their share.
    pub(crate) pss_kib: u64,
    /// Anonymous part of that: heap and stacks, without the program's own pages.
    pub(crate) pss_anon_kib: u64,
    pub(crate) processes: u64,
    pub(crate) files: u64,
    pub(crate) threads: u64,
}

impl Usage {
    /// Memory as people say it.
    pub(crate) fn mib(&self) -> f64 {
        self.pss_kib as f64 / 1024.0
    }
}

/// `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that Rust runs on.
const TICK_MS: u64 = 10;

/// The root and its descendants; none when it is gone.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(id) {
            children.entry(stat.parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next) {
        found.extend(children.get(id).cloned().unwrap_or_default());
        next += 1;
    }
    found
}

/// What the tree used up to now. CPU alone is cheap; `memory` reads every mapping.
pub(crate) fn usage(root: u32, memory: bool) -> Usage {
    let mut usage = Usage::default();
    for id in tree(root) {
        let Some(stat) = stat(id) else { continue };
        usage.processes += 1;
        usage.cpu_ms += stat.ticks * TICK_MS;
        usage.threads += stat.threads;
        if memory {
            let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            usage.pss_kib += field(&rollup, "Pss:");
            usage.pss_anon_kib += field(&rollup, "Pss_Anon:");
            usage.files += std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, |entries| entries.count() as u64);
        }
    }
    usage
}

struct Stat {
    parent: u32,
    ticks: u64,
    threads: u64,
}

fn stat(id: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold spaces and parentheses.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    // user, system, and the same of children that were waited for.
    let ticks = (11..=14).filter_map(number).sum();
    Some(Stat { parent: number(1)?.try_into().ok()?, ticks, threads: number(17)? })
}

fn field(rollup: &str, name: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_tree_is_the_process_and_what_it_started() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
        let tree = tree(std::process::id());
        let usage = usage(std::process::id(), true);
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(tree.contains(&child.id()) && tree[0] == std::process::id(), "{tree:?}");
        assert!(usage.processes >= 2 && usage.threads >= 2 && usage.files > 3, "{usage:?}");
        assert!(usage.pss_kib > usage.pss_anon_kib && usage.pss_anon_kib > 0, "{usage:?}");
    }

    #[test]
    fn a_process_that_is_gone_uses_nothing() {
        let mut child = Command::new("true").spawn().expect("true");
        child.wait().expect("ended");
        assert_eq!(usage(child.id(), true).processes, 0);
    }
}
