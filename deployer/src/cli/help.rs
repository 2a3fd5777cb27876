//! The parts of the help that clap does not derive: headings, examples, exit codes and environment variables.

/// Options of every command.
pub(super) const GLOBAL: &str = "Global options";
/// Options that allow what is refused otherwise, or refuse more.
pub(super) const SAFETY: &str = "Safety";
pub(super) const WHICH_FUNCTIONS: &str = "Which functions";
pub(super) const WHICH_RELEASE: &str = "Which release";
pub(super) const FOR_CI: &str = "For CI jobs";

pub(super) const SHORT: &str = "\
Examples:
  deployer plan dev                        Show what a deploy to `dev` would change
  deployer deploy dev                      Release this checkout to `dev`
  deployer promote dev prod                Release to `prod` what runs in `dev`
  deployer rollback prod --to previous     Go back to the previous release

`deployer --help` also lists exit codes and environment variables.";

pub(super) const LONG: &str = "\
Examples:
  deployer plan dev                        Show what a deploy to `dev` would change
  deployer deploy dev                      Release this checkout to `dev`
  deployer promote dev prod                Release to `prod` what runs in `dev`
  deployer rollback prod --to previous     Go back to the previous release
  deployer status --output json            Show what is live in every environment, as JSON
  deployer local up                        Try all of it on this machine

Exit codes:
  0   Success, or nothing to do
  1   An error; what takes traffic was not changed
  2   `plan --detailed-exitcode`: there are changes
  3   Bad input or configuration
  4   Refused: drift, a later commit is live, an unknown or unstable release, and more
  5   Another run has the lock
  6   The release failed and was reverted
  7   The release failed and could not be reverted
  64  The command line is wrong

Environment variables:
  DEPLOYER_LOCAL          `1` is the same as --local
  AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, …
                          Credentials, as in the AWS CLI
  AWS_CA_BUNDLE           PEM file with the root certificates of a proxy
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
                          Proxy for AWS and for checks
  NO_COLOR, TERM          No colors if NO_COLOR is set, or if TERM is `dumb`
  LC_ALL, LC_CTYPE, LANG  ASCII only, unless the locale is UTF-8
  XDG_CACHE_HOME          Folder for downloads [default: ~/.cache]
  CARGO, RUSTC            Programs that build functions
  GITHUB_ACTIONS          `true` adds annotations, a summary and step outputs
  GITHUB_ACTOR, GITHUB_RUN_ID, GITHUB_SHA, …
                          Who released, in which run, and which commit
  USER, LOGNAME           Who released, outside GitHub Actions";

pub(super) const INIT: &str = "\
Examples:
  deployer init                                   Functions whose name contains that of this folder
  deployer init prod --app shop                   Functions of `shop`, environment `prod`
  deployer init --tag app=shop --region eu-west-1
  deployer init --cloudformation shop-dev --yes";

pub(super) const BUILD: &str = "\
Examples:
  deployer build                           Build to `.deployer/artifact`
  deployer build --out dist                Build to `dist`, for `deployer deploy --artifact dist`";

pub(super) const PLAN: &str = "\
Examples:
  deployer plan dev                        Show what a deploy to `dev` would change
  deployer plan dev --artifact dist        Show what a deploy of `dist` would change
  deployer plan dev --detailed-exitcode    Exit with 2 if there are changes";

pub(super) const DEPLOY: &str = "\
Examples:
  deployer deploy dev                      Build this checkout and release it to `dev`
  deployer deploy dev --artifact dist      Release what `deployer build --out dist` made
  deployer deploy dev --at-once            Skip the canary
  deployer deploy dev --local              Release to `dev` on the local AWS";

pub(super) const PROMOTE: &str = "\
Examples:
  deployer promote dev prod                Release to `prod` what is live in `dev`
  deployer promote dev@12 prod             Release to `prod` what release 12 of `dev` ran
  deployer promote dev prod --artifact dist
                                           Only if these are the packages in `dist`";

pub(super) const ROLLBACK: &str = "\
Examples:
  deployer rollback prod --to previous     Go back to the previous release
  deployer rollback prod --to 11           Go back to release 11
  deployer rollback prod --to 3f2c9ab      Go back to the release of a commit";

pub(super) const CHECK: &str = "\
Examples:
  deployer check dev                       Run the checks; exit with 1 if one fails
  deployer check prod --output json";

pub(super) const STATUS: &str = "\
Examples:
  deployer status                          Show all environments
  deployer status prod --output json
  deployer status prod --idle              Exit with 5 during a release, before `terraform apply`
  deployer status prod --idle --artifact dist";

pub(super) const HISTORY: &str = "\
Examples:
  deployer history prod                    List the last 20 releases of `prod`
  deployer history prod -n 100
  deployer history --html releases.html    Write a page with the releases of all environments";

pub(super) const DIFF: &str = "\
Examples:
  deployer diff dev prod                   What `deployer promote dev prod` would bring
  deployer diff dev@12 prod --wide         Compare an earlier release, and list what is the same too";

pub(super) const PRUNE: &str = "\
Every release prunes by itself; this command is for what is left over.

Examples:
  deployer prune dev                       List what could be removed
  deployer prune dev --yes                 Remove it";

pub(super) const UNLOCK: &str = "\
Examples:
  deployer unlock dev                      Show the lock, and ask before it is released
  deployer unlock dev --force              Do not ask";

pub(super) const DOCTOR: &str = "\
Examples:
  deployer doctor dev                      Exit with 1 if there are problems
  deployer doctor dev --output json        Every finding, also those that are fine";

pub(super) const CONTRACT: &str = "\
Examples:
  deployer contract show dev
  deployer contract write dev";

pub(super) const CONTRACT_SHOW: &str = "\
Examples:
  deployer contract show dev               Print it, to copy it into deployer.toml
  deployer contract show dev --output json";

pub(super) const CONTRACT_WRITE: &str = "\
Examples:
  deployer contract write dev              Write it, unless another one is there
  deployer contract write dev --yes        Replace another one";

pub(super) const LOCAL: &str = "\
Examples:
  deployer local up                        Start it, create the stacks and deploy
  deployer local status
  deployer local down                      Stop it and delete its data";

pub(super) const LOCAL_UP: &str = "\
Examples:
  deployer local up
  deployer deploy dev --local              Release a change to it";

pub(super) const LOCAL_DOWN: &str = "\
Examples:
  deployer local down";

pub(super) const LOCAL_STATUS: &str = "\
Examples:
  deployer local status
  deployer local status --output json";

pub(super) const GUARD: &str = "\
Examples:
  deployer guard plan.json                 After `terraform show -json plan.out > plan.json`
  deployer guard plan.json --retired       What the plan removes is known to be unused";

pub(super) const COMPLETIONS: &str = "\
Examples:
  deployer completions bash                In ~/.bashrc: source <(deployer completions bash)
  deployer completions zsh                 In ~/.zshrc, after compinit: source <(deployer completions zsh)
  deployer completions fish                In ~/.config/fish/config.fish: deployer completions fish | source";

pub(super) const MAN: &str = "\
Examples:
  deployer man                             Print the main page: deployer man | man -l -
  deployer man ~/.local/share/man/man1     Write a page for each command";
