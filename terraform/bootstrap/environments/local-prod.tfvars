# The account of `prod` on the local AWS.
region     = "us-east-1"
account_id = "222222222222"

github = {
  repository    = "example/resume-visitor-counter"
  owner_id      = "1"
  repository_id = "2"
}

environments = {
  prod = {
    promotes_from = { environment = "dev", account = "111111111111" }
    extras        = ["waf"]
  }
}
