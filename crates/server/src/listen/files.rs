//! How many files, which sockets are, this process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Enough for both ports full and everything else.
const ENOUGH: u64 = 65_536;

/// Raises the soft limit, which shells and service managers keep low for the sake of old programs, as far as the
/// hard one allows; answers what holds now. Where raising is forbidden, the limit stays as it is.
pub(super) fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None means that there is no limit.
    let soft = current.map_or(ENOUGH, |soft| soft.min(ENOUGH));
    let wanted = maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
    let raised = wanted > soft && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    usize::try_from(if raised { wanted } else { soft }).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_as_far_as_the_hard_one_allows_and_never_lowered() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let allowed = maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
        assert_eq!(raise() as u64, allowed);
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.maximum, maximum);
        assert_eq!(now.current, current.map(|soft| soft.max(allowed)));
    }
}
