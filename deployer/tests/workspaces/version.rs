//! What `deployer/build.rs` makes of the version: it is compiled alone, and run as cargo would, in workspaces of one empty folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Trial;

use crate::test;

const TARGET: &str = "x86_64-unknown-linux-musl";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The compiled script, and a folder that is in no repository.
struct Script {
    folder: tempfile::TempDir,
}

/// What the script is given.
#[derive(Clone, Copy)]
struct Given<'a> {
    profile: &'a str,
    commit: Option<&'a str>,
    path: &'a str,
}

const DEBUG: Given<'_> = Given { profile: "debug", commit: None, path: env!("PATH") };
const RELEASE: Given<'_> = Given { profile: "release", ..DEBUG };

impl Script {
    fn compiled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-o"]).arg(folder.path().join("script")).arg(source);
        assert!(rustc.status().unwrap().success());
        Self { folder }
    }

    /// An empty workspace.
    fn workspace(&self, name: &str) -> PathBuf {
        let workspace = self.folder.path().join(name);
        std::fs::create_dir_all(workspace.join("deployer")).unwrap();
        workspace
    }

    fn output(&self, workspace: &Path, given: Given<'_>) -> Output {
        let mut script = Command::new(self.folder.path().join("script"));
        script
            .env_clear()
            .env("PATH", given.path)
            .env("HOME", self.folder.path())
            .current_dir(workspace.join("deployer"));
        script.env("CARGO_MANIFEST_DIR", workspace.join("deployer")).env("CARGO_PKG_VERSION", "1.2.3");
        script.env("TARGET", TARGET).env("PROFILE", given.profile);
        script.envs(given.commit.map(|commit| ("DEPLOYER_COMMIT", commit))).output().unwrap()
    }

    /// The version, and the files that it depends on.
    fn run(&self, workspace: &Path, given: Given<'_>) -> (String, Vec<String>) {
        let output = self.output(workspace, given);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let all = |key: &str| text.lines().filter_map(|line| line.strip_prefix(key)).map(str::to_owned).collect();
        let (version, files): (Vec<_>, _) =
            (all("cargo::rustc-env=DEPLOYER_VERSION="), all("cargo::rerun-if-changed="));
        assert_eq!((version.len(), all("cargo::rerun-if-env-changed=")), (1, vec!["DEPLOYER_COMMIT".to_owned()]));
        (version.concat(), files)
    }
}

/// Makes a repository with one commit, whose id it returns.
fn committed(folder: &Path) -> String {
    let git = |arguments: &str| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=ada", "-c", "user.email=ada@example.com"]).args(arguments.split(' '));
        let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git("init --quiet --initial-branch main");
    git("commit --quiet --allow-empty --message one");
    git("rev-parse HEAD")
}

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("version: an optimised build of a checkout shows its commit", || async {
            let script = Script::compiled();
            let workspace = script.workspace("checkout");
            let commit = committed(&workspace);
            let (version, files) = script.run(&workspace, RELEASE);
            assert_eq!(version, format!("1.2.3 ({} {TARGET})", &commit[..12]));
            assert_eq!(files.len(), 3, "{files:?}");
            assert!(files[1].ends_with(".git/HEAD") && files[2].ends_with(".git/refs/heads/main"), "{files:?}");
            // Each commit would compile it again.
            assert_eq!(script.run(&workspace, DEBUG), (format!("1.2.3 ({TARGET})"), vec!["build.rs".to_owned()]));
            let without_git = Given { path: "", ..RELEASE };
            assert_eq!(script.run(&workspace, without_git).0, format!("1.2.3 ({TARGET})"));
        }),
        test("version: an unpacked archive shows no commit of the repository around it", || async {
            let script = Script::compiled();
            committed(&script.workspace("outer"));
            for name in ["alone", "outer/inner"] {
                assert_eq!(script.run(&script.workspace(name), RELEASE).0, format!("1.2.3 ({TARGET})"), "{name}");
            }
        }),
        test("version: a given commit comes first and must be whole", || async {
            let script = Script::compiled();
            let workspace = script.workspace("checkout");
            committed(&workspace);
            for given in [DEBUG, RELEASE] {
                let version = script.run(&workspace, Given { commit: Some(COMMIT), ..given }).0;
                assert_eq!(version, format!("1.2.3 (0123456789ab {TARGET})"));
            }
            assert_eq!(script.run(&workspace, Given { commit: Some(""), ..DEBUG }).0, format!("1.2.3 ({TARGET})"));
            for wrong in ["0123456789ab", "main", &COMMIT.to_uppercase()] {
                let output = script.output(&workspace, Given { commit: Some(wrong), ..RELEASE });
                assert!(!output.status.success(), "{wrong}");
                assert!(String::from_utf8_lossy(&output.stderr).contains("DEPLOYER_COMMIT is `"), "{output:?}");
            }
        }),
    ]
}
