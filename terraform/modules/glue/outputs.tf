output "job_names" {
  description = "The jobs' names, by short name."
  value       = { for name, job in aws_glue_job.this : name => job.name }
}

output "job_arns" {
  description = "The jobs' ARNs, by short name."
  value       = { for name, job in aws_glue_job.this : name => job.arn }
}

output "security_configuration" {
  description = "Name of the security configuration; crawlers take it too."
  value       = aws_glue_security_configuration.this.name
}
