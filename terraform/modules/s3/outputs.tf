# Who takes the name waits until the bucket is protected, and for logs until S3 may deliver them.
output "name" {
  description = "Name of the bucket; known at plan time."
  value       = aws_s3_bucket.this.bucket
  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}
