//! Functions that cargo does not build: their output comes from a command, or exists already.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use deployer::artifact::{Artifact, commit};
use deployer::ending::Ending as _;
use libtest_mimic::Trial;

use crate::test;
use crate::world::{World, target, zip_of};

/// A checkout under git whose function `app` is made like this.
fn world(build: &str) -> World {
    let world = World::with_git();
    configure(&world, &[("app", build)]);
    for file in ["Cargo.toml", "Cargo.lock", "app/Cargo.toml", "lib/Cargo.toml", "other/Cargo.toml"] {
        world.remove(file);
    }
    world.write("src/handler.py", "def handle(event, context): return 1\n");
    world.write("notes.txt", "1");
    world.write(".gitignore", "/dist\n/.deployer\n*.pyc\n");
    world.commit("python");
    world
}

fn configure(world: &World, functions: &[(&str, &str)]) {
    let mut text = format!("app = \"a\"\n[build]\nnewest_glibc = \"2.99\"\ntarget = \"{}\"\n", target());
    text.push_str("[environments.dev]\nledger = \"l\"\nregion = \"r\"\n");
    for (key, build) in functions {
        text.push_str(&format!("[functions.{key}]\n{build}\n[[checks]]\nname = \"{key}\"\nfunction = \"{key}\"\n"));
        text.push_str("request = \"GET /\"\nstatus = 200\n");
    }
    world.write("deployer.toml", &text);
}

/// Makes something of an output.
type Make = fn(&World);

const COPIED: &str = "build = { command = 'mkdir -p dist && cp -R src/. dist', output = 'dist' }";
const THERE: &str = "build = { output = 'dist' }";

/// The names, modes and contents of a function's zip.
fn entries(artifact: &Artifact, function: &str) -> Vec<(String, u32, String)> {
    use std::io::Read as _;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip_of(artifact, function))).unwrap();
    let mut entries = Vec::new();
    for index in 0..zip.len() {
        let (mut entry, mut content) = (zip.by_index(index).unwrap(), String::new());
        entry.read_to_string(&mut content).unwrap();
        let name = String::from_utf8(entry.name_raw().to_vec()).unwrap();
        entries.push((name, entry.unix_mode().unwrap(), content));
    }
    entries
}

async fn sha256(world: &World) -> String {
    world.build(".deployer/artifact").await.unwrap().manifest.functions["app"].package.code_sha256().to_owned()
}

/// The error of a build, with its hint; nothing was written.
async fn refused(world: &World) -> String {
    let error = world.build(".deployer/refused").await.unwrap_err();
    assert!(!world.root.join(".deployer/refused").exists());
    format!("{error:#}\nhint: {}", error.hint().unwrap_or_default())
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("output: a folder is packaged with its modes and links", || async {
            let world = world(COPIED);
            world.write("src/bin/run.sh", "#!/bin/sh\n");
            set_mode(&world.root.join("src/bin/run.sh"), 0o750);
            set_mode(&world.root.join("src/handler.py"), 0o600);
            world.link("src/lib", "bin");
            let artifact = world.build(".deployer/artifact").await.unwrap();
            let expected = [
                ("bin/run.sh", 0o100_755, "#!/bin/sh\n"),
                ("handler.py", 0o100_644, "def handle(event, context): return 1\n"),
                ("lib", 0o120_777, "bin"),
            ];
            let found = entries(&artifact, "app");
            let found: Vec<_> = found.iter().map(|(name, mode, text)| (name.as_str(), *mode, text.as_str())).collect();
            assert_eq!(found, expected);
        }),
        test("output: the same content has the same bytes", || async {
            let (one, other) = (world(COPIED), world(COPIED));
            for name in ["a", "b", "c"] {
                one.write(&format!("src/{name}.py"), name);
            }
            for name in ["c", "b", "a"] {
                other.write(&format!("src/{name}.py"), name);
                let file = std::fs::File::open(other.root.join(format!("src/{name}.py"))).unwrap();
                file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
            }
            assert_eq!(sha256(&one).await, sha256(&other).await);
            other.write("src/c.py", "d");
            assert_ne!(sha256(&one).await, sha256(&other).await);
        }),
        test("output: a zip is used as it is", || async {
            let world = world("build = { output = 'dist/app.zip' }");
            let bytes = deployer::artifact::pack(b"#!/bin/sh\n").unwrap();
            world.write_bytes(Path::new("dist/app.zip"), &bytes);
            let artifact = world.build(".deployer/artifact").await.unwrap();
            assert_eq!(zip_of(&artifact, "app"), bytes);
        }),
        test("output: a prebuilt one counts by its content", || async {
            let world = world(THERE);
            world.write("dist/a.py", "1");
            let before = world.hash().await;
            world.write("src/handler.py", "2");
            assert_eq!(before, world.hash().await, "what it was made of");
            world.write("dist/a.py", "2");
            assert_ne!(before, world.hash().await);
            world.write("dist/a.py", "1");
            assert_eq!(before, world.hash().await);
            set_mode(&world.root.join("dist/a.py"), 0o755);
            assert_ne!(before, world.hash().await, "it may be run");
        }),
        test("output: all files that git does not ignore count by default", || async {
            let world = world(COPIED);
            let before = world.hash().await;
            world.build(".deployer/artifact").await.unwrap();
            world.write("src/handler.pyc", "1");
            assert_eq!(before, world.hash().await, "outputs and ignored files");
            for (file, text) in [("src/handler.py", "2"), ("notes.txt", "2"), ("src/new.py", "")] {
                let old = std::fs::read_to_string(world.root.join(file)).ok();
                world.write(file, text);
                assert_ne!(before, world.hash().await, "{file}");
                old.map_or_else(|| world.remove(file), |old| world.write(file, &old));
                assert_eq!(before, world.hash().await, "{file}");
            }
            set_mode(&world.root.join("src/handler.py"), 0o755);
            assert_ne!(before, world.hash().await, "a mode");
        }),
        test("output: only declared inputs count", || async {
            let world = world("build = { command = 'true', output = 'dist', inputs = ['src', '../shared.txt'] }");
            std::fs::write(world.beside("shared.txt"), "1").unwrap();
            let before = world.hash().await;
            world.write("notes.txt", "2");
            assert_eq!(before, world.hash().await);
            std::fs::write(world.beside("shared.txt"), "2").unwrap();
            assert_ne!(before, world.hash().await, "outside");
            std::fs::write(world.beside("shared.txt"), "1").unwrap();
            world.write("src/handler.py", "2");
            assert_ne!(before, world.hash().await);
            std::fs::remove_file(world.beside("shared.txt")).unwrap();
            let error = world.error().await;
            assert!(error.contains("function `app` has the input `../shared.txt`, which does not exist"), "{error}");
        }),
        test("output: a declared input that git ignores counts", || async {
            let world = world("build = { command = 'true', output = 'dist', inputs = ['generated'] }");
            world.write(".gitignore", "/dist\n/.deployer\n/generated\n");
            world.write("generated/a.py", "1");
            let before = world.hash().await;
            world.write("generated/a.py", "2");
            assert_ne!(before, world.hash().await);
            // As is a whole project in a folder of another repository that ignores it.
            world.edit("deployer.toml", ", inputs = ['generated']", "");
            world.write(".gitignore", "*\n");
            let before = world.hash().await;
            world.write("src/handler.py", "2");
            assert_ne!(before, world.hash().await);
        }),
        test("output: the command counts, the checkout's path does not", || async {
            let world = world(COPIED);
            let before = world.hash().await;
            world.edit("deployer.toml", "cp -R", "cp -r");
            assert_ne!(before, world.hash().await);
            world.edit("deployer.toml", "cp -r", "cp -R");
            assert_eq!(before, world.moved().hash().await);
        }),
        test("output: only inputs make a checkout dirty", || async {
            let world = world("build = { command = 'true', output = 'dist', inputs = ['src'] }");
            let dirty = async || {
                let (config, checkout) = (world.config(), world.checkout().await.unwrap());
                commit(&config, Some(&checkout), None).await.dirty
            };
            assert!(!dirty().await);
            world.write("notes.txt", "2");
            assert!(!dirty().await);
            world.remove("src/handler.py");
            assert!(dirty().await, "gone");
        }),
        test("output: a shared command runs once, without credentials", || async {
            let mut world = world(THERE);
            let build =
                "build = { command = 'mkdir -p dist && env >dist/seen.txt && echo x >>runs.txt', output = 'dist' }";
            configure(&world, &[("app", build), ("other", build)]);
            world.var("AWS_SECRET_ACCESS_KEY", "canary");
            world.var("COLOR", "blue");
            let artifact = world.build(".deployer/artifact").await.unwrap();
            let seen = &entries(&artifact, "other")[0].2;
            assert!(seen.contains("COLOR=blue") && !seen.contains("canary"), "{seen}");
            assert_eq!(std::fs::read_to_string(world.root.join("runs.txt")).unwrap(), "x\n");
        }),
        test("output: beside a cargo package", || async {
            let world = World::with_git();
            configure(&world, &[("app", ""), ("script", "build = { output = 'dist' }")]);
            world.write("dist/bootstrap", "#!/bin/sh\n");
            let artifact = world.build(".deployer/artifact").await.unwrap();
            assert_eq!(world.run(&artifact, "app"), "word");
            assert_eq!(entries(&artifact, "script")[0].0, "bootstrap");
            let reads = artifact.manifest.reads.clone();
            assert_eq!(world.sources(reads.as_ref()).await, artifact.manifest.sources());
        }),
        test("output: a command that fails, or writes nothing", || async {
            let with = |command: &str| world(&format!("build = {{ command = '{command}', output = 'dist' }}"));
            let error = refused(&with("exit 7")).await;
            assert!(error.contains("command of function `app` failed with exit code 7: `exit 7`"), "{error}");
            let error = refused(&with("true")).await;
            assert!(error.contains("the output `dist` of function `app` does not exist"), "{error}");
            let error = refused(&with("mkdir -p dist")).await;
            assert!(error.contains("the output `dist` of function `app` is empty"), "{error}");
            let error = refused(&with("touch dist")).await;
            assert!(error.contains("is neither a folder nor a file that ends with `.zip`"), "{error}");
        }),
        test("output: a missing output is named", || async {
            let error = world(THERE).error().await;
            assert!(error.contains("the output `dist` of function `app` does not exist"), "{error}");
        }),
        test("output: a file that a zip cannot contain is named", || async {
            let cases: [(&str, Make); 5] = [
                ("the link `out` leads out of it: `../notes.txt`", |world| world.link("dist/out", "../notes.txt")),
                ("the link `out` leads out of it: `/etc/hostname`", |world| world.link("dist/out", "/etc/hostname")),
                ("the link `out` leads nowhere: `gone`", |world| world.link("dist/out", "gone")),
                ("`sub/socket` is neither a file, a folder nor a link", |world| {
                    std::fs::create_dir(world.root.join("dist/sub")).unwrap();
                    drop(std::os::unix::net::UnixListener::bind(world.root.join("dist/sub/socket")).unwrap());
                }),
                ("is 251 MB, but Lambda allows 250 MB", |world| {
                    world.write("dist/big", "");
                    let big = std::fs::File::options().write(true).open(world.root.join("dist/big")).unwrap();
                    big.set_len(251 << 20).unwrap();
                }),
            ];
            for (expected, make) in cases {
                let world = world(THERE);
                world.write("dist/a.py", "1");
                make(&world);
                let error = refused(&world).await;
                assert!(error.contains(expected) && error.contains("`app`"), "{expected}: {error}");
            }
        }),
        test("output: a file that cannot run on Lambda is named", || async {
            let world = world(THERE);
            world.write("dist/handler.py", "1");
            let mut library = std::fs::read(std::env::current_exe().unwrap()).unwrap();
            world.write_bytes(Path::new("dist/native/_speed.so"), &library);
            world.build(".deployer/artifact").await.unwrap();
            world.edit("deployer.toml", "2.99", "2.1");
            let error = refused(&world).await;
            assert!(error.contains("`native/_speed.so` of function `app` could not run on Lambda"), "{error}");
            assert!(error.contains("of GLIBC_2.") && error.contains("hint: install or build it for Lambda"), "{error}");
            world.edit("deployer.toml", "2.1", "2.99");
            // The processor of the header: 64-bit ARM, or x86.
            library[18] = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
            world.write_bytes(Path::new("dist/native/_speed.so"), &library);
            let error = refused(&world).await;
            assert!(error.contains("it is for a different processor than"), "{error}");
        }),
        test("output: a zip with unsafe or unreadable entries", || async {
            use std::io::Write as _;
            for (name, mode, expected) in [
                (
                    "../evil.py",
                    0o644,
                    "`../evil.py` in the output of function `app` is a path that leads out of the package",
                ),
                ("handler.py", 0o600, "`handler.py` in the output of function `app` is not readable by all users"),
            ] {
                let world = world("build = { output = 'dist/app.zip' }");
                let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                zip.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(mode)).unwrap();
                zip.write_all(b"1").unwrap();
                world.write_bytes(Path::new("dist/app.zip"), zip.finish().unwrap().get_ref());
                let error = refused(&world).await;
                assert!(error.contains(expected) && error.contains("hint: "), "{error}");
            }
        }),
        test("output: a file that is not a zip", || async {
            let world = world("build = { output = 'dist/app.zip' }");
            world.write("dist/app.zip", "PK and nothing else");
            let error = refused(&world).await;
            assert!(error.contains("the output of function `app` is not a zip that can be read"), "{error}");
        }),
    ]
}
