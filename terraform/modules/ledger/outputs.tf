output "table_name" {
  description = "Name of the ledger's table. Known only once the contract is in it."
  value       = aws_dynamodb_table.this.name
  depends_on  = [aws_dynamodb_table_item.stack]
}

output "contract" {
  description = "The stack contract as it is in the table: DynamoDB's JSON."
  value       = aws_dynamodb_table_item.stack.item
}
