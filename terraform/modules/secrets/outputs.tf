# Who takes the ARN waits until the secret can be read.
output "arn" {
  description = "ARN of the secret, for the policy of the one role that may read it."
  value       = aws_secretsmanager_secret.this.arn
  depends_on  = [aws_secretsmanager_secret_version.this]
}

output "name" {
  description = "Name of the secret."
  value       = aws_secretsmanager_secret.this.name
}
