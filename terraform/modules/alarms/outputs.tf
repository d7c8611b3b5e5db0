output "alarms" {
  description = "The alarms: name => ARN."
  value       = local.arns
}

output "dashboard" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
