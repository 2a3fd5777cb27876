//! Functions for a different processor than this machine's, or for an older glibc: the tool that builds them, and the error without one.

use std::path::{Path, PathBuf};
use std::process::Command;

use deployer::artifact::Artifact;
use deployer::config::Architecture;
use deployer::ending::Ending as _;
use deployer::failure::Exit;
use libtest_mimic::Trial;

use crate::test;
use crate::world::{World, succeeds, target};

const TOOLS: [&str; 2] = ["cargo-zigbuild", "cargo-lambda"];

/// The processor that this machine is not, and its target.
fn foreign() -> (Architecture, String) {
    let (architecture, first) =
        if cfg!(target_arch = "x86_64") { (Architecture::Arm, "aarch64") } else { (Architecture::X86, "x86_64") };
    (architecture, format!("{first}-unknown-linux-gnu"))
}

/// `app` for this machine, and `away`, which is the same package for the other processor; none of the tools is installed.
fn world() -> World {
    let mut world = World::with_git();
    without_tools(&mut world);
    let more = format!("[functions.away]\npackage = \"app\"\narchitecture = \"{}\"\n[environments.dev]", foreign().0);
    world.edit("deployer.toml", "[environments.dev]", &more);
    world
}

/// Replaces each folder of the `PATH` that has one of the tools by links to all else in it.
fn without_tools(world: &mut World) {
    let has = |folder: &PathBuf| TOOLS.iter().any(|tool| folder.join(tool).exists());
    let folders = std::env::split_paths(&world.vars["PATH"]).enumerate().map(|(number, folder)| {
        if !has(&folder) {
            return folder;
        }
        let links = world.beside(&format!("path-{number}"));
        std::fs::create_dir_all(&links).unwrap();
        for entry in std::fs::read_dir(&folder).unwrap().flatten().filter(|entry| !is_tool(&entry.path())) {
            let _ = std::os::unix::fs::symlink(entry.path(), links.join(entry.file_name()));
        }
        links
    });
    let path = std::env::join_paths(folders.collect::<Vec<_>>()).unwrap();
    world.var("PATH", path.to_str().unwrap());
}

fn is_tool(path: &Path) -> bool {
    TOOLS.iter().any(|tool| path.ends_with(tool))
}

/// This very test, as if it had been built for the other processor.
fn binary_for_the_other() -> Vec<u8> {
    const X86: (u8, &[u8]) = (62, b"/lib64/ld-linux-x86-64.so.2\0");
    const ARM: (u8, &[u8]) = (183, b"/lib/ld-linux-aarch64.so.1\0");
    let ((_, from), (machine, to)) = if cfg!(target_arch = "x86_64") { (X86, ARM) } else { (ARM, X86) };
    let mut binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    binary[18] = machine;
    let at = binary.windows(from.len()).position(|window| window == from).unwrap();
    binary[at..at + to.len()].copy_from_slice(to);
    binary
}

/// A tool that records its calls, and writes `binary` for `app`: where cargo would, or as `cargo lambda` does in a
/// folder of its own.
fn tool(world: &mut World, name: &str, binary: &[u8]) {
    let called = world.beside("called");
    let made = match name {
        "cargo-lambda" => world.root.join("target/lambda/app/bootstrap"),
        _ => world.beside("made"),
    };
    std::fs::create_dir_all(made.parent().unwrap()).unwrap();
    std::fs::write(&made, binary).unwrap();
    let message = format!(
        r#"{{"reason":"compiler-artifact","target":{{"name":"app","kind":["bin"]}},"executable":"{}"}}"#,
        world.beside("made").display()
    );
    world.shim(name, &format!("echo \"$@\" >>'{}'\necho '{message}'", called.display()));
}

/// The folder of the real tools, which pip installs there the first time.
fn real_tools() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cross-tools");
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workspaces/requirements.txt");
    let (wanted, installed) = (std::fs::read(&requirements).unwrap(), place.join("installed.txt"));
    if std::fs::read(&installed).ok().as_ref() != Some(&wanted) {
        let _ = std::fs::remove_dir_all(&place);
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&place));
        let mut pip = Command::new(place.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
        succeeds(pip.arg(requirements));
        std::fs::write(installed, wanted).unwrap();
    }
    place.join("bin")
}

fn called(world: &World) -> String {
    std::fs::read_to_string(world.beside("called")).unwrap_or_default()
}

fn architectures(artifact: &Artifact) -> Vec<Architecture> {
    artifact.manifest.functions.values().map(|packed| packed.architecture).collect()
}

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("cross: each function for its own processor, with a tool if needed", || async {
            for name in TOOLS {
                let mut world = world();
                let verb = match name {
                    "cargo-lambda" => {
                        let folder = world.root.join("target/lambda").display().to_string();
                        format!("lambda build --disable-optimizations --lambda-dir {folder}")
                    }
                    _ => "zigbuild".to_owned(),
                };
                let before = world.sources(None).await;
                tool(&mut world, name, &binary_for_the_other());
                let artifact = world.build(".deployer/artifact").await.unwrap();
                // `away` comes before `app`.
                let here = Architecture::of_target(&target());
                assert_eq!(architectures(&artifact), [here, foreign().0]);
                assert_eq!(world.run(&artifact, "app"), "word");
                let expected = format!("{verb} --target {}.2.99 --locked ", foreign().1);
                let called = called(&world);
                assert!(called.starts_with(&expected) && called.contains(" --bin app --package app"), "{called}");
                assert_eq!(called.lines().count(), 1, "{called}");
                assert_ne!(before.hash, world.sources(None).await.hash, "what links is a part of it");
            }
        }),
        test("cross: a package that a tool built for the wrong processor", || async {
            let mut world = world();
            tool(&mut world, TOOLS[0], &std::fs::read(std::env::current_exe().unwrap()).unwrap());
            let error = world.build(".deployer/artifact").await.unwrap_err();
            let expected = format!(
                "the binary of function `away` would not start on Lambda: it is for a different processor than `{}`",
                foreign().0
            );
            assert_eq!((format!("{error:#}"), error.exit()), (expected, Exit::Refused));
        }),
        test("cross: without a tool the error names the install command", || async {
            let world = world();
            let error = world.build(".deployer/artifact").await.unwrap_err();
            let (wanted, here) = (foreign().0, format!("linux, {}", std::env::consts::ARCH));
            let expected = format!(
                "function `away` is built for `{wanted}`, and no tool on this machine ({here}) can build for that"
            );
            assert_eq!((error.to_string(), error.exit()), (expected, Exit::BadInput));
            assert!(error.hint().unwrap().starts_with("run `pip install cargo-zigbuild`, which is then used"));
            assert!(!world.root.join(".deployer/artifact").exists(), "nothing was written");
            // What needs no build needs no tool.
            assert_eq!(world.sources(None).await.functions.len(), 2);
        }),
        test("cross: a configured linker", || async {
            let mut world = world();
            tool(&mut world, TOOLS[0], b"");
            let config = format!("[target.{}]\nlinker = 'no-such-linker'\n", foreign().1);
            world.write(".cargo/config.toml", &config);
            // Cargo itself is called, and has no such linker, or no such target.
            let error = format!("{:#}", world.build(".deployer/artifact").await.unwrap_err());
            assert!(error.contains("function `away` does not compile"), "{error}");
            assert_eq!(called(&world), "");
        }),
        test("cross: each real tool, for an older glibc than the machine's", || async {
            let tools = real_tools();
            for tool in TOOLS {
                let mut world = World::with_git();
                without_tools(&mut world);
                // The oldest that Rust itself needs. This machine's linker takes what came later.
                world.edit("deployer.toml", "2.99", "2.17");
                assert!(format!("{:#}", world.build("out").await.unwrap_err()).contains("the runtime has 2.17"));
                // Both find their linker by the Python that it was installed for.
                for program in [tool, "python3"] {
                    world.shim(program, &format!("exec '{}' \"$@\"", tools.join(program).display()));
                }
                for _ in 0..2 {
                    let artifact = world.build(".deployer/artifact").await.unwrap();
                    assert_eq!(world.run(&artifact, "app"), "word", "{tool}");
                    assert!(artifact.manifest.reads.is_some(), "{tool}");
                }
            }
        }),
        test("cross: an older glibc than this machine's", || async {
            let mut world = World::with_git();
            without_tools(&mut world);
            world.edit("deployer.toml", "2.99", "2.3");
            // It may do without a tool: the package decides.
            let error = world.build(".deployer/artifact").await.unwrap_err();
            assert!(format!("{error:#}").contains("the runtime has 2.3"), "{error:#}");
            assert!(error.hint().unwrap().contains("`pip install cargo-zigbuild`"));
            tool(&mut world, TOOLS[0], b"no binary");
            let error = format!("{:#}", world.build(".deployer/artifact").await.unwrap_err());
            assert!(error.contains("it is not a 64-bit ELF file"), "{error}");
            let expected = format!("zigbuild --target {}.2.3 --locked ", target());
            assert!(called(&world).starts_with(&expected), "{}", called(&world));
            // Nothing of it where the machine's own glibc is old enough.
            world.edit("deployer.toml", "\"2.3\"", "\"2.99\"");
            world.build(".deployer/artifact").await.unwrap();
            assert_eq!(called(&world).lines().count(), 1);
        }),
    ]
}
