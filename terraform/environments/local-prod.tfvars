# `prod` on the local AWS: the same names as on AWS. The caller adds local_endpoint, and architecture where it is not x86_64.
environment = "prod"
region      = "us-east-1"

# The local AWS's number for this account. Should real credentials slip in, they are refused.
account_id = "222222222222"

website_domain  = "www.example.com"
allowed_origins = ["http://localhost:3000"]

# What costs something on AWS, too.
alarm_email    = "ops@example.com"
waf_rate_limit = 100

reserved_concurrency = 100
