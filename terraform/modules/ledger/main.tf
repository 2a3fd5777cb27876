# The deployer's memory of one environment. Terraform owns the table and the item `stack`; the lock, the live pointer and
# the releases beside it are the deployer's, and not in Terraform's state.

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:AWS's own key encrypts it; a key of one's own has a monthly price
  name                        = "${var.app}-ledger-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # It is the only record of what may be rolled back to.
  point_in_time_recovery {
    enabled = true
  }

  # AWS's own key of the account: no monthly price, and its use shows in CloudTrail.
  server_side_encryption {
    enabled = true
  }

  tags = {
    Name = "${var.app}-ledger-${var.environment}"
  }
}

# The stack contract: all that the deployer needs about this environment. Nothing in it may refer to a function's
# version, code or time of change: those move with every release, and the plan after one has to be empty.
resource "aws_dynamodb_table_item" "stack" {
  table_name = aws_dynamodb_table.this.name
  hash_key   = aws_dynamodb_table.this.hash_key
  range_key  = aws_dynamodb_table.this.range_key

  item = jsonencode(merge({
    pk          = { S = var.app }
    sk          = { S = "stack" }
    schema      = { N = "2" }
    environment = { S = var.environment }
    account     = { S = var.stack.account }
    region      = { S = var.stack.region }

    functions = { M = {
      for key, function in var.stack.functions : key => { M = { for name, value in function : name => { S = value } if value != null } }
    } }

    alarms = { L = [for alarm in var.stack.alarms : { S = alarm }] }
    }, {
    # What there is none of is an absent attribute: DynamoDB's NULL would be one more case for every reader.
    for name, value in { artifact_bucket = var.stack.artifact_bucket } : name => { S = value } if value != null
    }, {
    for name, api in { api = var.stack.api } :
    name => { M = { for name, value in api : name => { S = value } if value != null } } if api != null
  }))
}
