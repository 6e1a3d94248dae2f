//! No core files: the memory of a server holds what its database holds sealed only.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// From now on a crash leaves no image of the memory behind, for the secrets, tokens and claims in it would outlive every
/// care that is taken with them elsewhere. The hard limit stays, so that `prlimit --core=…` can allow one on purpose.
pub(crate) fn forbid() {
    let maximum = getrlimit(Resource::Core).maximum;
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum }) {
        tracing::warn!(%error, "core files could not be forbidden; set LimitCORE=0 or `ulimit -c 0`");
    }
}
