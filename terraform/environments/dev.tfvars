environment = "dev"
region      = "us-east-1"

# Yours: the website whose pages show the counter.
website_domain = "dev.example.com"

# Yours, and worth stating: with it, credentials of any other account are refused.
# account_id = "123456789012"

# All three or none: the API then answers at https://api.<domain_name> too.
# domain_name     = "dev.example.com"
# hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
# certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"

# A young account may run 10 functions at once, of which none can be reserved.
# reserved_concurrency = null
