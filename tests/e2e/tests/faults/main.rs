//! What goes wrong around the program, one fault at a time: always bounded time, a clear error, and recovery without a restart.
//!
//! `kill` (what a browser was told of is there), `disk` (full, read-only, damaged), `locks` (a database that keeps people
//! waiting), `postgres` (stopped, cut, slow, silent, away, full, read-only), `files` (no file handles left), `crowd` (thousands of
//! connections that say nothing, little or too much), `patience` (what hangs is given up),
//! `workers` (mapper workers killed), `clock` (jumps), `provider` (a
//! slow one keeps nobody else waiting). Faults of a provider's answers are in `faults` of the other test program.
//!
//! `world` has what they share, `table` holds `docs/faults.md` and the tests together. Tests of PostgreSQL need
//! `BIA_TEST_POSTGRES`, or `initdb` for a `cluster` of their own; like those that mount a file system or turn the clock they say so on standard error and pass where
//! the machine doesn't allow it.

mod clock;
mod cluster;
mod crowd;
mod disk;
mod files;
mod kill;
mod locks;
mod patience;
mod postgres;
mod provider;
mod table;
mod workers;
mod world;
