//! Attacks on the real program, and that each gets nothing. `docs/security.md` lists them beside the standards that name
//! them, together with those that are tested nearer to the code; `table` holds page and tests together.
//!
//! `callbacks` (login and link CSRF, replay, swaps), `substitution` (mix-up, PKCE downgrade, foreign tokens), `redirects`
//! (open redirects), `cookies` (fixation, tossing, forged forms), `ports` (headers that lie, the admin port from
//! outside), `inside` (server-side request forgery), `enumeration` (who exists), `leaks` (what is written down), `races`
//! (many at once). Where the database decides, `databases` brings each kind of it; `raw` writes what no browser would.

mod callbacks;
mod cookies;
mod databases;
mod enumeration;
mod forms;
mod inside;
mod leaks;
mod ports;
mod races;
mod raw;
mod redirects;
mod substitution;
mod table;
