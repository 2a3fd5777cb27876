//! The real `deployer` against the real Terraform stack on the local AWS.
//!
//! The tests run one after the other, in the order of this file: they share one stack, which the first of them starts
//! as the README says and the last one takes down. Each leaves it as it found it: released from unchanged sources.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod actions;
mod artifacts;
mod bad_input;
mod browser;
mod doctor;
mod facts;
mod faults;
mod figures;
mod first_steps;
mod front;
mod guarded;
mod harness;
mod infrastructure;
mod load;
mod local;
mod lock;
mod pipeline;
mod promises;
mod promotion;
mod proven;
mod releases;
mod retention;
mod rollback;
mod strict;
mod traffic;
mod web_page;

use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};

use harness::Stack;

static STACK: OnceLock<Stack> = OnceLock::new();

/// The shared stack; the first one to ask waits for it.
fn stack() -> &'static Stack {
    STACK.get_or_init(Stack::up)
}

/// Makes trials of functions, under their own names.
macro_rules! trials {
    ($($trial:path),* $(,)?) => {
        vec![$(Trial::test(stringify!($trial), || { $trial(); Ok(()) })),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    // The functions' HTTP client needs one, as the real binary does.
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let mut trials = trials_of_the_first_steps();
    trials.extend(trials_of_the_browser());
    trials.extend(trials_of_the_front());
    trials.extend(trials![
        releases::unchanged_sources_make_no_write_and_no_build,
        releases::a_change_to_docs_terraform_or_the_deployer_is_no_change_of_a_function,
        releases::changed_code_is_checked_before_its_alias_moves_and_then_answers,
        releases::a_changed_definition_gets_a_deployment_and_no_new_version,
        releases::changed_settings_publish_the_live_code_again,
        releases::terraform_changes_memory_and_deploy_releases_it,
        releases::a_check_that_fails_before_traffic_moves_no_alias,
        releases::a_check_that_fails_through_the_url_is_taken_back,
        releases::of_two_deploys_at_once_one_makes_the_release,
        releases::sigterm_in_the_middle_takes_back_and_frees_the_lock,
    ]);
    trials.extend(trials_of_the_engine());
    trials.extend(trials_of_what_is_proven());
    trials.extend(trials![releases::terraform_has_nothing_to_do_after_all_of_it]);
    trials.extend(trials_of_privileges());
    trials.extend(trials_of_doctor());
    trials.extend(trials_of_the_infrastructure());
    trials.extend(trials_of_bad_input());
    trials.extend(trials_of_the_pipeline());
    trials.extend(trials![
        local::a_connection_outlasts_the_90_s_for_which_a_client_keeps_it,
        local::down_stops_every_process_and_removes_all_that_was_kept,
    ]);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(stack) = STACK.get() {
        stack.checkout.deployer("local down");
    }
    proven::one_account::end();
    promises::write_table();
    conclusion.exit_code()
}

/// What a page may read, by a browser's word.
fn trials_of_the_browser() -> Vec<Trial> {
    trials![
        browser::a_browser_that_answers_its_version_and_shows_no_page_is_passed_over,
        browser::a_page_of_the_allowed_origin_reads_every_answer_and_a_foreign_one_none,
    ]
}

/// What a newcomer sees, and the load that it takes.
fn trials_of_the_first_steps() -> Vec<Trial> {
    trials![
        local::what_keeps_local_up_from_starting_is_named_and_nothing_is_made,
        first_steps::local_up_in_a_clean_checkout_makes_a_stack_that_serves,
        load::a_thousand_visits_by_32_clients_at_once_are_counted_exactly_and_none_fails,
        web_page::what_a_web_page_could_send_is_refused_at_every_port_and_nothing_is_made,
        first_steps::up_again_starts_applies_builds_and_releases_nothing,
        local::a_signal_stops_what_local_up_started,
    ]
}

/// What is refused, and changes nothing.
fn trials_of_bad_input() -> Vec<Trial> {
    trials![bad_input::what_cannot_be_is_refused_with_a_hint_and_a_code_and_changes_nothing,]
}

/// The rules that the releases after them are held to.
fn trials_of_the_front() -> Vec<Trial> {
    trials![
        front::a_stage_hands_the_function_the_proxy_event_and_the_client_its_answer,
        front::a_weighted_alias_is_answered_by_both_versions_by_chance_which_its_seed_repeats,
        front::a_stage_serves_the_definition_that_its_deployment_froze,
        front::a_switch_of_a_stage_is_seen_late_and_flips_back_for_a_moment,
        front::an_alias_that_does_not_allow_the_route_is_not_called,
        front::an_alias_or_version_that_does_not_exist_is_a_500_and_a_failed_function_a_502,
        front::a_stage_names_a_deployment_that_exists_and_keeps_it,
        front::a_dry_run_of_an_upload_answers_what_would_be_and_writes_nothing,
        front::while_an_update_is_in_progress_code_settings_and_versions_are_refused,
        front::a_new_version_is_pending_for_a_while_and_neither_invoked_nor_named_by_an_alias,
        front::publishing_what_is_published_already_answers_that_version,
        front::the_revision_of_latest_moves_twice_for_an_update_and_once_more_for_a_version,
        front::an_alias_names_at_most_two_versions_that_exist_and_keeps_its_weights_unless_told,
        front::publishing_other_code_than_was_meant_is_refused,
        front::a_version_that_an_alias_names_stays_and_a_whole_function_is_never_deleted,
        front::an_invocation_of_a_weighted_alias_is_left_to_chance,
        front::the_address_of_a_versions_zip_gives_that_versions_zip,
        front::beyond_its_rate_a_call_is_told_to_come_back_later,
        front::an_alias_is_read_as_it_was_for_a_moment_after_its_change,
        front::a_version_deleted_right_after_its_alias_has_left_it_fails_requests_for_a_while,
        front::publishing_the_same_bytes_after_an_upload_makes_a_new_version,
        front::what_is_more_than_aws_takes_is_refused,
        front::a_transaction_has_each_item_once_and_none_too_big_and_a_query_has_pages,
        front::of_two_transactions_on_one_item_at_once_one_is_cancelled,
        front::a_call_fails_loses_its_request_or_its_reply_or_is_late_where_the_test_says_so,
        front::a_held_call_is_carried_out_after_its_client_was_killed_or_given_up,
        front::every_operation_has_its_name,
        front::the_depth_of_a_run_is_its_longest_chain_of_calls_that_waited_for_one_another,
        front::another_account_is_reached_by_its_key_and_read_through_a_role_that_may_do_nothing_else,
    ]
}

/// What Terraform may do to a stack that serves, and what it may not.
fn trials_of_the_infrastructure() -> Vec<Trial> {
    trials![
        facts::the_workflow_finds_every_leniency_of_the_emulator_and_leaves_nothing,
        facts::what_acceptance_cannot_begin_with_is_refused_and_nothing_is_made,
        infrastructure::a_permission_is_made_before_the_old_one_goes,
        infrastructure::a_plan_that_would_cut_live_traffic_is_refused_with_the_way_to_do_it,
        guarded::what_other_serverless_stacks_have_is_known_by_real_plans,
        infrastructure::every_type_and_attribute_that_guard_knows_is_the_providers,
        infrastructure::the_values_of_another_environment_are_refused_with_the_way_to_its_state,
        infrastructure::the_secret_for_addresses_is_in_no_state_and_no_plan,
        infrastructure::terraforms_own_tests_pass_and_leave_nothing,
    ]
}

/// The workflows, and the end of prod.
fn trials_of_the_pipeline() -> Vec<Trial> {
    trials![
        pipeline::the_workflows_keep_this_repositorys_own_rules,
        pipeline::a_push_reaches_dev_and_prod_and_clicks_go_back_and_forth,
        pipeline::what_is_unknown_held_foreign_or_replaced_is_an_annotation_and_changes_nothing,
        pipeline::a_pull_request_gets_its_plan_as_one_comment_and_a_forks_gets_none,
        pipeline::drift_is_found_by_terraform_and_by_the_deployer_and_nothing_is_no_drift,
        pipeline::a_release_of_the_deployer_that_was_not_built_from_main_is_refused,
        pipeline::the_required_job_reaches_ci_run_in_the_image_of_all_builds,
        pipeline::a_tag_makes_a_release_with_sums_and_attestations,
        infrastructure::prod_is_not_destroyed_until_its_protection_is_taken_off,
        infrastructure::prod_is_destroyed_to_nothing_once_its_protection_is_taken_off,
    ]
}

/// What each role may do: all that it needs, and nothing else.
fn trials_of_privileges() -> Vec<Trial> {
    trials![
        proven::privileges::a_policy_allows_what_its_statements_say_and_nothing_else,
        proven::privileges::what_nobody_understands_of_a_policy_fails_the_test,
        proven::privileges::every_call_needs_what_aws_calls_it_and_is_refused_in_its_services_words,
        proven::privileges::under_exactly_the_deploy_roles_policy_everything_passes,
        proven::privileges::without_an_action_the_run_fails_names_it_and_changes_nothing_half,
        proven::privileges::the_role_of_pull_requests_looks_at_everything_and_changes_nothing,
        proven::privileges::a_promotion_passes_under_exactly_the_policies_of_both_roles,
        proven::privileges::each_function_needs_all_that_its_role_may_and_says_what_is_missing,
        proven::one_account::the_printed_steps_make_one_account_whose_roles_deploy_promote_and_roll_back,
        proven::one_account::its_roles_allow_what_they_are_for_and_nothing_else,
    ]
}

/// What is said of a stack that somebody has broken.
fn trials_of_doctor() -> Vec<Trial> {
    trials![
        doctor::a_healthy_stack_has_no_problems_and_is_left_as_it_is,
        doctor::what_somebody_broke_is_named_with_its_fix,
    ]
}

/// What a release engine is for: each scenario behind the front.
fn trials_of_the_engine() -> Vec<Trial> {
    trials![
        artifacts::what_was_built_without_credentials_is_deployed_elsewhere_without_a_build,
        artifacts::an_older_commit_replaces_a_newer_one_only_if_it_is_meant,
        artifacts::a_tampered_zip_is_refused,
        artifacts::an_artifact_that_is_not_whole_is_refused,
        artifacts::an_artifact_for_another_processor_or_of_a_newer_deployer_is_refused,
        artifacts::a_zip_over_50_mb_goes_through_the_bucket_by_its_version_and_without_one_nowhere,
        rollback::a_rollback_restores_every_part_stage_first_and_builds_nothing,
        rollback::a_rollback_is_four_calls_deep_to_the_switch,
        rollback::right_after_a_release_an_alias_that_is_read_late_is_no_drift,
        rollback::previous_is_the_last_good_one_however_often_one_went_back,
        rollback::a_rollback_names_its_target_by_number_or_commit_and_the_environment_may_be_left_out,
        rollback::a_rollback_is_not_undone_because_the_checks_have_changed_since,
        rollback::a_rollback_to_nowhere_or_to_what_never_was_stable_is_refused,
        rollback::a_rollback_to_parts_that_are_gone_is_refused_with_the_nearest_that_is_whole,
        rollback::a_rollback_to_routes_that_may_not_be_called_any_more_is_refused,
        traffic::a_canary_gives_a_part_of_the_traffic_first_and_no_request_fails,
        traffic::terraform_has_nothing_to_do_in_the_middle_of_a_canary,
        traffic::a_canary_whose_alarm_rings_midway_is_taken_back,
        traffic::a_linear_shift_goes_step_by_step,
        traffic::an_alarm_that_rings_already_stops_a_start_and_no_rollback,
        traffic::an_alarm_without_data_does_not_ring_and_is_reported,
        traffic::an_alarm_that_rings_while_the_new_release_is_watched_takes_it_back_stage_first,
        traffic::a_switch_that_flips_back_for_a_moment_is_waited_out,
        traffic::what_the_gateways_limits_keep_from_being_judged_is_not_taken_back_and_judged_by_the_next_run,
        lock::while_a_run_lives_others_are_refused_and_told_whose_it_is,
        lock::a_killed_run_is_taken_over_once_its_lease_is_over_and_its_late_move_does_not_land,
        lock::killed_before_anything_moved_the_next_run_ends_it_as_failed_and_goes_on,
        lock::killed_between_aliases_and_stage_the_next_run_goes_back_and_says_so,
        lock::killed_before_the_record_the_next_run_goes_forward,
        lock::a_late_move_of_the_stage_is_seen_by_the_next_run,
        lock::a_late_move_of_the_stage_in_the_middle_of_the_next_release_is_taken_back_with_it,
        lock::a_holder_that_lost_its_lock_moves_nothing_any_more,
        lock::unlock_shows_the_holder_and_asks,
        faults::a_lost_reply_makes_no_second_version_deployment_or_release,
        faults::a_lost_request_is_sent_again,
        faults::a_reply_lost_on_the_way_back_is_no_failure_of_it,
        promotion::promote_moves_the_bytes_of_dev_to_prod_and_builds_nothing,
        promotion::promote_reads_the_other_account_through_a_role_that_may_read_and_nothing_else,
        promotion::a_promotion_of_an_environment_to_itself_is_refused,
        promotion::a_promotion_of_what_does_not_exist_or_is_not_stable_is_refused,
        promotion::a_promotion_to_an_environment_that_runs_a_later_commit_is_refused_unless_meant,
        promotion::a_promotion_to_another_api_definition_is_refused_with_the_difference,
        promotion::a_promotion_of_bytes_that_are_not_the_tested_ones_is_refused,
        retention::prune_shows_first_and_removes_only_what_nothing_needs,
        retention::after_a_release_what_it_made_dispensable_goes,
        retention::adopt_records_what_was_moved_behind_the_deployers_back,
        retention::an_alias_that_splits_its_traffic_or_names_latest_cannot_be_adopted,
        figures::each_command_keeps_within_its_calls_and_round_trips,
        retention::history_tells_kinds_states_who_commit_and_durations,
    ]
}

/// The invariants, in many cases each.
fn trials_of_what_is_proven() -> Vec<Trial> {
    trials![
        proven::hostile::what_an_item_says_that_cannot_be_is_refused_by_name_and_nothing_is_moved,
        proven::hostile::a_live_release_whose_item_is_gone_gets_it_back_when_it_is_superseded,
        proven::secrets::no_secret_that_a_run_meets_is_printed_or_stored,
        proven::races::of_runs_that_start_from_the_same_state_one_gets_the_lock_and_the_others_change_nothing,
        proven::races::of_a_run_that_wakes_and_those_that_take_its_lock_one_goes_on,
        proven::deploys::of_deploys_of_the_same_artifact_at_once_one_makes_one_version_and_one_release,
        proven::orders::two_deploys_in_every_order_of_their_changes_make_no_stale_move,
        proven::orders::a_holder_that_sleeps_past_its_lease_makes_no_stale_move,
        proven::traffic::under_live_traffic_no_request_fails_and_every_visit_is_counted_once,
    ]
}
