//! What needs the real binary, Terraform, the local AWS, a browser or the workflows. (What the engine does: `tests/sim`.)
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
mod first_steps;
mod guarded;
mod harness;
mod infrastructure;
mod load;
mod local;
mod pipeline;
mod promises;
mod proven;
mod releases;
mod strict;
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
    trials.extend(trials_of_releases());
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
        browser::a_page_of_the_allowed_origin_reads_the_count_and_its_preflight_passes,
        browser::a_page_of_a_foreign_origin_reads_nothing_though_its_simple_request_counts,
        browser::a_method_or_header_that_the_preflight_does_not_allow_is_never_sent,
        browser::a_path_or_method_that_api_gateway_does_not_know_is_readable_as_403_without_a_preflight,
        browser::a_request_that_the_stage_throttles_is_readable_as_429,
        browser::a_function_that_cannot_be_called_is_readable_as_500,
        browser::an_error_of_the_function_is_readable_with_its_sentence_and_request_id,
    ]
}

/// What a newcomer sees, and the load that it takes.
fn trials_of_the_first_steps() -> Vec<Trial> {
    trials![
        local::a_port_in_use_is_named_and_nothing_is_made,
        local::a_missing_terraform_or_python_is_named_and_nothing_is_made,
        local::a_terraform_or_python_that_is_too_old_is_named_and_nothing_is_made,
        local::a_failed_download_leaves_nothing_half_made,
        local::without_the_local_aws_every_command_says_how_to_start_it,
        first_steps::local_up_in_a_clean_checkout_ends_with_a_curl_line_that_counts,
        first_steps::status_shows_release_versions_commit_and_source_hash_of_both_environments,
        first_steps::every_get_counts_up_by_one,
        first_steps::concurrent_gets_lose_no_count,
        load::ten_thousand_visits_by_64_clients_at_once_are_counted_exactly_and_none_fails,
        first_steps::the_preflight_function_answers_options,
        first_steps::the_declared_checks_pass,
        first_steps::nothing_of_the_users_aws_or_terraform_settings_reached_anything_local,
        web_page::what_a_web_page_could_send_is_refused_at_every_port_and_nothing_is_made,
        first_steps::terraform_has_nothing_to_do_after_a_release,
        first_steps::up_again_starts_applies_builds_and_releases_nothing,
        local::a_signal_stops_what_it_started_and_the_next_up_begins_anew,
    ]
}

/// What is refused, and changes nothing.
fn trials_of_bad_input() -> Vec<Trial> {
    trials![
        bad_input::an_unknown_environment_is_refused_with_the_known_ones,
        bad_input::a_malformed_configuration_is_named_with_line_and_column,
        bad_input::an_unknown_flag_is_a_usage_error,
        bad_input::a_ledger_without_a_contract_is_refused,
        bad_input::a_ledger_that_does_not_exist_is_refused,
        bad_input::a_contract_of_a_newer_schema_is_refused,
        bad_input::a_contract_of_another_account_region_or_environment_is_refused,
        bad_input::an_alias_that_does_not_exist_is_refused,
        bad_input::missing_credentials_are_refused,
        bad_input::a_package_that_does_not_compile_shows_the_compilers_errors,
        bad_input::a_zip_over_the_limit_is_refused,
        bad_input::a_moved_alias_is_drift_and_nothing_is_overwritten,
        bad_input::a_held_lock_is_refused_and_its_holder_named,
        bad_input::all_of_that_made_no_release_and_left_no_lock,
    ]
}

/// What Terraform may do to a stack that serves, and what it may not.
fn trials_of_the_infrastructure() -> Vec<Trial> {
    trials![
        facts::the_workflow_finds_every_leniency_of_the_emulator_and_leaves_nothing,
        facts::what_acceptance_cannot_begin_with_is_refused_and_nothing_is_made,
        infrastructure::a_permission_is_replaced_without_a_moment_without_one,
        infrastructure::a_plan_that_would_cut_live_traffic_is_refused_with_the_way_to_do_it,
        infrastructure::a_change_in_place_that_cuts_live_traffic_is_refused,
        guarded::what_other_serverless_stacks_have_is_known_by_real_plans,
        infrastructure::every_type_and_attribute_that_guard_knows_is_the_providers,
        infrastructure::what_is_no_plan_is_refused,
        infrastructure::the_values_of_another_environment_are_refused_with_the_way_to_its_state,
        infrastructure::prod_is_not_destroyed_until_its_protection_is_taken_off,
        infrastructure::the_secret_for_addresses_is_in_no_state_and_no_plan,
        infrastructure::the_whole_is_made_from_nothing_and_destroyed_to_nothing,
    ]
}

/// The accounts are emptied, and the workflows fill them again.
fn trials_of_the_pipeline() -> Vec<Trial> {
    trials![
        infrastructure::destroying_dev_after_all_its_releases_leaves_nothing,
        infrastructure::prod_is_destroyed_once_its_protection_is_taken_off,
        pipeline::every_step_is_short_and_hands_its_signals_on,
        pipeline::no_job_that_builds_may_take_a_role_or_sign,
        pipeline::every_job_that_applies_knows_what_it_releases_and_which_commit_is_the_older,
        pipeline::before_the_first_deploy_there_is_no_drift,
        pipeline::a_push_brings_an_empty_account_to_dev_and_approved_to_prod,
        pipeline::what_nobody_approved_stays_in_dev_until_a_click_promotes_it,
        pipeline::a_click_rolls_back,
        pipeline::a_check_that_fails_stops_the_push_before_prod_and_tells_why,
        pipeline::a_cancelled_job_takes_back_what_it_moved_before_it_is_killed,
        pipeline::a_pull_request_gets_its_plan_as_one_comment_and_a_forks_gets_none,
        pipeline::drift_is_found_by_terraform_and_by_the_deployer,
        pipeline::the_required_job_reaches_ci_run_in_the_image_of_all_builds,
        pipeline::a_release_of_the_deployer_is_taken_only_if_it_was_built_from_main,
        pipeline::a_tag_makes_a_release_with_sums_and_attestations,
        pipeline::what_cannot_be_is_an_annotation_that_says_what_to_do_and_changes_nothing,
        pipeline::what_is_held_replaced_or_foreign_is_an_annotation_and_changes_nothing,
    ]
}

/// What each role may do: all that it needs, and nothing else.
fn trials_of_privileges() -> Vec<Trial> {
    trials![
        proven::privileges::a_policy_allows_what_its_statements_say_and_nothing_else,
        proven::privileges::what_nobody_understands_of_a_policy_fails_the_test,
        proven::privileges::every_call_needs_what_aws_calls_it_and_is_refused_in_its_services_words,
        proven::privileges::under_exactly_the_deploy_roles_policy_everything_passes,
        proven::privileges::nothing_is_granted_for_the_deployer_that_it_never_uses,
        proven::privileges::doctor_asks_for_every_action_that_a_run_needs_and_for_no_other,
        proven::privileges::with_each_action_taken_out_the_run_fails_names_it_and_changes_nothing_half,
        proven::privileges::what_only_pruning_needs_fails_no_release_and_is_warned_of,
        proven::privileges::the_role_of_pull_requests_looks_at_everything_and_changes_nothing,
        proven::privileges::a_promotion_passes_under_exactly_the_policies_of_both_roles_and_without_any_action_fails_and_names_it,
        proven::privileges::under_auth_a_workflow_with_githubs_token_passes_and_without_an_action_fails_and_names_it,
        proven::privileges::each_function_needs_all_that_its_role_may_and_says_what_is_missing,
        proven::one_account::the_printed_steps_make_one_account_and_its_roles_deploy_promote_roll_back_and_prune,
        proven::one_account::the_first_apply_passes_under_exactly_the_deploy_roles_policy,
        proven::one_account::a_wrong_role_ends_a_promotion_before_anything_was_changed,
        proven::one_account::no_role_reaches_another_environment_and_the_plan_role_writes_nothing,
        proven::one_account::no_other_workflow_takes_a_role,
    ]
}

/// What is said of a stack that somebody has broken.
fn trials_of_doctor() -> Vec<Trial> {
    trials![
        doctor::a_healthy_stack_has_no_problems_and_passes_no_permission_that_it_could_not_ask_for,
        doctor::it_changes_nothing,
        doctor::a_removed_permission_is_a_problem_that_is_named_with_its_fix,
        doctor::a_check_that_the_live_version_fails_is_a_problem_before_a_release_meets_it,
        doctor::a_wildcard_permission_is_a_warning_and_no_problem,
        doctor::an_alias_moved_behind_the_deployers_back_is_a_problem,
        doctor::an_environment_without_a_contract_is_one_problem_and_the_rest_not_checked,
        doctor::terraform_has_nothing_to_do_after_all_of_it,
    ]
}

/// Releases by the real binary, and what it prints and leaves.
fn trials_of_releases() -> Vec<Trial> {
    trials![
        releases::changed_code_is_built_released_and_served_and_a_rollback_serves_what_was_before,
        releases::terraform_changes_memory_and_deploy_releases_it,
        releases::in_a_canary_terraform_sees_no_change_another_process_is_refused_and_sigterm_reverts_it,
        releases::what_a_killed_process_left_is_unlocked_by_hand_and_reverted_by_the_next_run,
        artifacts::what_was_built_without_credentials_is_deployed_elsewhere_without_a_build,
        artifacts::an_older_commit_replaces_a_newer_one_only_if_it_is_meant,
        proven::secrets::no_secret_that_a_run_meets_is_printed_or_stored,
    ]
}
