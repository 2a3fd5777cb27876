# The secret under which the counter hashes visitors' addresses. Terraform's alone; the counter reads it when it starts. Another
# `generation` makes another one, in place: hashes of before then match none of after.

# Neither plan nor state has it: an ephemeral value goes into a write-only argument. AWS makes a new one at every plan, which
# is looked at only while the version below is new.
ephemeral "aws_secretsmanager_random_password" "this" {
  password_length     = 64
  exclude_punctuation = true
}

# AWS's own key for SSM encrypts it: no monthly price.
resource "aws_ssm_parameter" "this" {
  #checkov:skip=CKV_AWS_337:AWS's own key for SSM encrypts it; a key of one's own has a monthly price
  name             = "/${var.app}/${var.environment}/address-key"
  description      = "Secret under which ${var.app}-${var.environment} hashes the addresses of its visitors"
  type             = "SecureString"
  value_wo         = ephemeral.aws_secretsmanager_random_password.this.random_password
  value_wo_version = var.generation

  tags = {
    Name = "/${var.app}/${var.environment}/address-key"
  }
}
