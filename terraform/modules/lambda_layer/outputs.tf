output "arn" {
  description = "ARN of the layer's version, as functions name it."
  value       = aws_lambda_layer_version.this.arn
}
