# `dev` on the local AWS: the same names as on AWS. The caller adds local_endpoint, and architecture where it is not x86_64.
environment = "dev"
region      = "us-east-1"

# The local AWS's number for this account. Should real credentials slip in, they are refused.
account_id = "111111111111"

website_domain  = "www.example.com"
allowed_origins = ["http://localhost:3000"]

reserved_concurrency = 100
