# Both environments in one account. Copy it, put in your own, and pass it with -var-file. With an account each, bootstrap
# both, each with its own environment, and name the other's account in `promotes_to` and `promotes_from`.
region = "us-east-1"

# Whose workflows may deploy. The numbers: gh api repos/OWNER/NAME --jq '.owner.id, .id'
github = {
  repository    = "owner/name"
  owner_id      = "1"
  repository_id = "2"

  # The branch, and the workflows that may take a deploy role, if they are others:
  # branch             = "main"
  # workflows          = ["reusable-deploy", "reusable-promote"]
  # rollback_workflows = ["reusable-rollback"] # in ENV-rollback, which has no reviewers

  # If they are called from another repository, that one, and the tags or commits after the `@` of `uses`:
  # workflows_from = { repository = "OWNER/deployer", refs = ["v0.2.0"] }

  # If the account has GitHub's OIDC provider already:
  # oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
}

environments = {
  dev = {
    # Makes the role that prod's deploy role reads releases with: the output `reader_roles` goes into deployer.toml, as
    # `reader_role` of [environments.dev].
    promotes_to = { environment = "prod" }

    # After the first apply of the environment: its roles then name this API, and lose what only the first apply needs.
    # rest_api_id = "abc123"
  }

  prod = {
    promotes_from = { environment = "dev" }

    # What prod.tfvars switches on, of `domain` and `postgres`. `waf` is there by default.
    # extras = ["domain"]
    # domain = { name = "example.com", hosted_zone_id = "Z0123456789ABCDEFGHIJ" }
  }
}

# Yours: a mail before a month costs more than this. A flood of requests costs more than that: terraform/README.md.
# budget = { monthly_usd = 30, email = "ops@example.com" }
