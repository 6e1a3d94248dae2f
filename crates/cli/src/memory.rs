#![allow(unsafe_code, reason = "the allocator and the kernel are told what to keep; no safe call does")]
//! Keeps little memory: what a start or a rush needed is given back.
//!
//! Around each page of code that is used the kernel maps its neighbours, so that a start (YAML, command line, schema,
//! migrations) leaves nearly all of the program mapped: two thirds of what a server at rest would be said to use. What is
//! let go stays in the kernel's page cache, is mapped again where it is needed, and is the first to go where memory is
//! short.
//!
//! The system's allocator opens up to eight heaps for each core, and keeps the more freed memory at the end of each the
//! larger the blocks were that were freed.

use rustix::mm::{Advice, madvise};
use std::ops::Range;

/// Heaps that threads share: one for each of the two cores that a small machine has.
#[cfg(target_env = "gnu")]
const HEAPS_MAX: libc::c_int = 2;
/// Freed bytes at the end of a heap that are kept: what the allocator begins with, and keeps to once it is told.
#[cfg(target_env = "gnu")]
const KEPT_BYTES_MAX: libc::c_int = 128 * 1024;

/// Tells the allocator to keep little of what is freed; before there are threads, which choose their heap at their first
/// allocation. Whether it will: allocators other than GNU's have no such settings.
pub(crate) fn keep_little() -> bool {
    #[cfg(target_env = "gnu")]
    // SAFETY: these calls take numbers only, and no other thread is there that could allocate meanwhile.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS_MAX) == 1 && libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES_MAX) == 1
    }
    #[cfg(not(target_env = "gnu"))]
    false
}

/// Lets go of the program's code; nothing happens where the kernel shows no map.
pub(crate) fn let_code_go() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return };
    maps.lines().filter_map(|line| code_of(line, &program.to_string_lossy())).for_each(forget);
}

/// The addresses of a line of the map, if it is code of the program itself: `r-xp`, which nobody writes to. What is
/// read-only after relocation differs from the file, and is none of it.
fn code_of(line: &str, program: &str) -> Option<Range<usize>> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let is_code = fields.next() == Some("r-xp") && fields.nth(3)?.trim_start() == program;
    let at = |text| usize::from_str_radix(text, 16).ok();
    is_code.then_some(at(start)?..at(end)?)
}

fn forget(range: Range<usize>) {
    let start = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: a private mapping of a file that holds what the file holds, for nothing writes to it (no `w` among its
    // rights; the kernel refuses to change the file of a running program): whoever needs a page reads the same bytes again.
    // Refused, it stays mapped, which costs memory alone.
    let _ = unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_env = "gnu")]
    fn the_allocator_takes_what_it_is_told() {
        assert!(keep_little());
    }

    #[test]
    fn only_code_of_the_program_is_let_go() {
        let line = |rights, path| format!("55aa2da51000-55aa2ec0e000 {rights} 00628000 fe:01 1234      {path}");
        assert_eq!(code_of(&line("r-xp", "/usr/bin/bia"), "/usr/bin/bia"), Some(0x55aa_2da5_1000..0x55aa_2ec0_e000));
        assert_eq!(code_of(&line("r--p", "/usr/bin/bia"), "/usr/bin/bia"), None, "relocated data are no code");
        assert_eq!(code_of(&line("rwxp", "/usr/bin/bia"), "/usr/bin/bia"), None, "somebody writes to it");
        assert_eq!(code_of(&line("r-xp", "/usr/lib/libc.so.6"), "/usr/bin/bia"), None);
        assert_eq!(
            code_of("7ffd000-7ffe000 r-xp 00000000 00:00 0                          [vdso]", "/usr/bin/bia"),
            None
        );
        assert_eq!(code_of("what no kernel writes", "/usr/bin/bia"), None);
    }

    /// KiB of the program's code that are mapped now.
    fn resident() -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("the kernel's account");
        let program = std::fs::read_link("/proc/self/exe").expect("its own file");
        let mut is_code = false;
        let mut sum = 0;
        for line in maps.lines() {
            if let Some(kib) = line.strip_prefix("Rss:") {
                let kib = kib.trim().trim_end_matches(" kB");
                sum += if is_code { kib.parse::<u64>().expect("a number") } else { 0 };
            } else if line.split_once('-').is_some_and(|(start, _)| usize::from_str_radix(start, 16).is_ok()) {
                is_code = code_of(line, &program.to_string_lossy()).is_some();
            }
        }
        sum
    }

    #[test]
    fn the_code_of_a_start_is_no_longer_mapped() {
        // Making a schema stands for a start. Other tests of this process use their own code meanwhile.
        let schema = bia_config::json_schema();
        let was_less = (0..20).any(|_| {
            assert_eq!(bia_config::json_schema(), schema, "what was let go is there when it is needed");
            let before = resident();
            let_code_go();
            resident() < before
        });
        assert!(was_less);
    }
}
