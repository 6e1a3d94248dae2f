//! The flows at the crate's border: real mapper workers, a SQLite database in memory, and a stand-in for Entra.
//!
//! Start at `bed.rs` (a server without HTTP) and `browser.rs` (somebody who uses it). A test that belongs to a feature
//! of `docs/features.md` begins with the feature's letter and number; `features.rs` checks that the table names it.

mod bed;
mod brought_token;
mod browser;
mod captures;
mod features;
mod front_channel;
mod graph_features;
mod home_realm;
mod linking;
mod n_oauth;
mod native_exchange;
mod people;
mod properties;
mod providers;
mod recheck;
mod return_urls;
mod rights;
mod settings;
mod signing_out;
mod step_up;
mod subjects;
mod tenants;
mod test_login;

/// As in `bia`: this binary is its own mapper worker.
#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);
