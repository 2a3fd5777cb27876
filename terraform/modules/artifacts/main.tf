# The bucket through which zips over 50 MB go to Lambda. Terraform owns the bucket; the deployer puts a zip into it, and Lambda
# copies it at once: nothing in here is needed for longer than a release takes.

locals {
  # Bucket names are global: the account's number makes it one of our own.
  name = "${var.app}-artifacts-${var.environment}-${var.account}"
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:a zip is written and read once, by the deployer and Lambda; CloudTrail has who did
  #checkov:skip=CKV_AWS_144:what is in it is dispensable after minutes
  #checkov:skip=CKV_AWS_145:S3's own key encrypts it; a key of one's own has a monthly price
  #checkov:skip=CKV2_AWS_62:nothing waits for an event of it
  bucket        = local.name
  force_destroy = var.removable

  tags = {
    Name = local.name
  }
}

# The deployer passes Lambda the version of the object that it has just written: another one is never taken.
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 takes one change of a bucket's access at a time (409 OperationAborted).
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "forget"
    status = "Enabled"

    filter {}

    expiration {
      days = 1 # the least that S3 accepts
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Rules for old versions mean something only where there are versions.
  depends_on = [aws_s3_bucket_versioning.this]
}
