//! The two layers that not every kernel has: Landlock (no path, no socket) and a system-call filter. Each failure names the
//! layer, for one warning in the server's log; rlimits and the parent's clock remain in any case.

use std::collections::BTreeMap;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Denies every path and every socket to this thread and those it starts: a ruleset without a single rule.
pub(super) fn forbid_files_and_network() -> Result<(), String> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V5)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V6)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|error| format!("Landlock ({error})"))?;
    if status.ruleset == RulesetStatus::NotEnforced { Err("Landlock".to_owned()) } else { Ok(()) }
}

/// What an evaluation needs: memory, the pipes, its own end. Nothing that names a path, a socket or another process.
const CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    // Growing the stack asks for the thread's attributes, which ask for this.
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // `abort` signals its own thread. Another process cannot be named without its thread group, and the death is its own.
    libc::SYS_tgkill,
    libc::SYS_restart_syscall,
    libc::SYS_getrusage,
];

/// Filters the system calls of every thread of this process. What is not listed fails with EPERM: killing instead would
/// turn harmless probes of the C library into deaths.
pub(super) fn filter_system_calls() -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("seccomp ({error})");
    let arch: TargetArch = std::env::consts::ARCH.try_into().map_err(|error| failed(&error))?;
    let rules: BTreeMap<i64, Vec<_>> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let filter =
        SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(|error| failed(&error))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests;
