//! The deployer is for any project: its sources name neither the counter nor this repository's Terraform.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Of the counter: its subject, its functions and its name. Of its Terraform: folders, files and variables that only it has.
const FOREIGN: [&str; 22] = [
    "counter",
    "visitor",
    "Visitors",
    "/visits",
    "/count",
    "preflight",
    "resume-",
    "terraform/bootstrap",
    "terraform/environments",
    "terraform/modules",
    "modules/backend",
    "tfvars",
    "tfbackend",
    "local-dev",
    "state_bucket",
    "website_domain",
    "allowed_origins",
    "address_key",
    "alarm_email",
    "waf_rate_limit",
    "promotes_",
    "role_arns",
];

#[test]
fn no_source_names_the_counter_or_its_terraform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let tests: BTreeSet<_> = files.iter().flat_map(|file| test_modules(file)).collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !tests.iter().any(|tests| file.starts_with(tests))) {
        let name = file.strip_prefix(&root).unwrap().display();
        let text = std::fs::read_to_string(file).unwrap();
        for (number, line) in shipped(&text) {
            let words = FOREIGN.iter().filter(|word| line.contains(**word));
            found.extend(words.map(|word| format!("src/{name}:{number}: `{word}` in `{}`", line.trim())));
        }
    }
    assert!(files.len() > 100 && !tests.is_empty(), "the files were not found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn test_code_does_not_count_as_shipped() {
    let text = "one\n#[cfg(test)]\nmod tests;\ntwo\nimpl A {\n    #[cfg(test)]\n    fn b() {\n        if c {\n        }\n    }\n    three\n}\n\
                #[cfg(test)]\nmod tests {\n    \"\n}\n\"\n}";
    let lines: Vec<_> = shipped(text).into_iter().map(|(number, line)| (number, line.trim())).collect();
    assert_eq!(lines, [(1, "one"), (4, "two"), (5, "impl A {"), (11, "three"), (12, "}")]);
}

/// The lines of a file without test code, with their numbers. A module of tests comes last in its file.
fn shipped(text: &str) -> Vec<(usize, &str)> {
    let mut lines = text.lines().zip(1..);
    let mut all = Vec::new();
    while let Some((line, number)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            all.push((number, line));
            continue;
        }
        let closing = line.replace("#[cfg(test)]", "}");
        let Some((first, _)) = lines.next() else { break };
        match first {
            "mod tests {" => break,
            _ if first.ends_with(';') => {}
            // The closing brace of an item has the indentation of its attribute.
            _ => drop(lines.find(|(line, _)| *line == closing)),
        }
    }
    all
}

/// The files and folders of a file's test modules.
fn test_modules(file: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(file).unwrap();
    let is_root = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| file.ends_with(name));
    let folder = if is_root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    let lines: Vec<_> = text.lines().collect();
    let tested = lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]");
    let names = tested.filter_map(|pair| pair[1].split_once("mod ")?.1.strip_suffix(';'));
    names.flat_map(|name| [folder.join(name), folder.join(format!("{name}.rs"))]).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}
