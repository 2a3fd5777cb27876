//! The emulator with `AUTH=true`, which checks signatures and evaluates policies itself: the deployer comes as a workflow
//! does, with a token of GitHub's, and takes the deploy role by it. Terraform made the environment with the same role.
//!
//! The front does not stand between: it asks questions of its own, which nobody signs.

use base64::Engine as _;
use serde_json::{Value, json};

use super::bench::code;
use super::documents::{account, role_arn};
use super::tls::Tls;
use crate::harness::{Emulator, Ended, all_cases, architecture, block_on};
use crate::promises::measured;
use crate::stack;

const APP: &str = "resume-visitor-counter";
const KEEP_ALL: (&str, &str) = ("releases = 10", "releases = 1000");
const KEEP_ONE: [(&str, &str); 2] = [("releases = 10", "releases = 1"), ("grace_hours = 24", "grace_hours = 0")];

/// What 1.5.33 judges by names of its own, and the front by AWS's: GET and PUT of an alias as ListAliases, GET of the
/// reserved concurrency as PutFunctionConcurrency, GET of the provisioned one as GetFunction.
const MISNAMED: [&str; 5] = [
    "lambda:GetAlias",
    "lambda:GetFunctionConcurrency",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:ListAliases",
    "lambda:UpdateAlias",
];

/// An emulator of its own, with dev in it as Terraform makes it. Ends with the value.
struct Guarded {
    _emulator: Emulator,
    port: u16,
    tls: Tls,
}

impl Guarded {
    fn start() -> Self {
        let folder = stack().checkout.root.join("guarded");
        let emulator = Emulator::start(&folder, account("dev"), &[("AUTH", "true")]);
        let (port, tls) = (emulator.port, Tls::before(emulator.port));
        let guarded = Self { _emulator: emulator, port, tls };
        guarded.apply();
        guarded
    }

    /// Bootstrap by an administrator, dev by the deploy role.
    fn apply(&self) {
        let root = [("AWS_ACCESS_KEY_ID", account("dev")), ("AWS_SECRET_ACCESS_KEY", "local")];
        let terraform = |who: &[(&str, &str)], folder: &str, arguments: &[&str]| {
            stack().terraform_at(self.tls.port, who, folder, arguments)
        };
        let state = stack().checkout.root.join("guarded/bootstrap.tfstate");
        let state = format!("-backend-config=path={}", state.display());
        let values = "-var-file=environments/local-dev.tfvars";
        terraform(&root, "terraform/bootstrap", &["init", "-reconfigure", &state]);
        terraform(&root, "terraform/bootstrap", &["apply", "-auto-approve", values]);
        self.exempt();
        let role = self.workflow();
        let role: Vec<_> = role.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let bucket = format!("-backend-config=bucket={APP}-tfstate-{}", account("dev"));
        let backend = "-backend-config=environments/local-dev.s3.tfbackend";
        terraform(&role, "terraform", &["init", "-reconfigure", backend, &bucket]);
        let endpoint = format!("-var=local_endpoint=http://127.0.0.1:{}", self.port);
        let architecture = format!("-var=architecture={}", architecture());
        terraform(&role, "terraform", &["apply", "-auto-approve", values, &endpoint, &architecture]);
        if all_cases() {
            terraform(&role, "terraform", &["plan", "-detailed-exitcode", values, &endpoint, &architecture]);
        }
    }

    /// What 1.5.33 evaluates otherwise than AWS: deletions and invocations without the version, which is what the policy is
    /// about; some calls without any resource; conditions on keys that it does not know, as `iam:PermissionsBoundary`,
    /// `lambda:Principal`, an API's tags and a token's `ref`. The front's own evaluator knows these.
    fn exempt(&self) {
        let names = ["", "-options"].map(|part| format!("{APP}{part}-dev"));
        let functions =
            names.each_ref().map(|name| format!("arn:aws:lambda:us-east-1:{}:function:{name}", account("dev")));
        let roles = names.each_ref().map(|name| format!("arn:aws:iam::{}:role/{name}", account("dev")));
        let allow =
            |actions: &[&str], resources: Value| json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        self.put_policy("version", &allow(&["lambda:InvokeFunction", "lambda:DeleteFunction"], json!(functions)));
        self.put_policy("boundary", &allow(&["iam:CreateRole", "iam:PutRolePolicy"], json!(roles)));
        let actions = [
            "cloudwatch:GetDashboard",
            "cloudwatch:PutDashboard",
            "dynamodb:ListTagsOfResource",
            "lambda:CreateFunction",
            "sns:ListTagsForResource",
        ];
        self.put_policy("resource", &allow(&actions, json!("*")));
        self.put_policy("principal", &allow(&["lambda:AddPermission"], json!(functions)));
        let apis = ["/restapis", "/restapis/*", "/tags/*"].map(|path| format!("arn:aws:apigateway:us-east-1::{path}"));
        let methods = ["DELETE", "GET", "PATCH", "POST", "PUT"].map(|method| format!("apigateway:{method}"));
        self.put_policy("tags", &allow(&methods.each_ref().map(String::as_str), json!(apis)));
        self.trust_without_claims();
    }

    /// Of a token's claims the emulator reads the audience and the subject.
    fn trust_without_claims(&self) {
        let role = block_on(self.iam().get_role().role_name(deploy()).send()).unwrap();
        let encoded = role.role().unwrap().assume_role_policy_document().unwrap().to_owned();
        let decoded = reqwest::Url::parse(&format!("http://policy/?document={encoded}")).unwrap();
        let document = decoded.query_pairs().next().unwrap().1.into_owned();
        let mut document: Value = serde_json::from_str(&document).unwrap();
        let known = |key: &str| key.ends_with(":aud") || key.ends_with(":sub");
        document["Statement"][0]["Condition"].as_object_mut().unwrap().retain(|_, keys| {
            let keys = keys.as_object_mut().unwrap();
            keys.retain(|key, _| known(key));
            !keys.is_empty()
        });
        let update = self.iam().update_assume_role_policy().role_name(deploy()).policy_document(document.to_string());
        block_on(update.send()).unwrap();
    }

    /// How a workflow says who it is.
    fn workflow(&self) -> [(&'static str, String); 4] {
        let file = stack().checkout.root.join("token");
        std::fs::write(&file, token()).unwrap();
        [
            ("AWS_ROLE_ARN", role_arn("dev", "deploy")),
            ("AWS_ROLE_SESSION_NAME", "workflow".to_owned()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.display().to_string()),
            // Terraform's S3 backend looks nowhere else for it.
            ("AWS_ENDPOINT_URL_STS", format!("http://127.0.0.1:{}", self.tls.port)),
        ]
    }

    /// A command line, as a workflow runs it.
    fn deployer(&self, edits: &[(&str, &str)], arguments: &str) -> Ended {
        let checkout = &stack().checkout;
        let text = edits.iter().fold(checkout.read("deployer.toml"), |text, (from, to)| text.replacen(from, to, 1));
        checkout.write("guarded.toml", &text);
        let mut command = checkout.command();
        for name in ["PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "ENDPOINT_URL_LAMBDA"] {
            command.env_remove(format!("AWS_{name}"));
        }
        command.env_remove("AWS_ENDPOINT_URL_S3").env_remove("HTTP_PROXY").env_remove("http_proxy");
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)).env("AWS_REGION", "us-east-1");
        command.env("AWS_ROLE_ARN", role_arn("dev", "deploy")).env("AWS_ROLE_SESSION_NAME", "workflow");
        command
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", checkout.root.join("token"))
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.args(arguments.split_whitespace()).args(["--config", "guarded.toml"]).output().unwrap();
        Ended::of(&output)
    }

    /// Sets a policy of the deploy role beside those of Terraform's.
    fn put_policy(&self, name: &str, statement: &Value) {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let put = self.iam().put_role_policy().role_name(deploy()).policy_name(name).policy_document(document);
        block_on(put.send()).unwrap();
    }

    fn take_policy(&self, name: &str) {
        block_on(self.iam().delete_role_policy().role_name(deploy()).policy_name(name).send()).unwrap();
    }

    /// As an administrator.
    fn iam(&self) -> aws_sdk_iam::Client {
        let credentials = aws_credential_types::Credentials::new(account("dev"), "local", None, None, "trial");
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(credentials)
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_iam::Client::from_conf(config.build())
    }

    /// What serves, who holds the lock, and what is unfinished.
    fn state(&self) -> Value {
        let status = self.deployer(&[], "status dev --output json").expect(0).json()["environments"][0].clone();
        ["functions", "deployment_id", "drift", "lock", "unfinished", "release"]
            .into_iter()
            .map(|name| (name.to_owned(), status[name].clone()))
            .collect()
    }

    /// Denies an action, makes a run that needs it, and tells what is wrong with how it ended, if anything is.
    fn without(&self, action: &str) -> Option<String> {
        let before = self.state();
        self.put_policy("taken-out", &json!({"Effect": "Deny", "Action": action, "Resource": "*"}));
        let ended = match action {
            "lambda:DeleteFunction" | "apigateway:DELETE" => self.deployer(&KEEP_ONE, "prune dev --yes"),
            "iam:SimulatePrincipalPolicy" => self.deployer(&[], "doctor dev"),
            _ => self.deployer(&[KEEP_ALL], &format!("deploy dev --artifact {}", code(false))),
        };
        self.take_policy("taken-out");
        let (named, same) = (format!("{}{}", ended.stdout, ended.stderr).contains(action), before == self.state());
        let failed = ended.code != 0 || action == "iam:SimulatePrincipalPolicy";
        (!failed || !named || !same).then(|| {
            format!("without {action}: exit {}, named {named}, as before {same}: {}", ended.code, ended.stderr)
        })
    }
}

fn deploy() -> String {
    format!("{APP}-dev-deploy")
}

/// Who GitHub says that a workflow of the environment dev is. Nobody signed it: the emulator only reads it.
fn token() -> String {
    let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
        "sub": format!("repo:example/{APP}:environment:dev"),
    });
    format!("{}.{}.x", part(&json!({"alg": "none"})), part(&claims))
}

/// Every command that changes something, and those that look.
fn everything(guarded: &Guarded, violations: &mut Vec<String>) -> usize {
    let fresh = || format!("deploy dev --artifact {}", code(false));
    let runs: [(&[(&str, &str)], String); 11] = [
        (&[KEEP_ALL], fresh()),
        (&[KEEP_ALL], "deploy dev --artifact news".to_owned()),
        (&[KEEP_ALL], "plan dev --artifact news".to_owned()),
        (&[KEEP_ALL], "rollback dev --to 1 --force".to_owned()),
        (&[KEEP_ALL], "status dev".to_owned()),
        (&[KEEP_ALL], "history dev".to_owned()),
        (&[KEEP_ALL], "check dev".to_owned()),
        (&[KEEP_ALL], "doctor dev".to_owned()),
        (&KEEP_ONE, "prune dev --yes".to_owned()),
        (&[KEEP_ALL], "unlock dev --force".to_owned()),
        (&[KEEP_ALL], "deploy dev --adopt --artifact news".to_owned()),
    ];
    for (edits, arguments) in &runs {
        if arguments.starts_with("rollback") {
            // Something to go back from.
            guarded.deployer(&[KEEP_ALL], &fresh());
        }
        let ended = guarded.deployer(edits, arguments);
        if ended.code != 0 {
            violations.push(format!("`{arguments}` ended with {}: {}{}", ended.code, ended.stdout, ended.stderr));
        }
    }
    runs.len()
}

pub(crate) fn under_auth_a_workflow_with_githubs_token_passes_and_without_an_action_fails_and_names_it() {
    let guarded = Guarded::start();
    let mut violations = Vec::new();
    let mut cases = everything(&guarded, &mut violations);
    let needed = super::used::used().needs().into_iter().map(|need| need.action.clone());
    let needed: std::collections::BTreeSet<_> = needed.filter(|action| !MISNAMED.contains(&action.as_str())).collect();
    let some = ["dynamodb:PutItem", "lambda:PublishVersion"];
    // Local stages have no alarms, and a bucket has no address here but by the path; no release needs the last.
    let others = [
        "cloudwatch:DescribeAlarms",
        "s3:PutObject",
        "s3:GetObjectVersion",
        "apigateway:PATCH",
        "apigateway:POST",
        "lambda:GetAccountSettings",
    ];
    for action in needed.iter().map(String::as_str).filter(|action| !others.contains(action)) {
        if all_cases() || some.contains(&action) {
            cases += 1;
            violations.extend(guarded.without(action));
        }
    }
    measured(
        "5-privileges-9-auth",
        "an emulator with `AUTH=true` lets the deploy role make the environment and do all of it, and nothing without the action",
        "a workflow's token, the role that it gives, `terraform apply`, every command, and actions denied in turn",
        cases,
        &violations,
    );
}
