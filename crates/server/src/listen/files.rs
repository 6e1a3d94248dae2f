//! How many files, which sockets are, this process may open.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Enough for both ports full and everything else.
const ENOUGH: u64 = 65_536;
/// What most systems give when they say nothing.
const USUAL: usize = 1024;

/// Raises the soft limit, which shells and service managers keep low for the sake of old programs, as far as the
/// hard one allows; answers what holds now. Where raising is forbidden, the limit stays as it is.
pub(super) fn raise() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some((soft, hard)) = parse(&limits) else { return USUAL };
    let wanted = hard.min(ENOUGH);
    let raised = wanted > soft
        && setrlimit(
            Resource::Nofile,
            Rlimit { current: Some(wanted), maximum: Some(hard).filter(|hard| *hard < u64::MAX) },
        )
        .is_ok();
    usize::try_from(if raised { wanted } else { soft.min(ENOUGH) }).unwrap_or(USUAL)
}

/// Soft and hard limit.
fn parse(limits: &str) -> Option<(u64, u64)> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut numbers = line.split_whitespace().map(|text| text.parse().unwrap_or(u64::MAX));
    Some((numbers.next()?, numbers.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_understood() {
        let table = "Limit  Soft Limit  Hard Limit  Units\nMax processes 96365 96365 processes\nMax open files            1024                 524288               files     \n";
        assert_eq!(parse(table), Some((1024, 524_288)));
        assert_eq!(parse("Max open files unlimited unlimited files"), Some((u64::MAX, u64::MAX)));
        assert_eq!(parse(""), None);
        assert!(raise() > 16);
    }
}
