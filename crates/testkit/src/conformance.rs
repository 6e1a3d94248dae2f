//! What every store must do, whatever the database.
//!
//! Each test gets an empty, migrated store. To add one: write a function in the module of its subject and
//! name it in the list below; it then runs for every database.

pub mod cleanup;
pub mod concurrency;
pub mod flows;
pub mod identities;
pub mod identity_list;
pub mod session_list;
pub mod sessions;
pub mod units;

/// Instantiates the whole suite. `$open` is an async function that answers `Option<TestDatabase>`.
#[macro_export]
macro_rules! store_conformance {
    ($open:path) => {
        $crate::store_conformance! { @list $open;
            identities:
                an_identity_comes_back_exactly_as_it_was_put_in,
                identities_are_found_by_identifier_address_and_external_id,
                identifiers_are_compared_with_case_and_per_type,
                a_taken_identifier_is_a_conflict_that_names_it,
                a_taken_address_is_a_conflict_that_names_it,
                a_taken_external_id_is_a_conflict_that_names_it,
                a_taken_key_is_a_conflict,
                an_update_moves_identifiers_and_addresses,
                an_update_with_unchanged_identifiers_keeps_them,
                an_update_of_what_somebody_else_changed_is_stale,
                an_update_of_nobody_is_not_found,
                an_update_can_conflict,
                deleting_an_identity_frees_everything_it_held,
                the_same_address_twice_in_one_identity_is_no_conflict,
                links_are_counted_per_provider,
                linked_providers_are_listed_once_each,
                conflicts_never_show_the_value_in_their_texts;
            identity_list:
                pages_by_key_visit_everybody_once_in_order,
                pages_by_key_stay_right_while_rows_come_and_go,
                pages_by_offset_cut_the_same_order,
                filters_let_through_what_they_name,
                similar_means_a_prefix_without_wildcards,
                several_prefixes_are_alternatives,
                a_page_of_nothing_is_empty;
            sessions:
                a_session_is_found_by_its_token_with_its_identity,
                the_raw_form_parses_to_the_same_session,
                a_session_needs_an_identity,
                two_sessions_cannot_share_a_token,
                a_change_replaces_what_the_sign_in_said,
                a_change_moves_neither_owner_nor_end,
                a_change_neither_revives_nor_touches_an_ended_session,
                extending_never_moves_the_end_back,
                deactivating_works_once_and_keeps_the_row,
                somebody_elses_session_is_left_alone,
                all_other_sessions_end_but_the_kept_one,
                sessions_of_a_link_end_without_those_of_other_providers,
                sessions_end_by_the_providers_session_id,
                deleting_removes_rows,
                batches_disable_and_delete_what_they_name_up_to_their_limit,
                sessions_due_for_recheck_are_taken_once;
            session_list:
                sessions_are_listed_newest_first_in_pages,
                active_and_inactive_split_all_sessions,
                identities_come_along_only_when_asked_for;
            flows:
                a_flow_comes_back_as_it_was_put_in_if_the_kind_fits,
                a_flow_is_replaced_and_deleted,
                an_update_of_a_missing_flow_is_not_found,
                a_container_is_taken_once_and_only_by_its_binding,
                a_container_is_replaced_only_under_its_own_binding,
                an_error_remembers_when_it_was_first_seen,
                a_token_exchange_walks_from_init_code_to_session,
                a_token_exchange_follows_its_flow,
                two_exchanges_cannot_share_an_init_code,
                subject_migrations_are_listed_until_rolled_back_once;
            units:
                nothing_is_kept_before_the_commit,
                a_dropped_unit_leaves_nothing_and_blocks_nobody,
                a_rolled_back_unit_leaves_nothing,
                a_unit_that_failed_cannot_be_committed,
                a_unit_sees_its_own_writes,
                a_cancelled_begin_blocks_nobody,
                the_store_is_ready_once_migrated_and_migrating_again_does_nothing,
                a_sound_database_checks_out;
            cleanup:
                cleanup_removes_what_expired_and_nothing_else,
                cleanup_keeps_what_expired_lately,
                cleanup_of_many_rows_goes_batch_by_batch,
                statistics_count_rows;
            concurrency:
                sixty_four_writers_at_once_never_fail,
                of_many_takers_one_gets_the_container,
                of_two_people_with_one_identifier_one_gets_it,
                units_that_claim_values_in_opposite_order_do_not_deadlock,
                concurrent_updates_lose_nothing,
                concurrent_changes_of_a_session_all_stay,
                a_revocation_beats_changes_at_the_same_time,
                readers_are_not_blocked_by_an_open_unit,
                cancelled_work_leaves_the_store_usable,
                two_cleanups_at_once_do_not_disturb_each_other;
        }
    };
    (@list $open:path; $($module:ident: $($name:ident),+;)+) => {
        $(mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let Some(database) = $open().await else { return };
                    $crate::conformance::$module::$name(&database.store).await;
                    database.remove().await;
                }
            )+
        })+
    };
}
