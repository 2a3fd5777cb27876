//! What a test does instead of Terraform or a person, and what it reads afterwards. Unknown ids are mistakes of the test: these
//! functions panic.

use std::time::Duration;

use super::definition::Definition;
use super::stage::{Knobs, Stage, State};
use super::{Api, ApiGateway, Mapping};

impl ApiGateway {
    /// Makes an API. Returns its id.
    pub(crate) fn create_api(&mut self, name: &str, definition: Definition) -> String {
        let id = self.next_id(10);
        self.apis.insert(id.clone(), Api::new(&id, name, definition));
        id
    }

    /// Changes the definition, as Terraform would: no stage serves it before a deployment has frozen it.
    pub(crate) fn change_definition(&mut self, api: &str, change: impl FnOnce(&mut Definition)) {
        change(&mut self.known_mut(api).definition);
    }

    pub(crate) fn tag(&mut self, api: &str, name: &str, value: &str) {
        self.known_mut(api).tags.insert(name.to_owned(), value.to_owned());
    }

    /// Makes a deployment behind the deployer's back. Returns its id.
    pub(crate) fn deploy(&mut self, api: &str, description: &str, now: Duration) -> String {
        let id = self.next_id(6);
        let description = Some(description).filter(|text| !text.is_empty()).map(str::to_owned);
        self.known_mut(api).freeze(id.clone(), description, now);
        id
    }

    /// A deployment that was recorded: its id and its description.
    pub(crate) fn restore_deployment(&mut self, api: &str, (id, description): (&str, &str), created: Duration) {
        let description = Some(description).filter(|text| !text.is_empty()).map(str::to_owned);
        self.known_mut(api).deployments.remove(id);
        self.known_mut(api).freeze(id.to_owned(), description, created);
    }

    /// Makes a stage of a deployment, with variables.
    pub(crate) fn create_stage(&mut self, api: &str, name: &str, deployment: &str, variables: &[(&str, &str)]) {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let api = self.known_mut(api);
        assert!(api.deployments.contains_key(deployment), "no deployment `{deployment}`");
        let state = State { deployment: deployment.to_owned(), variables, ..State::default() };
        api.stages.insert(name.to_owned(), Stage::new(name, state, Duration::ZERO));
    }

    /// Changes a stage behind the deployer's back: its deployment, variables, canary, cache, limits.
    pub(crate) fn change_stage(&mut self, path: (&str, &str), now: Duration, change: impl FnOnce(&mut State)) {
        let stage = self.known_mut(path.0).stages.get_mut(path.1).expect("a stage that there is");
        let mut state = stage.state().clone();
        change(&mut state);
        let moved = state.deployment != stage.state().deployment;
        stage.change(state, moved, now);
    }

    /// What happens to the stage's visits by chance.
    pub(crate) fn knobs(&mut self, api: &str, stage: &str) -> &mut Knobs {
        &mut self.known_mut(api).stages.get_mut(stage).expect("a stage that there is").knobs
    }

    /// Makes a domain show a stage: below `base_path`, which may be empty.
    pub(crate) fn map_domain(&mut self, domain: &str, base_path: &str, path: (&str, &str)) {
        let mapping = Mapping {
            base_path: base_path.trim_matches('/').to_owned(),
            api: path.0.to_owned(),
            stage: path.1.to_owned(),
        };
        self.domains.entry(domain.to_owned()).or_default().push(mapping);
    }

    /// From now on methods that ask for a key take this one.
    pub(crate) fn add_api_key(&mut self, api: &str, key: &str) {
        self.known_mut(api).api_keys.insert(key.to_owned());
    }

    /// The stage as its last change made it.
    pub(crate) fn stage(&self, api: &str, stage: &str) -> &State {
        self.known(api).stages.get(stage).expect("a stage that there is").state()
    }

    /// Every time that a call named a deployment for the stage, and which; not how the stage was made.
    pub(crate) fn moves(&self, api: &str, stage: &str) -> &[(Duration, String)] {
        &self.known(api).stages.get(stage).expect("a stage that there is").moves
    }

    /// The deployments that there are: their ids and descriptions, the oldest first.
    pub(crate) fn deployments(&self, api: &str) -> Vec<(String, String)> {
        let mut all: Vec<_> = self.known(api).deployments.values().collect();
        all.sort_by_key(|deployment| (deployment.created, deployment.id.clone()));
        let shown = |text: &Option<String>| text.clone().unwrap_or_default();
        all.into_iter().map(|deployment| (deployment.id.clone(), shown(&deployment.description))).collect()
    }

    /// What a deployment froze, even if it was deleted since.
    pub(crate) fn frozen(&self, api: &str, deployment: &str) -> Option<&Definition> {
        self.known(api).snapshots.get(deployment).map(AsRef::as_ref)
    }

    /// The definition as it is now.
    pub(crate) fn definition(&self, api: &str) -> &Definition {
        &self.known(api).definition
    }

    /// The stage's URL, without a slash at the end.
    pub(crate) fn url(&self, api: &str, stage: &str) -> String {
        format!("https://{api}.execute-api.{}.amazonaws.com/{stage}", self.region)
    }

    /// The address of an integration that calls a function through a qualifier, which may be a stage variable:
    /// `${stageVariables.alias}`.
    pub(crate) fn lambda_uri(&self, function: &str, qualifier: &str) -> String {
        let (region, account) = (&self.region, &self.account);
        let qualifier = if qualifier.is_empty() { String::new() } else { format!(":{qualifier}") };
        format!(
            "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/arn:aws:lambda:{region}:{account}:function:\
             {function}{qualifier}/invocations"
        )
    }

    fn known(&self, api: &str) -> &Api {
        self.apis.get(api).expect("an API that there is")
    }

    fn known_mut(&mut self, api: &str) -> &mut Api {
        self.apis.get_mut(api).expect("an API that there is")
    }
}
