environment = "prod"
region      = "us-east-1"

# Yours: the website whose pages show the counter.
website_domain = "www.example.com"

# Yours, and worth stating: with it, credentials of any other account are refused.
# account_id = "123456789012"

# All three or none: the API is then reachable at https://api.<domain_name> too.
# domain_name     = "example.com"
# hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
# certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"

# `prod` has a web ACL, for about 8 USD a month: no more than 100 requests of one address in 5 minutes. 0 takes it away, and with it
# what keeps one client from spending over 2,000 USD a month.
# waf_rate_limit = 100

# Who hears of alarms.
# alarm_email = "ops@example.com"

# Once the account's quota allows it (two functions, and 100 stay unreserved): see Service Quotas, "Concurrent executions".
# reserved_concurrency = 100
