# The bucket with the environments' states, one key each. Terraform locks a state with a file beside it.

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:CloudTrail has who read or wrote a state; a log bucket would need one itself
  #checkov:skip=CKV_AWS_144:versions are the way back; a second region is for who needs one
  #checkov:skip=CKV_AWS_145:S3's own key encrypts it; a key of one's own has a monthly price
  #checkov:skip=CKV2_AWS_61:every version is kept: they are small, and the one that is needed is not known before
  #checkov:skip=CKV2_AWS_62:nothing waits for an event of it
  bucket = local.state_bucket

  tags = {
    Name = local.state_bucket
  }

  lifecycle {
    # Without the states, what belongs to which environment is lost.
    prevent_destroy = true
  }
}

# The way back from a broken state. Old versions are kept: they are small, and the one that is needed is not known before.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256" # S3's own key: a key of one's own has a monthly price
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 takes one change of a bucket's access at a time (409 OperationAborted).
  depends_on = [aws_s3_bucket_public_access_block.state]
}
