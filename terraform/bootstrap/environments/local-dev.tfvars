# The account of `dev` on the local AWS.
region     = "us-east-1"
account_id = "111111111111"

github = {
  repository    = "example/resume-visitor-counter"
  owner_id      = "1"
  repository_id = "2"
}

environments = {
  dev = {
    promotes_to = { environment = "prod", account = "222222222222" }
  }
}
