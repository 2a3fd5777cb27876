//! Functions that are container images: configured by digest, or printed by a command.

use deployer::artifact::Packed;
use deployer::ending::Ending as _;
use deployer::failure::Exit;
use libtest_mimic::Trial;

use crate::test;
use crate::world::World;

fn image(digit: char) -> String {
    format!("111111111111.dkr.ecr.eu-west-1.amazonaws.com/team/app@sha256:{}", digit.to_string().repeat(64))
}

/// A checkout under git whose functions are made like this.
fn world(functions: &[(&str, &str)]) -> World {
    let world = World::with_git();
    let mut text = "app = \"a\"\n[environments.dev]\nledger = \"l\"\nregion = \"r\"\n".to_owned();
    for (key, build) in functions {
        text.push_str(&format!("[functions.{key}]\nbuild = {{ {build} }}\n"));
    }
    world.write("deployer.toml", &text);
    world.commit("images");
    world
}

/// How a build with this command is refused, and that nothing was written.
async fn refused(command: &str) -> (String, Exit) {
    let world = world(&[("app", &format!("image_command = '''{command}'''"))]);
    let error = world.build(".deployer/refused").await.unwrap_err();
    assert!(!world.root.join(".deployer/refused").exists() && error.hint().is_some());
    (format!("{error:#}"), error.exit())
}

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("image: a configured one counts only by its digest", || async {
            let world = world(&[("app", &format!("image = '{}'", image('a')))]);
            let before = world.hash().await;
            world.write("app/src/main.rs", "fn main() {}");
            world.edit("deployer.toml", "team/app", "mirror/app");
            assert_eq!(before, world.hash().await, "where it is kept");
            world.edit("deployer.toml", &"a".repeat(64), &"b".repeat(64));
            assert_ne!(before, world.hash().await);
            let artifact = world.build(".deployer/artifact").await.unwrap();
            let packed = &artifact.manifest.functions["app"];
            let expected = image('b').replace("team/app", "mirror/app");
            assert_eq!(packed.package, Packed::Image { image: expected.try_into().unwrap() });
            assert_eq!(packed.package.code_sha256(), "b".repeat(64));
            assert!(!world.root.join(".deployer/artifact/app.zip").exists());
        }),
        test("image: one command for several functions runs once", || async {
            let command = format!("echo x >>runs.txt; echo building >&2; echo {}", image('c'));
            let build = format!("image_command = '{command}', inputs = ['app']");
            let world = world(&[("app", &build), ("other", &build)]);
            let artifact = world.build(".deployer/artifact").await.unwrap();
            for key in ["app", "other"] {
                assert_eq!(artifact.manifest.functions[key].package.code_sha256(), "c".repeat(64));
            }
            assert_eq!(std::fs::read_to_string(world.root.join("runs.txt")).unwrap(), "x\n");
            // It is hashed without being run.
            let before = world.hash().await;
            world.write("lib/src/lib.rs", "");
            assert_eq!(before, world.hash().await, "no input");
            world.write("app/src/main.rs", "fn main() {}");
            assert_ne!(before, world.hash().await);
            assert_eq!(std::fs::read_to_string(world.root.join("runs.txt")).unwrap(), "x\n");
        }),
        test("image: the command itself counts", || async {
            let world = world(&[("app", "image_command = './push one'")]);
            let before = world.hash().await;
            world.edit("deployer.toml", "push one", "push two");
            assert_ne!(before, world.hash().await);
        }),
        test("image: a command that fails or does not print one digest", || async {
            for (command, exit, expected) in [
                ("exit 7", Exit::Error, "the build command of function `app` failed with exit code 7: `exit 7`"),
                ("true", Exit::BadInput, "`image_command` of function `app` printed nothing on stdout: `true`"),
                ("echo a; echo b", Exit::BadInput, "`image_command` of function `app` printed 2 lines on stdout"),
                (
                    "echo team/app:latest",
                    Exit::BadInput,
                    "`image_command` of function `app` printed no image with a digest (the image `team/app:latest` has no digest",
                ),
            ] {
                let (error, found) = refused(command).await;
                assert!(error.starts_with(expected) && found == exit, "{command}: {error} ({found:?})");
            }
        }),
    ]
}
