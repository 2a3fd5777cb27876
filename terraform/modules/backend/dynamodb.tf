# The visits and the total. Terraform owns the table; what is in it belongs to the function.

locals {
  # `resume-visitor-counter` has `ResumeVisitorCounter`; modules/roles derives the same name.
  visits_table = "${replace(title(replace(var.app, "-", " ")), " ", "")}-${var.environment}"
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:AWS's own key encrypts it; a key of one's own has a monthly price
  name                        = local.visits_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "visit_id"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "visit_id"
    type = "S"
  }

  attribute {
    name = "day"
    type = "S"
  }

  attribute {
    name = "timestamp"
    type = "S"
  }

  # What `visits` reads: those of a day, in the order in which they came. Whose they were stays out of it. The total has no
  # day, and is not in it.
  global_secondary_index {
    name               = "by-day"
    hash_key           = "day"
    range_key          = "timestamp"
    projection_type    = "INCLUDE"
    non_key_attributes = ["path", "user_agent"]
  }

  # Visits leave after 90 days; the total has no such attribute and stays.
  ttl {
    attribute_name = "expiration_time"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # AWS's own key of the account: no monthly price, and its use shows in CloudTrail.
  server_side_encryption {
    enabled = true
  }

  tags = {
    Name = local.visits_table
  }
}

# Made once, so that the first reader finds a zero.
resource "aws_dynamodb_table_item" "total" {
  table_name = aws_dynamodb_table.this.name
  hash_key   = aws_dynamodb_table.this.hash_key

  item = jsonencode({
    visit_id = { S = "total" }
    count    = { N = "0" }
  })

  lifecycle {
    # Every visit changes it: putting it back would forget them all.
    ignore_changes = [item]
  }
}
