# Both environments in one account. Copy it, put in your own, and pass it with -var-file. With an account each, bootstrap
# both, each with its own environment, and name the other's account in `promotes_to` and `promotes_from`.
region = "us-east-1"

# Whose workflows may deploy. The numbers: gh api repos/OWNER/NAME --jq '.owner.id, .id'
github = {
  repository    = "owner/name"
  owner_id      = "1"
  repository_id = "2"

  # If the account has GitHub's OIDC provider already:
  # oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
}

environments = {
  dev = {
    # Makes the role that prod's deploy role reads dev's releases through: `reader_role` in deployer.toml.
    promotes_to = { environment = "prod" }

    # After the first apply of the environment: its roles then reach this API and no other.
    # rest_api_id = "abc123"
  }

  prod = {
    promotes_from = { environment = "dev" }

    # What prod.tfvars switches on, of `domain`, `waf` and `postgres`.
    # extras = ["waf"]
  }
}
