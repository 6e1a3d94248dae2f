#![allow(
    unsafe_code,
    reason = "a global allocator and process limits cannot be written without it; nothing else in the workspace may"
)]
//! The limits that a worker sets on itself before it reads a byte of user code, and the allocator that meters it.
//! The one file of the workspace with `unsafe`: an allocator is `unsafe` by its trait, and process limits are system calls.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

/// The exit code of a worker that reached its memory limit.
pub(crate) const EXIT_OUT_OF_MEMORY: i32 = 42;

static ARMED: AtomicBool = AtomicBool::new(false);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);
static LIVE_BYTES_MAX: AtomicI64 = AtomicI64::new(i64::MAX);

/// The global allocator of a program that runs mapper workers: another allocator, metered once a worker arms it.
///
/// A failed allocation aborts a Rust program and cannot be caught, so a worker needs a limit that is exact and ends it with
/// a telling exit code. In every other process it costs one relaxed load per allocation.
///
/// ```ignore
/// #[global_allocator]
/// static ALLOCATOR: bia_mapper::MeteredAllocator<mimalloc::MiMalloc> = bia_mapper::MeteredAllocator::over(mimalloc::MiMalloc);
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
        if LIVE_BYTES.fetch_add(bytes, Relaxed).saturating_add(bytes) > LIVE_BYTES_MAX.load(Relaxed)
        {
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
