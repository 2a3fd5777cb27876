//! Workspaces that are only hashed.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use crate::test;
use crate::world::{World, deployer_toml, succeeds};

type Make = fn() -> World;
type Change = fn(&mut World);

/// Changes that change the hash: a workspace, and a change of it.
const SEEN: &[(&str, Make, Change)] = &[
    ("a source of the package", World::with_git, |w| w.edit("app/src/main.rs", "main()", "main ()")),
    ("a source of a path dependency", World::with_git, |w| w.edit("lib/src/lib.rs", "\"word\"", "\"other\"")),
    ("a source without git", World::new, |w| w.edit("lib/src/lib.rs", "\"word\"", "\"other\"")),
    ("an untracked source", World::with_git, |w| w.write("app/src/new.rs", "")),
    ("a deleted source", with_extra, |w| w.remove("app/src/extra.rs")),
    ("a renamed source", with_extra, |w| {
        w.write("app/src/extra2.rs", "// extra");
        w.remove("app/src/extra.rs");
    }),
    ("a build script that appears", World::with_git, |w| w.write("app/build.rs", "fn main() {}")),
    ("a hidden file", World::with_git, |w| w.write("app/.sqlx/query.json", "{}")),
    ("data that is not a source", World::with_git, |w| w.write("app/data/x.json", "{}")),
    ("a name with a space, a quote and an umlaut", odd_name, |w| w.write("app/src/a \"b\"\t\u{e4}.txt", "2")),
    ("a name that is not UTF-8", World::with_git, |w| {
        w.write_bytes(Path::new(std::ffi::OsStr::from_bytes(b"app/src/\xff.txt")), b"2");
    }),
    ("a folder called `target` in the sources", World::with_git, |w| w.write("app/src/target/x.rs", "")),
    ("a module called `tests`", World::with_git, |w| w.write("app/src/tests/x.rs", "")),
    ("a file that is tracked although it is ignored", tracked_and_ignored, |w| w.write("app/src/gen.rs", "2")),
    ("a file that only the user's own settings ignore", ignored_by_user, |w| w.write("app/src/mine.rs", "2")),
    ("a file that only `info/exclude` ignores", World::with_git, |w| {
        w.write(".git/info/exclude", "mine.rs\n");
        w.write("app/src/mine.rs", "2");
    }),
    ("a checkout that a repository around it ignores", ignored_checkout, |w| {
        w.edit("lib/src/lib.rs", "\"word\"", "\"x\"");
    }),
    ("a repository inside the package", nested_repository, |w| w.write("app/vendor/x.c", "2")),
    ("a submodule inside the package", submodule, |w| w.write("app/sub/x.c", "2")),
    ("the file that a link leads to", linked, |w| w.write("shared.rs", "// 2")),
    ("a link that leads to another file", linked, |w| w.link("app/src/link.rs", "../../shared2.rs")),
    ("a path dependency outside of the workspace", outside, |w| {
        std::fs::write(w.beside("shared/src/lib.rs"), "pub fn x() {}").unwrap();
    }),
    ("a path dependency outside of a workspace without git", outside_without_git, |w| {
        std::fs::write(w.beside("shared/src/lib.rs"), "pub fn x() {}").unwrap();
    }),
    ("a dependency inside the package's folder", inner_dependency, |w| {
        w.write("app/inner/src/lib.rs", "pub fn x() {}");
    }),
    ("a crate at the repository's root", root_crate, |w| w.write("src/main.rs", "fn main() { }")),
    ("`deployer.toml` in a member", in_member, |w| w.edit("lib/src/lib.rs", "\"word\"", "\"x\"")),
    ("`deployer.toml` above the workspace", above, |w| w.write("backend/app/src/main.rs", "fn main() { }")),
    ("`deployer.toml` above the workspace that it names", named, |w| w.write("two/app/src/main.rs", "fn main() { }")),
    ("a worktree", worktree, |w| w.edit("lib/src/lib.rs", "\"word\"", "\"x\"")),
    ("a shallow clone", shallow, |w| w.edit("lib/src/lib.rs", "\"word\"", "\"x\"")),
    ("a checkout of another owner", World::with_git, |w| {
        foreign_owner(w);
        w.edit("lib/src/lib.rs", "\"word\"", "\"x\"");
    }),
    ("a hook's environment", World::with_git, |w| {
        hook(w);
        w.edit("lib/src/lib.rs", "\"word\"", "\"x\"");
    }),
    ("a git that prints nothing", World::with_git, |w| {
        w.shim("git", "exit 0");
        w.edit("lib/src/lib.rs", "\"word\"", "\"x\"");
    }),
    ("a feature in `deployer.toml`", World::with_git, |w| {
        w.edit("deployer.toml", "bin =", "features = ['two']\nbin =");
    }),
    ("no default features in `deployer.toml`", World::with_git, |w| {
        w.edit("deployer.toml", "bin =", "default_features = false\nbin =");
    }),
    ("a default feature of the package", World::with_git, |w| w.edit("app/Cargo.toml", "['one']", "['one', 'two']")),
    ("the package's version", World::with_git, |w| {
        w.edit("app/Cargo.toml", "0.1.0", "0.1.1");
        w.lock("");
    }),
    ("what packages inherit from the workspace", World::with_git, |w| {
        w.edit("Cargo.toml", "[workspace]", "[workspace.package]\nversion = '2.0.0'\n[workspace]");
    }),
    ("the profile", World::with_git, |w| {
        w.edit("Cargo.toml", "[workspace]", "[profile.release]\nlto = true\n[workspace]");
    }),
    ("compiler flags of the workspace", World::with_git, |w| {
        w.write(".cargo/config.toml", "[build]\nrustflags = ['--cfg', 'x']");
    }),
    ("compiler flags above the workspace", World::with_git, |w| {
        std::fs::create_dir(w.beside(".cargo")).unwrap();
        std::fs::write(w.beside(".cargo/config.toml"), "[env]\nX = '1'").unwrap();
    }),
    ("compiler flags of the user", World::with_git, |w| {
        std::fs::create_dir_all(w.beside("home/.cargo")).unwrap();
        std::fs::write(w.beside("home/.cargo/config.toml"), "[target.'cfg(unix)']\nrustflags = ['--cfg', 'x']")
            .unwrap();
    }),
    ("compiler flags of the shell", World::with_git, |w| w.var("RUSTFLAGS", "--cfg x")),
    ("a profile of the shell", World::with_git, |w| w.var("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")),
];

/// What does not change the hash.
const UNSEEN: &[(&str, Make, Change)] = &[
    ("nothing", World::with_git, |_| {}),
    ("times of files", World::with_git, |w| {
        let file = std::fs::File::options().append(true).open(w.root.join("app/src/main.rs")).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }),
    ("tests, benchmarks, examples and prose", World::with_git, |w| {
        for file in ["app/tests/it.rs", "app/benches/b.rs", "app/examples/e.rs", "app/README.md"] {
            w.write(file, "// x");
        }
    }),
    ("a member that the function is not made of", World::with_git, |w| w.write("other/src/lib.rs", "pub fn x() {}")),
    ("another profile", World::with_git, |w| {
        w.edit("Cargo.toml", "[workspace]", "[profile.lambda]\ninherits = 'dev'\n[workspace]");
    }),
    ("files elsewhere in the repository", World::with_git, |w| w.write("terraform/x.tf", "")),
    ("an ignored file", ignoring, |w| w.write("app/x.log", "2")),
    (
        "a commit",
        || {
            let w = World::with_git();
            w.write("app/src/new.rs", "");
            w
        },
        |w| drop(w.commit("new")),
    ),
    ("a link that leads nowhere", World::with_git, |w| w.link("app/src/.#main.rs", "user@host.1234:5678")),
    ("a link to its own folder", World::new, |w| w.link("app/src/loop", ".")),
    ("a socket", World::new, |w| {
        drop(std::os::unix::net::UnixListener::bind(w.root.join("app/s")).unwrap());
    }),
    ("a pipe", World::new, |w| drop(succeeds(Command::new("mkfifo").arg(w.root.join("app/pipe"))))),
    ("a link to a pipe, under git", World::with_git, |w| {
        succeeds(Command::new("mkfifo").arg(w.root.join("pipe")));
        w.link("app/pipe", "../pipe");
    }),
    ("cargo's target folder of a crate at the root", root_crate, |w| w.write("target/x/CACHEDIR.TAG", "")),
    ("cargo's target folder, without git", root_crate_without_git, |w| {
        w.write("target/CACHEDIR.TAG", "");
        w.write("target/x", "");
    }),
    ("the deployer's folder, without git", root_crate_without_git, |w| w.write(".deployer/x", "")),
    ("a package inside, which the function is not made of", World::with_git, |w| {
        w.package("app/fuzz", "[workspace]\n");
        w.write("app/fuzz/src/lib.rs", "");
    }),
    ("the user's git settings", World::with_git, |w| {
        let ignore = w.beside("home/ignore");
        std::fs::write(&ignore, "*.rs\n").unwrap();
        let text = format!(
            "[core]\n\tquotePath = true\n\texcludesFile = {}\n\tfsmonitor = /bin/false\n\thooksPath = /nowhere\n[status]\n\t\
             showUntrackedFiles = no\n\trelativePaths = false\n[log]\n\tshowSignature = true\n",
            ignore.display()
        );
        std::fs::write(w.beside("home/.gitconfig"), text).unwrap();
    }),
    ("a hook's environment only", World::with_git, hook),
    ("another owner", World::with_git, foreign_owner),
    ("no git on the PATH", World::with_git, |w| drop(w.shim("git", "exit 127"))),
    ("a git that fails", World::with_git, |w| drop(w.shim("git", "echo fatal: no >&2; exit 128"))),
    ("a git that prints nothing at all", World::with_git, |w| drop(w.shim("git", "exit 0"))),
    ("a git that prints nonsense", World::with_git, |w| drop(w.shim("git", "head -c 1000 /dev/urandom; exit 0"))),
    ("an export without git", World::with_git, |w| std::fs::remove_dir_all(w.root.join(".git")).unwrap()),
    ("the checkout, moved", World::with_git, move_it),
    ("the checkout and a path dependency outside, moved", outside, move_it),
    ("the checkout without git and a path dependency outside, moved", outside_without_git, move_it),
    ("a clone", World::with_git, |w| clone(w, "")),
    ("a shallow clone", World::with_git, |w| clone(w, "--depth 1")),
    ("a worktree", World::with_git, add_worktree),
    ("a checkout behind a link", World::with_git, |w| {
        let link = w.beside("link");
        std::os::unix::fs::symlink(&w.root, &link).unwrap();
        w.root = link;
    }),
    ("a configuration by a relative path", World::with_git, |w| w.configuration = "app/../deployer.toml".into()),
    ("settings that say where from and how fast", World::with_git, |w| {
        w.write(".cargo/config.toml", "[net]\nretry = 3\n[build]\njobs = 1\n[term]\nquiet = true\n");
    }),
    ("another target folder", World::with_git, |w| w.var("CARGO_TARGET_DIR", "/nowhere/target")),
    ("credentials of the shell", World::with_git, |w| {
        w.var("AWS_SESSION_TOKEN", "x");
        w.var("GITHUB_TOKEN", "x");
        w.var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x");
    }),
    ("what cargo sets for its own programs", World::with_git, |w| {
        w.var("CARGO_MANIFEST_DIR", "/elsewhere");
        w.var("CARGO_PKG_VERSION", "9.9.9");
    }),
];

/// Workspaces that cannot be read, and words of the error.
const REFUSED: &[(&str, Make, &[&str])] = &[
    (
        "no workspace",
        || {
            let w = World::new();
            std::fs::remove_dir_all(w.root.join("app")).unwrap();
            std::fs::remove_dir_all(w.root.join("lib")).unwrap();
            std::fs::remove_dir_all(w.root.join("other")).unwrap();
            w.remove("Cargo.toml");
            w
        },
        &["no `Cargo.toml` in"],
    ),
    (
        "two workspaces below",
        || {
            let w = two();
            w.write("deployer.toml", &deployer_toml());
            w
        },
        &["more than one cargo workspace", "one", "two"],
    ),
    (
        "a named workspace that is not there",
        || {
            let w = World::new();
            w.edit("deployer.toml", "[build]", "[build]\nworkspace = 'nowhere'");
            w
        },
        &["`build.workspace` is `nowhere`"],
    ),
    (
        "a lock file that is not up to date",
        || {
            let w = World::new();
            w.edit("app/Cargo.toml", "0.1.0", "0.2.0");
            w
        },
        &["cargo cannot read", "lock file"],
    ),
    (
        "a package that does not exist",
        || {
            let w = World::new();
            w.edit("deployer.toml", "package = \"app\"", "package = \"nobody\"");
            w
        },
        &["cargo cannot read package `nobody`"],
    ),
    ("a cargo that prints nothing", || cargo("exit 0"), &["cargo"]),
    ("a cargo that prints nonsense", || cargo("echo nonsense"), &["cargo"]),
    ("a cargo that fails", || cargo("echo no such luck >&2; exit 101"), &["no such luck"]),
    (
        "a cargo that is not there",
        || {
            let mut w = World::new();
            w.var("CARGO", "/nowhere/cargo");
            w
        },
        &["cannot start `/nowhere/cargo`"],
    ),
];

pub(crate) fn tests() -> Vec<Trial> {
    let cases = |list: &'static [(&'static str, Make, Change)], is_seen: bool| {
        list.iter().map(move |(name, make, change)| {
            let kind = if is_seen { "seen" } else { "unseen" };
            test(&format!("{kind}: {name}"), move || async move {
                let mut world = make();
                let before = world.hash().await;
                assert_eq!(before, world.hash().await, "the hash is not its own");
                change(&mut world);
                assert_eq!(world.hash().await != before, is_seen, "{before}");
            })
        })
    };
    let refused = REFUSED.iter().map(|(name, make, words)| {
        test(&format!("refused: {name}"), move || async move {
            let error = make().error().await;
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        })
    });
    let warm = test("warm: cargo runs only if something that it read has changed", || async {
        let mut world = World::with_git();
        let runs = world.beside("runs");
        let path = world.shim("counted-cargo", &format!("echo run >> {}; exec cargo \"$@\"", runs.display()));
        world.var("CARGO", &path.display().to_string());
        let count = || std::fs::read_to_string(&runs).map_or(0, |text| text.lines().count());
        world.hash().await;
        let cold = count();
        assert!(cold > 0);
        world.edit("lib/src/lib.rs", "\"word\"", "\"other\"");
        world.write("app/src/new.rs", "");
        world.hash().await;
        assert_eq!(count(), cold, "sources are nothing that cargo resolves");
        for (file, from, to) in [
            ("app/Cargo.toml", "['one']", "['one', 'two']"),
            ("lib/Cargo.toml", "loud = []", "loud = []\nmore = []"),
            ("Cargo.toml", "resolver = '3'", "resolver = '2'"),
            ("Cargo.lock", "version = ", "# x\nversion = "),
            ("deployer.toml", "bin =", "features = ['two']\nbin ="),
        ] {
            let before = count();
            world.edit(file, from, to);
            world.hash().await;
            assert!(count() > before, "{file}");
        }
    });
    cases(SEEN, true).chain(cases(UNSEEN, false)).chain(refused).chain([warm]).collect()
}

fn with_extra() -> World {
    let world = World::with_git();
    world.write("app/src/extra.rs", "// extra");
    world.commit("extra");
    world
}

fn odd_name() -> World {
    let world = World::with_git();
    world.write("app/src/a \"b\"\t\u{e4}.txt", "1");
    world.commit("odd");
    world
}

fn tracked_and_ignored() -> World {
    let world = World::with_git();
    world.write("app/src/gen.rs", "1");
    world.commit("generated");
    world.write(".gitignore", "gen.rs\n/target\n/.deployer\n");
    world
}

fn ignored_by_user() -> World {
    let world = World::with_git();
    let ignore = world.beside("home/ignore");
    std::fs::write(&ignore, "mine.rs\n").unwrap();
    std::fs::write(world.beside("home/.gitconfig"), format!("[core]\nexcludesFile = {}\n", ignore.display())).unwrap();
    world
}

fn ignoring() -> World {
    let world = World::with_git();
    world.write("app/.gitignore", "*.log\n");
    world
}

fn ignored_checkout() -> World {
    let world = World::new();
    let around = world.root.parent().unwrap();
    world.git_in(around, "init -q -b main");
    std::fs::write(around.join(".gitignore"), "/checkout\n").unwrap();
    world
}

fn nested_repository() -> World {
    let world = World::with_git();
    world.write("app/vendor/x.c", "1");
    world.git_in(&world.root.join("app/vendor"), "init -q");
    world
}

fn submodule() -> World {
    let world = World::with_git();
    let module = world.beside("module");
    std::fs::create_dir(&module).unwrap();
    std::fs::write(module.join("x.c"), "1").unwrap();
    world.git_in(&module, "init -q -b main");
    world.git_in(&module, "add -A");
    world.git_in(&module, "commit -q -m module");
    world.git(&format!("submodule --quiet add {} app/sub", module.display()));
    world.commit("submodule");
    world
}

fn linked() -> World {
    let world = World::with_git();
    world.write("shared.rs", "// 1");
    world.write("shared2.rs", "// another");
    world.link("app/src/link.rs", "../../shared.rs");
    world.commit("link");
    world
}

fn outside_without_git() -> World {
    let world = World::new();
    let shared = world.beside("shared");
    std::fs::create_dir_all(shared.join("src")).unwrap();
    std::fs::write(shared.join("Cargo.toml"), "[package]\nname = 'shared'\nversion = '0.1.0'\nedition = '2024'\n")
        .unwrap();
    std::fs::write(shared.join("src/lib.rs"), "").unwrap();
    world.edit("lib/Cargo.toml", "[features]", "[dependencies]\nshared = { path = '../../shared' }\n[features]");
    world.lock("");
    world
}

fn outside() -> World {
    let world = outside_without_git();
    world.git("init -q -b main");
    world.commit("all");
    world
}

fn inner_dependency() -> World {
    let world = World::with_git();
    world.package("app/inner", "");
    world.write("app/inner/src/lib.rs", "");
    world.edit("app/Cargo.toml", "[dependencies]", "[dependencies]\ninner = { path = 'inner' }");
    world.lock("");
    world.commit("inner");
    world
}

pub(crate) fn root_crate_without_git() -> World {
    let world = World::new();
    for folder in ["app", "lib", "other"] {
        std::fs::remove_dir_all(world.root.join(folder)).unwrap();
    }
    world.write("Cargo.toml", "[package]\nname = 'app'\nversion = '0.1.0'\nedition = '2024'\n");
    world.write("src/main.rs", "fn main() {}");
    world.lock("");
    world
}

pub(crate) fn root_crate() -> World {
    let world = root_crate_without_git();
    world.git("init -q -b main");
    world.commit("all");
    world
}

fn in_member() -> World {
    let mut world = World::with_git();
    std::fs::rename(world.root.join("deployer.toml"), world.root.join("app/deployer.toml")).unwrap();
    world.configuration = "app/deployer.toml".into();
    world
}

fn above() -> World {
    let world = root_crate_without_git();
    for name in ["Cargo.toml", "Cargo.lock", "src"] {
        std::fs::create_dir_all(world.root.join("backend/app")).unwrap();
        std::fs::rename(world.root.join(name), world.root.join("backend/app").join(name)).unwrap();
    }
    world.write("frontend/package.json", "{}");
    world.git("init -q -b main");
    world.commit("all");
    world
}

fn two() -> World {
    let world = above();
    std::fs::create_dir_all(world.root.join("one")).unwrap();
    std::fs::rename(world.root.join("backend"), world.root.join("two")).unwrap();
    world.write("one/Cargo.toml", "[workspace]\n");
    world
}

fn named() -> World {
    let world = two();
    world.edit("deployer.toml", "[build]", "[build]\nworkspace = 'two/app'");
    world
}

fn worktree() -> World {
    let mut world = World::with_git();
    add_worktree(&mut world);
    world
}

fn add_worktree(world: &mut World) {
    let tree = world.beside("tree");
    world.git(&format!("worktree add -q --detach {}", tree.display()));
    world.root = tree;
}

fn shallow() -> World {
    let mut world = World::with_git();
    world.commit("again");
    clone(&mut world, "--depth 1");
    world
}

pub(crate) fn clone(world: &mut World, how: &str) {
    let (from, to) = (format!("file://{}", world.root.display()), world.beside("clone"));
    world.git(&format!("clone -q {how} {from} {}", to.display()).replace("  ", " "));
    world.root = to;
}

pub(crate) fn foreign_owner(world: &mut World) {
    let git = succeeds(Command::new("sh").args(["-c", "command -v git"]));
    world.shim("git", &format!("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {} \"$@\"", git.trim()));
}

/// As a hook of another repository would run it.
fn hook(world: &mut World) {
    for (name, value) in [("GIT_DIR", "/nowhere/.git"), ("GIT_INDEX_FILE", "/nowhere/index"), ("GIT_WORK_TREE", "/")] {
        world.var(name, value);
    }
    world.var("GIT_CONFIG_COUNT", "1");
    world.var("GIT_CONFIG_KEY_0", "core.excludesFile");
    world.var("GIT_CONFIG_VALUE_0", "/etc/passwd");
}

fn move_it(world: &mut World) {
    let old = std::mem::replace(world, World::new());
    *world = old.moved();
}

fn cargo(script: &str) -> World {
    let mut world = World::new();
    let path = world.shim("other-cargo", script);
    world.var("CARGO", &path.display().to_string());
    world
}
