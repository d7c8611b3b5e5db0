output "key_arn" {
  description = "ARN of the key, for the kms_key_arn of the other modules and for IAM policies."
  value       = aws_kms_key.this.arn
}

output "key_id" {
  description = "Id of the key."
  value       = aws_kms_key.this.key_id
}

output "alias" {
  description = "Alias of the key, alias/<name>."
  value       = aws_kms_alias.this.name
}
