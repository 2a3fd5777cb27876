environment = "dev"
region      = "us-east-1"

# Yours: the website whose pages show the counter.
website_domain = "dev.example.com"

# Yours, and worth stating: with it, credentials of any other account are refused.
# account_id = "123456789012"

# All three or none: the API is then reachable at https://api.<domain_name> too.
# domain_name     = "dev.example.com"
# hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
# certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"

# Once the account's quota allows it (two functions, and 100 stay unreserved): see Service Quotas, "Concurrent executions".
# reserved_concurrency = 100
