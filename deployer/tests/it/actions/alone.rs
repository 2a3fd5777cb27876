//! One job of another repository, which uses an action of this one, and GitHub's cache.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::job::Job;
use super::workflow::Workflow;
use super::{End, Event, GitHub};

impl GitHub {
    /// Runs a job of one workflow: `env`, `permissions`, `steps` and `outputs`.
    pub(crate) fn job_alone(&self, job: &Value) -> End {
        self.runs.set(self.runs.get() + 1);
        let folder = self.root.join(format!("run-{}/job", self.runs.get()));
        std::fs::create_dir_all(&folder).unwrap();
        let event = Event { workflow: "alone", ..Event::default() };
        let content = json!({"on": "push", "permissions": {}});
        let workflow = Workflow::of(self.place(&event), ".github/workflows/alone.yml".to_owned(), content);
        let github = self.context(&event, &workflow, &json!({}));
        let contexts = json!({"github": github, "inputs": {}, "needs": {}, "vars": {}, "matrix": {}});
        let end = Job::new(self, &folder, String::new(), contexts).run(&workflow, job);
        for (key, new) in self.caches(".new") {
            // Only a job that succeeded saves what it has.
            if end.result == "success" {
                std::fs::rename(new, self.cache(&key)).unwrap();
            } else {
                std::fs::remove_dir_all(new).unwrap();
            }
        }
        end
    }

    /// The folder of what is cached by a key.
    pub(crate) fn cache(&self, key: &str) -> PathBuf {
        self.root.join("caches").join(key)
    }

    /// The keys of the caches whose names end so, and their folders.
    pub(crate) fn caches(&self, end: &str) -> Vec<(String, PathBuf)> {
        let all = std::fs::read_dir(self.root.join("caches")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let key = |path: &PathBuf| path.file_name()?.to_str()?.strip_suffix(end).map(str::to_owned);
        all.filter_map(|path| Some((key(&path)?, path))).collect()
    }
}

/// Restores what is cached by the key, or else keeps what the job puts there.
pub(super) fn cache(job: &Job, with: &BTreeMap<String, String>) -> Result<(), String> {
    let path = PathBuf::from(&with["path"]);
    let kept = job.github.cache(&with["key"]);
    if kept.exists() {
        crate::harness::copy(&kept, &path);
        return Ok(());
    }
    let new = kept.with_file_name(format!("{}.new", with["key"]));
    std::fs::create_dir_all(&new).unwrap();
    std::os::unix::fs::symlink(new, path).map_err(|error| error.to_string())
}
