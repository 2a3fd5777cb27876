//! Workspaces that are built: small crates without dependencies.

use deployer::artifact::{Artifact, Reads};
use libtest_mimic::Trial;

use crate::hashed::{clone, root_crate};
use crate::test;
use crate::world::World;

/// Builds, and returns what was read; the same sources have the manifest's hash.
async fn built(world: &World) -> (Artifact, Reads) {
    let artifact = world.build(".deployer/artifact").await.unwrap();
    let reads = artifact.manifest.reads.clone().expect("what was read is known");
    assert_eq!(world.sources(Some(&reads)).await, artifact.manifest.sources());
    (artifact, reads)
}

/// Whether the sources have changed since that build.
async fn is_changed(world: &World, artifact: &Artifact) -> bool {
    world.sources(artifact.manifest.reads.as_ref()).await.functions != artifact.manifest.sources().functions
}

/// A change of a workspace.
type Edit = fn(&mut World);

fn main_of(world: &World, body: &str) {
    world.write("app/src/main.rs", &format!("fn main() {{ {body} }}\n"));
}

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("built: a file outside of the package", || async {
            let mut world = World::with_git();
            world.write("shared/words.txt", "1");
            main_of(&world, "println!(\"{}\", include_str!(\"../../shared/words.txt\"));");
            world.commit("include");
            let (artifact, reads) = built(&world).await;
            assert_eq!(reads.files["app"], ["shared/words.txt"]);
            world.write("shared/other.txt", "2");
            assert!(!is_changed(&world, &artifact).await, "what nothing reads");
            // In a clean checkout too.
            clone(&mut world, "");
            assert!(!is_changed(&world, &artifact).await, "a clone");
            world.write("shared/words.txt", "2");
            assert!(is_changed(&world, &artifact).await);
            world.remove("shared/words.txt");
            assert!(is_changed(&world, &artifact).await, "gone");
        }),
        test("built: texts, tests and hidden files count if they are read", || async {
            let world = World::with_git();
            world.write("app/README.md", "1");
            world.write("app/tests/data/x.txt", "1");
            main_of(&world, "print!(\"{}{}\", include_str!(\"../README.md\"), include_str!(\"../tests/data/x.txt\"));");
            let (artifact, _) = built(&world).await;
            world.write("app/tests/it.rs", "// not read");
            assert!(!is_changed(&world, &artifact).await);
            for file in ["app/README.md", "app/tests/data/x.txt"] {
                world.write(file, "2");
                assert!(is_changed(&world, &artifact).await, "{file}");
                world.write(file, "1");
            }
        }),
        test("built: variables that the sources and a build script read", || async {
            let mut world = World::with_git();
            main_of(&world, "println!(\"{:?} {}\", option_env!(\"MODE\"), env!(\"FROM_SCRIPT\"));");
            let script = "fn main() { println!(\"cargo:rerun-if-env-changed=STAMP\");\n\
                          println!(\"cargo:rustc-env=FROM_SCRIPT={}\", std::env::var(\"STAMP\").unwrap_or_default()); }";
            world.write("app/build.rs", script);
            world.var("STAMP", "secret-stamp");
            let (artifact, reads) = built(&world).await;
            assert!(["MODE", "STAMP"].iter().all(|name| reads.env.iter().any(|read| read == name)), "{reads:?}");
            assert!(!reads.env.iter().any(|name| name.starts_with("CARGO_PKG")), "{reads:?}");
            let manifest = std::fs::read_to_string(artifact.folder.join("manifest.json")).unwrap();
            assert!(!manifest.contains("secret-stamp"), "names only");
            world.var("MODE", "x");
            assert!(is_changed(&world, &artifact).await, "set");
            world.vars.remove("MODE");
            assert!(!is_changed(&world, &artifact).await);
            world.var("STAMP", "2");
            assert!(is_changed(&world, &artifact).await, "another value");
        }),
        test("built: files that a dependency's build script watches", || async {
            let world = World::with_git();
            world.write("proto/a.json", "1");
            world.write("lib/build.rs", "fn main() { println!(\"cargo:rerun-if-changed=../proto\"); }");
            let (artifact, reads) = built(&world).await;
            assert!(reads.files["app"].iter().any(|name| name == "proto"), "{reads:?}");
            world.write("proto/b.json", "a new file in a folder that is watched");
            assert!(is_changed(&world, &artifact).await);
        }),
        test("built: a build script without watches counts its whole package", || async {
            let world = World::with_git();
            world.write("app/README.md", "1");
            world.write("app/build.rs", "fn main() {}");
            let (artifact, _) = built(&world).await;
            world.write("other/README.md", "2");
            assert!(!is_changed(&world, &artifact).await);
            world.write("app/README.md", "2");
            assert!(is_changed(&world, &artifact).await);
        }),
        test("built: two crates with binaries of the same name", || async {
            let world = World::with_git();
            for name in ["first", "second"] {
                world.package(name, "[[bin]]\nname = 'bootstrap'\npath = 'src/main.rs'\n");
                world.write(&format!("{name}/src/main.rs"), &format!("fn main() {{ println!(\"{name}\"); }}"));
            }
            world.edit("Cargo.toml", "'other'", "'other', 'first', 'second'");
            world.lock("");
            let both = "[functions.first]\npackage = \"first\"\nbin = \"bootstrap\"\n\
                        [functions.second]\npackage = \"second\"\nbin = \"bootstrap\"\n[environments.dev]";
            world.edit("deployer.toml", "[environments.dev]", both);
            world.edit("deployer.toml", "[[checks]]", &format!("{}{}[[checks]]", check("first"), check("second")));
            // The second time nothing is compiled.
            for _ in 0..2 {
                let (artifact, _) = built(&world).await;
                assert_eq!(["first", "second"].map(|key| world.run(&artifact, key)), ["first", "second"]);
            }
        }),
        test("built: one binary with two sets of features", || async {
            let world = World::with_git();
            main_of(&world, "println!(\"{} {}\", cfg!(feature = \"one\"), cfg!(feature = \"two\"));");
            let more = "[functions.bare]\npackage = \"app\"\nbin = \"app\"\ndefault_features = false\n\
                        [functions.both]\npackage = \"app\"\nbin = \"app\"\nfeatures = [\"two\"]\n[environments.dev]";
            world.edit("deployer.toml", "[environments.dev]", more);
            world.edit("deployer.toml", "[[checks]]", &format!("{}{}[[checks]]", check("bare"), check("both")));
            for _ in 0..2 {
                let (artifact, _) = built(&world).await;
                let said = ["app", "bare", "both"].map(|key| world.run(&artifact, key));
                assert_eq!(said, ["true false", "false false", "true true"], "cargo's default features are on");
            }
        }),
        test("built: a crate at the root, into a folder inside it", || async {
            let world = root_crate();
            let first = world.build("out").await.unwrap().manifest;
            let second = world.build("out").await.unwrap().manifest;
            let third = world.build("elsewhere").await.unwrap().manifest;
            assert_eq!((&first, &second), (&second, &third));
            assert!(!first.dirty, "the deployer's own output does not change the checkout");
        }),
        test("built: the same bytes in every folder", || async {
            let world = World::with_git();
            main_of(&world, "println!(\"{}\", file!()); panic!(\"{}\", lib::word());");
            world.edit("Cargo.toml", "[workspace]", "[profile.release]\ndebug = true\n[workspace]");
            let here = built(&world).await.0.manifest;
            let world = world.moved();
            let _ = std::fs::remove_dir_all(world.root.join("target"));
            let there = built(&world).await.0.manifest;
            assert_eq!(here.functions["app"].package, there.functions["app"].package);
        }),
        test("built: the user's compiler flags apply, wherever they are set", || async {
            let places: [(&str, Edit); 4] = [
                ("build", |w| w.write(".cargo/config.toml", "[build]\nrustflags = ['--cfg', 'mine']")),
                ("cfg", |w| w.write(".cargo/config.toml", "[target.'cfg(unix)']\nrustflags = ['--cfg', 'mine']")),
                ("no cfg", |w| {
                    let text =
                        "[build]\nrustflags = ['--cfg', 'mine']\n[target.'cfg(windows)']\nrustflags = ['--cfg', 'x']";
                    w.write(".cargo/config.toml", text);
                }),
                ("variable", |w| w.var("RUSTFLAGS", "--cfg mine")),
            ];
            for (place, set) in places {
                let mut world = World::with_git();
                main_of(&world, "println!(\"{}\", cfg!(mine));");
                set(&mut world);
                let (artifact, _) = built(&world).await;
                assert_eq!(world.run(&artifact, "app"), "true", "{place}");
                assert!(artifact.package(&artifact.manifest.functions["app"]).is_ok());
            }
        }),
        test("built: without credentials, with the variables of a build", || async {
            let mut world = World::with_git();
            world.edit("deployer.toml", "[build]", "[build]\npass_env = [\"GOOGLE_MODEL\"]");
            let hidden = [
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                "ACTIONS_RUNTIME_TOKEN",
                "GITHUB_TOKEN",
                "GH_TOKEN",
                "GITHUB_ENV",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_PROFILE",
                "GOOGLE_OTHER",
            ];
            let passed = ["AWS_LC_SYS_NO_ASM", "CARGO_REGISTRIES_OURS_TOKEN", "GOOGLE_MODEL", "DATABASE_URL"];
            hidden.iter().chain(&passed).for_each(|name| world.var(name, "x"));
            let script = format!(
                "fn main() {{ println!(\"cargo:rerun-if-changed=build.rs\");\n\
                 for name in {hidden:?} {{ assert!(std::env::var(name).is_err(), \"{{name}} is seen\"); }}\n\
                 for name in {passed:?} {{ assert!(std::env::var(name).is_ok(), \"{{name}} is not seen\"); }} }}"
            );
            world.write("app/build.rs", &script);
            built(&world).await;
        }),
        test("built: a cargo that prints nothing builds nothing", || async {
            let mut world = World::with_git();
            let real = "for last; do :; done; case \"$1\" in build) exit 0;; *) exec cargo \"$@\";; esac";
            let path = world.shim("other-cargo", real);
            world.var("CARGO", &path.display().to_string());
            let error = format!("{:#}", world.build("out").await.unwrap_err());
            assert!(error.contains("cargo made no binary `app` for function `app`"), "{error}");
            assert!(!world.root.join("out").exists(), "nothing was written");
        }),
    ]
}

fn check(function: &str) -> String {
    format!("[[checks]]\nname = \"{function}\"\nfunction = \"{function}\"\nrequest = \"GET /\"\nstatus = 200\n")
}
