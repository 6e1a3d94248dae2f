#![allow(unsafe_code, reason = "a global allocator and process limits cannot be written without it")]
//! The limits that a worker sets on itself before it reads a byte of user code, and the allocator that meters it.
//! With `memory.rs` of `bia` the only file of the workspace with `unsafe`: an allocator is `unsafe` by its trait, and
//! process limits are system calls.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

/// The exit code of a worker that reached its memory limit.
pub(crate) const EXIT_OUT_OF_MEMORY: i32 = 42;

static ARMED: AtomicBool = AtomicBool::new(false);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);
static LIVE_BYTES_MAX: AtomicI64 = AtomicI64::new(i64::MAX);

/// CPU seconds of a whole worker's life; far above what honest evaluations use before the worker is recycled.
/// A backstop only: the parent's clock is the limit.
const CPU_SECONDS_MAX: u64 = 600;
/// Open files: the three pipes, and one for the Landlock ruleset while it is set.
const OPEN_FILES_MAX: u64 = 8;
/// Address space beyond stack and memory limit: fragmentation, arenas, the allocator's own tables.
const ADDRESS_SPACE_SLACK_BYTES: u64 = 256 * 1024 * 1024;

/// Closes what was inherited and sets every limit that needs no privilege. Nothing of it can be undone by this process.
pub(crate) fn confine_process(memory_bytes: u64, stack_bytes: u64) -> io::Result<()> {
    close_inherited_files();
    // SAFETY: these calls take numbers only.
    unsafe {
        // The worker must not outlive the server, even when that is killed.
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        // No set-uid program could give privileges back, and unprivileged filters need it.
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        // No other process of this user may read claims out of this one's memory.
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
    }
    let address_space = address_space_in_use() + stack_bytes + 2 * memory_bytes + ADDRESS_SPACE_SLACK_BYTES;
    limit(libc::RLIMIT_AS, address_space)?;
    limit(libc::RLIMIT_CPU, CPU_SECONDS_MAX)?;
    // No core dump, which would hold claims; no file ever grows.
    limit(libc::RLIMIT_CORE, 0)?;
    limit(libc::RLIMIT_FSIZE, 0)?;
    limit(libc::RLIMIT_NOFILE, OPEN_FILES_MAX)
}

/// Pages of 4 KiB from here on. A worker's live memory is about a megabyte; where the kernel hands out pages of 2 MiB to
/// whoever touches one byte, it would keep seven. A kernel without such pages refuses, and there is nothing to save.
pub(crate) fn prefer_small_pages() {
    // SAFETY: this call takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

/// No further thread or process, which stops fork bombs where the system-call filter is missing.
pub(crate) fn forbid_processes() -> io::Result<()> {
    limit(libc::RLIMIT_NPROC, 0)
}

/// Lets the live memory grow by this much from now on; beyond it the process ends with [`EXIT_OUT_OF_MEMORY`].
pub(crate) fn allow_memory(bytes: u64) {
    let allowance = i64::try_from(bytes).unwrap_or(i64::MAX);
    LIVE_BYTES_MAX.store(LIVE_BYTES.load(Relaxed).saturating_add(allowance), Relaxed);
    ARMED.store(true, Relaxed);
}

/// Live memory since the first [`allow_memory`].
pub(crate) fn live_bytes() -> u64 {
    u64::try_from(LIVE_BYTES.load(Relaxed)).unwrap_or(0)
}

/// Files without close-on-exec that the server, its parent or a library may have left open.
fn close_inherited_files() {
    // SAFETY: only descriptors above the three pipes are closed, and nothing in this process has opened one yet.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32) != 0 {
            for descriptor in 3..1024 {
                libc::close(descriptor);
            }
        }
    }
}

/// The first number of `statm` is the size in pages; 0 when it cannot be read, which makes the limit stricter.
fn address_space_in_use() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().next().and_then(|pages| pages.parse::<u64>().ok()))
        .unwrap_or(0);
    // SAFETY: takes a number, returns a number.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages * u64::try_from(page_bytes).unwrap_or(4096)
}

/// Lowers soft and hard limit, never raising what the operator set lower.
fn limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live struct of the right type.
    unsafe {
        check(libc::getrlimit(resource, &raw mut limits))?;
        let value = value.min(limits.rlim_max);
        limits = libc::rlimit { rlim_cur: value, rlim_max: value };
        check(libc::setrlimit(resource, &raw const limits))
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The global allocator of a program that runs mapper workers: another allocator, metered once a worker arms it.
///
/// A failed allocation aborts a Rust program and cannot be caught, so a worker needs a limit that is exact and ends it with
/// a telling exit code. In every other process it costs one relaxed load per allocation.
///
/// ```text
/// #[global_allocator]
/// static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> = bia_mapper::MeteredAllocator::over(std::alloc::System);
/// ```
#[derive(Debug)]
pub struct MeteredAllocator<A = System>(A);

impl MeteredAllocator<System> {
    /// Over the system's allocator.
    #[must_use]
    pub const fn system() -> Self {
        Self(System)
    }
}

impl<A> MeteredAllocator<A> {
    /// Over another allocator.
    pub const fn over(allocator: A) -> Self {
        Self(allocator)
    }
}

/// Counts `bytes` more as live, and ends the process when that is more than the limit.
fn grow(bytes: usize) {
    if ARMED.load(Relaxed) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 2);
        if LIVE_BYTES.fetch_add(bytes, Relaxed).saturating_add(bytes) > LIVE_BYTES_MAX.load(Relaxed) {
            // SAFETY: `_exit` takes no pointers, runs no destructors and does not return.
            unsafe { libc::_exit(EXIT_OUT_OF_MEMORY) }
        }
    }
}

fn shrink(bytes: usize) {
    if ARMED.load(Relaxed) {
        LIVE_BYTES.fetch_sub(i64::try_from(bytes).unwrap_or(i64::MAX / 2), Relaxed);
    }
}

// SAFETY: every call is passed on unchanged; counting allocates nothing and touches no memory of the caller.
unsafe impl<A: GlobalAlloc> GlobalAlloc for MeteredAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's contract is the inner allocator's contract.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: as above.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Grown first, as the old and the new block may live side by side while the bytes are copied.
        grow(new_size);
        shrink(layout.size());
        // SAFETY: as above.
        unsafe { self.0.realloc(pointer, layout, new_size) }
    }
}

/// Makes every program that links this crate a worker when its first argument says so, before its `main` runs. For test
/// binaries, whose `main` belongs to the test harness; `bia` branches in its own `main` and is built without this.
#[cfg(feature = "worker-in-tests")]
mod in_tests {
    use std::ffi::{CStr, c_char, c_int};

    // SAFETY: the C library calls every entry of this section with argc, argv and envp before `main`.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static BECOME_WORKER: extern "C" fn(c_int, *const *const c_char) = become_worker;

    extern "C" fn become_worker(count: c_int, arguments: *const *const c_char) {
        if count >= 2 {
            // SAFETY: `argv` has `argc` entries, each a string that ends in NUL and lives as long as the process.
            let first = unsafe { CStr::from_ptr(*arguments.add(1)) };
            if first.to_bytes() == crate::WORKER_ARG.as_bytes() {
                crate::worker_main();
            }
        }
    }
}
