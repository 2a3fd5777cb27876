//! What a repository of somebody's does not get, and what its pipeline does then.

use std::path::Path;

use super::{COMMIT, Change, Foreign, click};
use crate::actions::{Event, Run};

impl Foreign<'_> {
    /// Another branch, another repository, and a workflow of its own.
    #[track_caller]
    pub(super) fn refuses_the_role_to_others(&self) {
        let all = || self.environments.iter().map(|environment| self.live(environment)).collect::<Vec<_>>();
        let before = all();
        let refused = |run: &Run, job: &str| {
            run.expect([(job, "failure")]).job(job).annotates(["The role was refused", "its trust policy"]);
        };
        let own = "on: workflow_dispatch\npermissions: { contents: read, id-token: write, attestations: read }\njobs:\n  own:\n    \
                   runs-on: ubuntu-24.04\n    environment: dev\n    steps:\n      - uses: OWNER/deployer/.github/actions/aws@v0.2.0\n        \
                   with: { environment: dev, role: \"${{ vars.AWS_ROLE_ARN }}\", region: us-east-1 }\n";
        std::fs::write(self.root.join(".github/workflows/own.yml"), own).unwrap();
        let github = self.github("you").with_a_release(COMMIT);
        refused(&github.run(&click("own")), "own");
        refused(&github.run(&Event { tag: Some("v1"), ..click("rollback") }), "rollback");
        refused(&self.github("someone").with_a_release(COMMIT).run(&click("rollback")), "rollback");
        assert_eq!(all(), before);
    }

    /// Each ends with what to do next, and every environment is as it was.
    #[track_caller]
    pub(crate) fn releases_nothing_on_bad_input(&self, change: &Change) {
        let all = || self.environments.iter().map(|environment| self.history(environment).len()).collect::<Vec<_>>();
        let before = all();
        self.edit(change.file, change.texts[2], change.texts[0]);
        self.commit("The first version again");
        let push = || Event { workflow: "deploy", ..Event::default() };

        let run = self.github("you").run(&push());
        run.expect([("build", "failure"), ("dev", "skipped")]);
        run.job("build").annotates(["deployer was not installed", "0.2.0"]);

        let github = self.github("you").with_a_release(COMMIT);
        self.sign_the_deployer_as("someone/deployer");
        let run = github.run(&push());
        run.expect([("build", "failure"), ("dev", "skipped")]);
        run.job("build").annotates(["deployer was not installed", "attestation"]);

        let github = self.github("you").with_a_release(COMMIT);
        let run = github.run(&Event { replaced: Some("manifest.json"), ..push() });
        run.expect([("attest", "success"), ("dev", "failure")]);
        run.job("dev").annotates(["Not built there", "Run the workflow again"]);

        let mut github = self.github("you").with_a_release(COMMIT);
        github.variables.get_mut("dev").unwrap().remove("AWS_ROLE_ARN");
        let run = github.run(&push());
        run.expect([("dev", "failure")]);
        run.job("dev").annotates(["`dev` has no variable AWS_ROLE_ARN", "Settings > Environments"]);
        assert_eq!(all(), before);
    }

    /// Another repository has signed the release of the deployer.
    fn sign_the_deployer_as(&self, repository: &str) {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(format!("you-{}", self.app));
        for file in [root.join("attestations"), root.join("releases/v0.2.0/bundle.jsonl")] {
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, text.replace("OWNER/deployer", repository)).unwrap();
        }
    }
}
