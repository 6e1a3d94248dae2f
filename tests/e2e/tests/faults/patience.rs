//! Whatever hangs is given up. Each takes as long as the program waits, so they wait side by side.

use crate::{crowd, locks, postgres};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_a_silent_database_and_clients_that_drip_are_all_given_up_in_bounded_time() {
    tokio::join!(
        locks::a_lock_that_is_held_for_long_ends_in_a_clear_refusal_and_passes(),
        postgres::a_server_that_answers_nothing_is_given_up_in_bounded_time(),
        crowd::headers_and_bodies_that_drip_in_are_given_up_and_disturb_nobody(),
    );
}
