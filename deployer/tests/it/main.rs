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
mod guarded;
mod harness;
mod infrastructure;
mod large;
mod load;
mod local;
mod pipeline;
#[path = "../promises/mod.rs"]
mod promises;
mod proven;
mod releases;
mod strict;
mod terminal;
mod turns;
mod web_page;

use std::iter;
use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};

use harness::Stack;

static STACK: OnceLock<Stack> = OnceLock::new();

/// The shared stack; the first one to ask waits for it.
fn stack() -> &'static Stack {
    STACK.get_or_init(Stack::up)
}

/// Makes trials of functions, under their own names. They take turns.
macro_rules! trials {
    ($($trial:path),* $(,)?) => {
        vec![$(Trial::test(stringify!($trial), || {
            let _turn = turns::wait(stringify!($trial));
            $trial();
            Ok(())
        })),*]
    };
}

/// The same of functions that leave the shared stack alone: they wait for nobody.
macro_rules! trials_apart {
    ($($trial:path),* $(,)?) => {
        vec![$(Trial::test(stringify!($trial), || { $trial(); Ok(()) })),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One with the stack, one apart from it, and one that waits for its turn while the other two run.
    arguments.test_threads = arguments.test_threads.or(Some(3));
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
        examples::init_of_this_repository_writes_what_deploys_without_an_edit,
        infrastructure::prod_is_not_destroyed_until_its_protection_is_taken_off,
        infrastructure::prod_is_destroyed_to_nothing_once_its_protection_is_taken_off,
        local::down_stops_every_process_and_removes_all_that_was_kept,
    ]);
    turns::are(&trials, &arguments);
    let conclusion = libtest_mimic::run(&arguments, beside(trials, trials_apart_from_the_stack()));
    if let Some(stack) = STACK.get() {
        stack.checkout.deployer("local down");
    }
    proven::one_account::end();
    conclusion.exit_code()
}

/// Puts one of the others behind each of the trials that take turns.
fn beside(turns: Vec<Trial>, others: Vec<Trial>) -> Vec<Trial> {
    let mut others = others.into_iter();
    let mut all: Vec<Trial> = turns.into_iter().flat_map(|trial| iter::once(trial).chain(others.next())).collect();
    all.extend(others);
    all
}

/// What has an emulator, an account or nothing at all of its own. The longest first.
fn trials_apart_from_the_stack() -> Vec<Trial> {
    trials_apart![
        proven::one_account::the_printed_steps_make_one_account_whose_roles_deploy_promote_and_roll_back,
        proven::one_account::its_roles_allow_what_they_are_for_and_nothing_else,
        local::a_signal_stops_what_local_up_started,
        facts::the_workflow_finds_every_leniency_of_the_emulator_and_leaves_nothing,
        guarded::what_other_serverless_stacks_have_is_known_by_real_plans,
        large::twenty_functions_that_were_there_are_found_and_released_one_by_one_and_together,
        examples::a_rust_workspace_is_released_by_the_commands_of_its_readme,
        examples::a_cloudformation_stack_is_released_by_the_commands_of_its_readme,
        examples::a_python_http_api_is_released_by_the_commands_of_its_readme,
        examples::a_python_queue_worker_is_released_by_the_commands_of_its_readme,
        examples::a_node_function_with_a_url_is_released_by_the_commands_of_its_readme,
        local::what_keeps_local_up_from_starting_is_named_and_nothing_is_made,
        facts::what_acceptance_cannot_begin_with_is_refused_and_nothing_is_made,
        infrastructure::every_type_and_attribute_that_guard_knows_is_the_providers,
        local::a_connection_outlasts_the_90_s_for_which_a_client_keeps_it,
        pipeline::the_required_job_reaches_ci_run_in_the_image_of_all_builds,
        pipeline::the_workflows_keep_this_repositorys_own_rules,
        browser::a_browser_that_answers_its_version_and_shows_no_page_is_passed_over,
        proven::privileges::a_policy_allows_what_its_statements_say_and_nothing_else,
        proven::privileges::what_nobody_understands_of_a_policy_fails_the_test,
        terminal::a_build_on_a_terminal_shows_the_compilers_output_between_whole_lines,
        terminal::an_error_on_a_terminal_of_twenty_columns_is_whole,
        terminal::a_result_that_cannot_be_written_changes_no_exit_code_of_what_was_done,
        terminal::a_stderr_that_is_closed_or_full_changes_nothing,
    ]
}

/// What a page may read, by a browser's word.
fn trials_of_the_browser() -> Vec<Trial> {
    trials![browser::a_page_of_the_allowed_origin_reads_every_answer_and_a_foreign_one_none,]
}

/// What a newcomer sees, and the load that it takes.
fn trials_of_the_first_steps() -> Vec<Trial> {
    trials![
        first_steps::local_up_in_a_clean_checkout_makes_a_stack_that_serves,
        load::hundreds_of_visits_by_32_clients_at_once_are_counted_exactly_and_none_fails,
        web_page::what_a_web_page_could_send_is_refused_at_every_port_and_nothing_is_made,
        first_steps::up_again_starts_makes_builds_and_releases_nothing,
    ]
}

/// What is refused, and changes nothing.
fn trials_of_bad_input() -> Vec<Trial> {
    trials![bad_input::what_cannot_be_is_refused_with_a_hint_and_a_code_and_changes_nothing,]
}

/// What Terraform may do to a stack that serves, and what it may not.
fn trials_of_the_infrastructure() -> Vec<Trial> {
    trials![
        infrastructure::a_permission_is_made_before_the_old_one_goes,
        infrastructure::a_plan_that_would_cut_live_traffic_is_refused_with_the_way_to_do_it,
        infrastructure::the_values_of_another_environment_are_refused_with_the_way_to_its_state,
        infrastructure::the_secret_for_addresses_is_in_no_state_and_no_plan,
        infrastructure::terraforms_own_tests_pass_and_leave_nothing,
        infrastructure::a_request_that_terraform_sends_again_is_carried_out_once,
    ]
}

/// The workflows.
fn trials_of_the_pipeline() -> Vec<Trial> {
    trials![
        pipeline::a_push_reaches_dev_and_prod_and_clicks_go_back_and_forth,
        pipeline::what_is_unknown_held_foreign_or_replaced_is_an_annotation_and_changes_nothing,
        pipeline::a_pull_request_gets_its_plan_as_one_comment_and_a_forks_gets_none,
        pipeline::drift_is_found_by_terraform_and_by_the_deployer_and_nothing_is_no_drift,
        pipeline::a_release_of_the_deployer_that_was_not_built_from_main_is_refused,
        pipeline::a_tag_makes_a_release_with_sums_and_attestations,
    ]
}

/// What each role may do: all that it needs, and nothing else.
fn trials_of_privileges() -> Vec<Trial> {
    trials![
        proven::privileges::every_call_needs_what_aws_calls_it_and_is_refused_in_its_services_words,
        proven::privileges::under_exactly_the_deploy_roles_policy_everything_passes,
        proven::privileges::without_an_action_the_run_fails_names_it_and_changes_nothing_half,
        proven::privileges::the_role_of_pull_requests_looks_at_everything_and_changes_nothing,
        proven::privileges::a_promotion_passes_under_exactly_the_policies_of_both_roles,
        proven::privileges::each_function_needs_all_that_its_role_may_and_says_what_is_missing,
    ]
}

/// What is said of a stack that somebody has broken.
fn trials_of_doctor() -> Vec<Trial> {
    trials![
        doctor::a_healthy_stack_has_no_problems_and_is_left_as_it_is,
        doctor::what_somebody_broke_is_named_with_its_fix,
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
