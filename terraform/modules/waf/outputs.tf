output "arn" {
  description = "ARN of the web ACL. Known only once it guards the stage."
  value       = aws_wafv2_web_acl.this.arn
  depends_on  = [aws_wafv2_web_acl_association.this]
}
