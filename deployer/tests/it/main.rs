//! What needs the real binary, Terraform, the local AWS, a browser or the workflows. (What the engine does: `tests/sim`.)
//!
//! Most tests share one stack, which the first of them starts as the README says and the last one takes down. They take turns, in the
//! order of this file, and each leaves it as it found it: released from unchanged sources. The others run beside them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod actions;
mod artifacts;
mod bad_input;
mod browser;
mod doctor;
mod examples;
mod facts;
mod first_steps;
mod foreign;
mod guarded;
mod harness;
mod infrastructure;
mod install;
mod large;
mod load;
mod local;
mod pipeline;
#[path = "../promises/mod.rs"]
mod promises;
mod proven;
mod releases;
mod shells;
mod strict;
mod terminal;
mod turns;
mod web_page;

use std::iter;
use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial as Test};

use harness::Stack;

static STACK: OnceLock<Stack> = OnceLock::new();

/// The shared stack; the first one to ask waits for it.
fn stack() -> &'static Stack {
    STACK.get_or_init(Stack::up)
}

/// Makes tests of functions, under their own names. They take turns.
macro_rules! tests {
    ($($test:path),* $(,)?) => {
        vec![$(Test::test(stringify!($test), || {
            let _turn = turns::STACK.wait(stringify!($test));
            $test();
            Ok(())
        })),*]
    };
}

/// The same of functions that leave the shared stack alone.
macro_rules! tests_apart {
    ($($test:path),* $(,)?) => {
        vec![$(Test::test(stringify!($test), || {
            let _turn = turns::APART.wait(stringify!($test));
            $test();
            Ok(())
        })),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The functions' HTTP client needs one, as the real binary does.
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let mut tests = tests_of_the_first_steps();
    tests.extend(tests_of_the_browser());
    tests.extend(tests_of_releases());
    tests.extend(tests_of_privileges());
    tests.extend(tests_of_doctor());
    tests.extend(tests_of_the_infrastructure());
    tests.extend(tests_of_bad_input());
    tests.extend(tests_of_the_pipeline());
    tests.extend(tests![
        examples::init_of_this_repository_writes_what_deploys_without_an_edit,
        infrastructure::prod_is_not_destroyed_until_its_protection_is_removed,
        infrastructure::prod_is_destroyed_once_its_protection_is_removed,
        local::down_stops_every_process_and_removes_all_that_was_kept,
    ]);
    let mut apart = tests_apart_from_the_stack();
    apart.extend(tests_of_called_workflows());
    turns::STACK.is(&tests, &arguments);
    turns::APART.is(&apart, &arguments);
    // Each waits in a thread of its own until it may begin.
    arguments.test_threads = arguments.test_threads.or(Some(tests.len() + apart.len()));
    let conclusion = libtest_mimic::run(&arguments, beside(tests, apart));
    if let Some(stack) = STACK.get() {
        stack.checkout.deployer("local down");
    }
    proven::one_account::end();
    conclusion.exit_code()
}

/// Puts one of the others behind each of the tests that take turns.
fn beside(turns: Vec<Test>, others: Vec<Test>) -> Vec<Test> {
    let mut others = others.into_iter();
    let mut all: Vec<Test> = turns.into_iter().flat_map(|test| iter::once(test).chain(others.next())).collect();
    all.extend(others);
    all
}

/// What has an emulator, an account or nothing at all of its own. The longest first.
fn tests_apart_from_the_stack() -> Vec<Test> {
    tests_apart![
        proven::one_account::the_printed_steps_make_an_account_that_deploys_and_promotes,
        proven::one_account::its_roles_allow_what_they_need_and_nothing_else,
        local::a_signal_stops_what_local_up_started,
        facts::the_workflow_finds_every_emulator_leniency_and_cleans_up,
        guarded::guard_covers_the_types_of_other_serverless_stacks,
        large::twenty_existing_functions_are_released_singly_and_together,
        examples::a_rust_workspace_is_released_by_the_commands_of_its_readme,
        examples::cloudformation_is_released_by_the_commands_of_its_readme,
        examples::a_python_http_api_is_released_by_the_commands_of_its_readme,
        examples::a_queue_worker_is_released_by_the_commands_of_its_readme,
        examples::a_node_function_is_released_by_the_commands_of_its_readme,
        local::a_failed_start_of_local_up_is_explained_and_makes_nothing,
        local::a_broken_ca_bundle_is_refused_only_where_aws_is_meant,
        facts::acceptance_refuses_bad_input_and_makes_nothing,
        infrastructure::every_type_and_attribute_of_guard_is_the_providers,
        local::a_connection_outlasts_the_90_s_that_a_client_keeps_it,
        install::the_real_program_is_installed_and_starts,
        install::each_shell_installs_a_verified_deployer,
        install::another_version_replaces_a_running_deployer,
        install::wget_alone_is_enough_to_install,
        install::each_platform_gets_its_own_archive,
        install::the_installation_says_what_is_missing_on_the_path,
        install::a_kept_archive_is_verified_and_not_downloaded_again,
        install::a_truncated_script_does_nothing,
        install::bad_input::a_download_that_is_not_the_release_is_refused,
        install::bad_input::a_server_that_cannot_be_reached_is_named,
        install::bad_input::an_unsupported_platform_is_refused,
        install::bad_input::a_program_that_does_not_start_is_refused,
        install::bad_input::an_archive_writes_no_file_of_another_path,
        install::bad_input::a_folder_that_cannot_be_written_is_refused,
        install::bad_input::a_full_disk_leaves_nothing,
        install::bad_input::a_signal_leaves_nothing,
        install::bad_input::wrong_arguments_are_refused,
        install::attestations::an_attestation_of_something_else_is_refused,
        install::attestations::an_archive_that_was_replaced_with_its_sum_is_refused,
        install::attestations::without_a_current_gh_only_the_checksum_is_verified,
        install::attestations::a_gh_that_cannot_verify_is_not_a_wrong_attestation,
        install::attestations::a_required_attestation_is_of_a_commit_on_main,
        install::action::the_action_installs_and_caches_a_verified_deployer,
        install::action::the_action_refuses_a_poisoned_cache,
        install::action::the_action_refuses_what_it_cannot_verify,
        install::documented::the_page_describes_the_script_and_the_action,
        install::documented::the_script_and_the_action_install_this_version,
        install::documented::the_commands_by_hand_verify_and_install,
        install::documented::the_action_is_pinned_and_short,
        pipeline::the_required_job_reaches_ci_run_in_the_image_of_all_builds,
        pipeline::the_workflows_keep_this_repositorys_own_rules,
        browser::releases::the_page_of_releases_is_whole_on_a_phone_and_by_keyboard,
        shells::each_shell_completes_commands_environments_and_releases,
        shells::each_page_of_the_manual_renders_without_a_warning,
        browser::a_browser_that_prints_its_version_but_shows_no_page_is_passed_over,
        proven::privileges::a_policy_allows_its_statements_and_nothing_else,
        proven::privileges::an_unknown_part_of_a_policy_fails_the_test,
        terminal::a_build_on_a_terminal_shows_the_compilers_output_between_whole_lines,
        terminal::an_error_on_a_terminal_of_twenty_columns_is_whole,
        terminal::a_result_that_cannot_be_written_changes_no_exit_code_of_what_was_done,
        terminal::a_stderr_that_is_closed_or_full_changes_nothing,
    ]
}

/// The reusable workflows, called by another repository. Apart from the stack.
fn tests_of_called_workflows() -> Vec<Test> {
    tests_apart![
        pipeline::called::deploy_and_rollback_are_ten_lines,
        pipeline::called::a_caller_that_grants_too_little_is_refused,
        pipeline::called::an_input_that_does_not_exist_is_refused,
        pipeline::called::a_called_workflow_runs_nothing_of_its_callers_github,
        pipeline::called::what_a_caller_names_comes_before_what_was_typed,
        pipeline::called::a_repository_without_the_deployers_sources_cannot_build_it,
        pipeline::called::a_build_image_has_a_digest,
        pipeline::called::the_page_lists_every_input_and_output,
    ]
}

/// What a page may read, by a browser's word.
fn tests_of_the_browser() -> Vec<Test> {
    tests![browser::a_page_of_the_allowed_origin_reads_responses_a_foreign_one_does_not,]
}

/// The first steps of a newcomer, and the load that the stack takes.
fn tests_of_the_first_steps() -> Vec<Test> {
    tests![
        first_steps::local_up_in_a_clean_checkout_makes_a_live_stack,
        load::hundreds_of_simultaneous_visits_are_counted_exactly,
        web_page::requests_of_a_web_page_are_refused_at_every_port,
        first_steps::up_again_starts_makes_builds_and_releases_nothing,
    ]
}

/// What is refused, and changes nothing.
fn tests_of_bad_input() -> Vec<Test> {
    tests![bad_input::bad_input_is_refused_with_a_hint_and_changes_nothing,]
}

/// What Terraform may do to a live stack, and what it may not.
fn tests_of_the_infrastructure() -> Vec<Test> {
    tests![
        infrastructure::a_permission_is_made_before_the_old_one_goes,
        infrastructure::a_plan_that_would_cut_live_traffic_is_refused_with_a_hint,
        infrastructure::the_values_of_another_environment_are_refused_with_a_hint,
        infrastructure::the_secret_for_addresses_is_in_no_state_and_no_plan,
        infrastructure::terraforms_own_tests_pass_and_leave_nothing,
        infrastructure::a_request_that_terraform_sends_again_is_carried_out_once,
    ]
}

/// The workflows.
fn tests_of_the_pipeline() -> Vec<Test> {
    tests![
        pipeline::a_push_reaches_dev_and_prod_and_can_be_rolled_back,
        pipeline::a_refused_run_is_an_annotation_and_changes_nothing,
        pipeline::a_pull_request_gets_one_comment_and_a_forks_gets_none,
        pipeline::terraform_and_the_deployer_find_drift,
        pipeline::a_deployer_that_was_not_built_from_main_is_refused,
        pipeline::a_tag_makes_a_release_with_sums_and_attestations,
    ]
}

/// What each role may do: all that it needs, and nothing else.
fn tests_of_privileges() -> Vec<Test> {
    tests![
        proven::privileges::every_call_needs_its_action_and_is_refused_in_aws_words,
        proven::privileges::under_exactly_the_deploy_roles_policy_everything_passes,
        proven::privileges::without_an_action_the_run_names_it_and_changes_nothing,
        proven::privileges::the_role_of_pull_requests_reads_and_changes_nothing,
        proven::privileges::a_promotion_passes_under_exactly_the_policies_of_both_roles,
        proven::privileges::each_function_needs_all_its_rights_and_logs_a_missing_one,
    ]
}

/// The findings of `doctor` in a broken stack.
fn tests_of_doctor() -> Vec<Test> {
    tests![doctor::a_healthy_stack_has_no_problems_and_is_left_as_it_is, doctor::every_break_is_named_with_its_fix,]
}

/// Releases by the real binary, and what it prints and leaves.
fn tests_of_releases() -> Vec<Test> {
    tests![
        releases::changed_code_is_released_and_a_rollback_restores_the_old,
        releases::terraform_changes_memory_and_deploy_releases_it,
        releases::a_canary_is_not_drift_locks_others_out_and_reverts_on_sigterm,
        releases::a_killed_release_is_unlocked_and_reverted_by_the_next_run,
        artifacts::an_artifact_built_without_credentials_deploys_elsewhere,
        artifacts::an_older_commit_replaces_a_newer_one_only_if_it_is_meant,
        proven::secrets::no_secret_that_a_run_meets_is_printed_or_stored,
    ]
}
