//! What the roles of a pipeline may do: enough, by AWS's own names of actions and resources. The local AWS itself refuses nothing.

use serde_json::Value;

use super::{Change, Foreign};
use crate::harness::copy;
use crate::strict::{Guard, Policy, StrictProxy};

const ACCOUNT: &str = "111111111111";

impl Foreign<'_> {
    /// A release, a look, and a rollback of `dev`, each by the role that the workflows use for it, under exactly its policy.
    #[track_caller]
    pub(crate) fn needs_no_more_than_its_roles_have(&self, change: &Change) {
        let port = self.example.port("dev");
        let proxy = StrictProxy::before(port.parse().unwrap());
        let path = |file: &str| self.example.root.join(file);
        let text = std::fs::read_to_string(path("deployer.toml")).unwrap();
        let through = text.replace(&format!("port = {port}"), &format!("port = {}", proxy.port));
        std::fs::write(path("guarded.toml"), through).unwrap();
        copy(&self.root.join(change.file), &path(change.file));
        let text = std::fs::read_to_string(path(change.file)).unwrap();
        std::fs::write(path(change.file), text.replacen(change.texts[2], change.texts[0], 1)).unwrap();
        let back = format!("rollback dev --to {}", self.live("dev").0);
        for (role, line) in [
            // The commit of this repository is older than those that the test made.
            ("deploy", "deploy dev --downgrade"),
            ("plan", "plan dev"),
            ("plan", "doctor dev"),
            ("deploy", back.as_str()),
        ] {
            let arn = format!("arn:aws:iam::{ACCOUNT}:role/{}-dev-{role}", self.app);
            proxy.guard(Some(Guard::of_role(&arn, self.policy(role))));
            proxy.take();
            let ended = self.example.run(&format!("deployer --local --config guarded.toml {line}"));
            let calls = proxy.take();
            let refused: Vec<_> = calls.iter().filter_map(|call| call.refused.as_ref()).collect();
            assert!(refused.is_empty(), "{line}: {refused:#?}");
            ended.expect(0);
            assert!(calls.len() > 2, "{line} was not made through the strict proxy: {calls:?}");
        }
        proxy.guard(None);
        std::fs::remove_file(path("guarded.toml")).unwrap();
    }

    /// As Terraform made it.
    fn policy(&self, role: &str) -> Policy {
        let state = std::fs::read_to_string(self.example.kept("dev", "roles/terraform.tfstate")).unwrap();
        let state: Value = serde_json::from_str(&state).unwrap();
        let name = format!("{}-dev-{role}", self.app);
        let resources = state["resources"].as_array().unwrap().iter();
        let policies = resources.filter(|resource| resource["type"] == "aws_iam_role_policy");
        let instances = policies.flat_map(|resource| resource["instances"].as_array().unwrap());
        let of_it = instances.filter(|instance| instance["attributes"]["role"] == name.as_str());
        let documents: Vec<Value> = of_it
            .map(|instance| serde_json::from_str(instance["attributes"]["policy"].as_str().unwrap()).unwrap())
            .collect();
        assert_eq!(documents.len(), 1, "{documents:?}");
        Policy::of(&documents)
    }
}
