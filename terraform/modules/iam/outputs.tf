# Both wait for the policy: Lambda refuses an event source mapping, and Step Functions a log group,
# while the role may not use it yet.

output "arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
  depends_on  = [aws_iam_role_policy.this]
}

output "name" {
  description = "Name of the role."
  value       = aws_iam_role.this.name
  depends_on  = [aws_iam_role_policy.this]
}
