//! Commits in git: the one that is checked out, whether the checkout differs from it, and which of two came first.

use deployer::artifact::{self, Ancestry, Checked};
use libtest_mimic::Trial;

use crate::hashed::{clone, foreign_owner};
use crate::test;
use crate::world::World;

async fn checked(world: &World) -> Checked {
    artifact::commit(&world.config(), Some(&world.checkout().await.unwrap()), None).await
}

async fn ancestry(world: &World, first: &str, second: &str) -> Ancestry {
    artifact::ancestry(&world.config(), first, second).await
}

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("commit: its id and its date", || async {
            let world = World::with_git();
            let Checked { commit, dirty, warning } = checked(&world).await;
            assert_eq!(commit.as_ref().unwrap().id, world.git("rev-parse HEAD").trim());
            assert_eq!(commit.unwrap().at.unwrap().to_string(), world.git("show -s --format=%ct").trim());
            assert_eq!((dirty, warning), (false, None));
        }),
        test("dirty: only by inputs of the packages", || async {
            let clean: &[&str] = &["terraform/x.tf", "x.log", "other/src/lib.rs", "app/README.md", "app/tests/t.rs"];
            let dirty: &[&str] =
                &["app/src/main.rs", "lib/src/lib.rs", "app/src/new.rs", "Cargo.toml", "deployer.toml"];
            for (files, expected) in [(clean, false), (dirty, true)] {
                for file in files {
                    let world = World::with_git();
                    let text = std::fs::read_to_string(world.root.join(file)).unwrap_or_default();
                    world.write(file, &(text + "\n"));
                    assert_eq!(checked(&world).await.dirty, expected, "{file}");
                }
            }
            let world = World::with_git();
            world.write("app/src/gone.rs", "");
            world.commit("gone");
            world.remove("app/src/gone.rs");
            assert!(checked(&world).await.dirty, "a file that is gone");
        }),
        test("commit: GitHub's, with a warning, if another user owns the checkout", || async {
            let mut world = World::with_git();
            foreign_owner(&mut world);
            let Checked { commit, warning, .. } = checked(&world).await;
            assert_eq!(commit, None);
            assert!(warning.unwrap().contains("dubious ownership"));
            world.var("GITHUB_ACTIONS", "true");
            world.var("GITHUB_SHA", &"a".repeat(40));
            let Checked { commit, warning, .. } = checked(&world).await;
            assert_eq!(commit.map(|commit| (commit.id, commit.at)), Some(("a".repeat(40), None)));
            let warning = warning.unwrap();
            assert!(warning.contains("dubious ownership") && warning.contains("safe.directory"), "{warning}");
            // The user's own word that it may be read counts.
            std::fs::write(world.beside("home/.gitconfig"), "[safe]\ndirectory = *\n").unwrap();
            assert_eq!(checked(&world).await.commit.unwrap().id, world_head(&world));
        }),
        test("commit: unknown without git, without a warning", || async {
            assert_eq!(checked(&World::new()).await, Checked::default());
        }),
        test("commit: invalid output of git is not believed", || async {
            for lie in ["echo nonsense", "exit 0", "echo 0123 456", "exit 1", "yes | head -c 100000"] {
                let mut world = World::with_git();
                world.shim("git", lie);
                let checked = checked(&world).await;
                assert!(checked.commit.is_none() && checked.warning.is_some(), "{lie}: {checked:?}");
            }
        }),
        test("commit: a hook's environment does not change it", || async {
            let mut world = World::with_git();
            let head = world.git("rev-parse HEAD");
            world.var("GIT_DIR", "/nowhere");
            world.var("GIT_INDEX_FILE", "/nowhere/index");
            let checked = checked(&world).await;
            assert_eq!((checked.commit.unwrap().id.as_str(), checked.dirty), (head.trim(), false));
        }),
        test("ancestry: before, after and apart", || async {
            let world = World::with_git();
            let (first, second) = (world.git("rev-parse HEAD").trim().to_owned(), world.commit("second"));
            world.git(&format!("checkout -q -b side {first}"));
            let side = world.commit("side");
            assert_eq!(ancestry(&world, &first, &second).await, Ancestry::Before);
            assert_eq!(ancestry(&world, &second, &first).await, Ancestry::After);
            assert_eq!(ancestry(&world, &side, &second).await, Ancestry::Apart);
            assert_eq!(ancestry(&world, &first, &"a".repeat(40)).await, Ancestry::Unknown);
            assert_eq!(ancestry(&World::new(), &first, &second).await, Ancestry::Unknown);
        }),
        test("dirty: independent of the user's git settings and filters", || async {
            for (edit, expected) in [("", false), ("// changed\n", true)] {
                let world = World::with_git();
                let attributes = world.beside("home/attributes");
                std::fs::write(&attributes, "*.rs filter=upper\n").unwrap();
                let settings = format!(
                    "[core]\n\tautocrlf = true\n\tattributesFile = {}\n[filter \"upper\"]\n\tclean = tr a-z A-Z\n",
                    attributes.display()
                );
                std::fs::write(world.beside("home/.gitconfig"), settings).unwrap();
                // Written again, so that git has to compare what is in it.
                let text = std::fs::read_to_string(world.root.join("app/src/main.rs")).unwrap();
                world.write("app/src/main.rs", &(text + edit));
                assert_eq!(checked(&world).await.dirty, expected, "{edit:?}");
            }
        }),
        test("ancestry: a treeless clone fetches nothing", || async {
            let mut world = World::with_git();
            let (first, second) = (world.git("rev-parse HEAD").trim().to_owned(), world.commit("second"));
            world.git("config uploadpack.allowFilter true");
            world.git("config uploadpack.allowAnySHA1InWant true");
            let origin = world.root.clone();
            clone(&mut world, "--filter=tree:0");
            let clone = std::mem::replace(&mut world.root, origin);
            let third = world.commit("third");
            world.root = clone;
            assert_eq!(ancestry(&world, &first, &second).await, Ancestry::Before);
            assert_eq!(ancestry(&world, &second, &third).await, Ancestry::Unknown);
        }),
        test("ancestry: unknown in a shallow clone", || async {
            let mut world = World::with_git();
            let (first, second) = (world.git("rev-parse HEAD").trim().to_owned(), world.commit("second"));
            let third = world.commit("third");
            clone(&mut world, "--depth 2");
            assert_eq!(ancestry(&world, &second, &third).await, Ancestry::Before);
            assert_eq!(ancestry(&world, &first, &third).await, Ancestry::Unknown);
        }),
    ]
}

fn world_head(world: &World) -> String {
    let head = std::fs::read_to_string(world.root.join(".git/refs/heads/main")).unwrap();
    head.trim().to_owned()
}
