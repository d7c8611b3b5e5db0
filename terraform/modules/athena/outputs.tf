output "workgroup" {
  description = "Name of the workgroup; known once it can be queried."
  value       = aws_athena_workgroup.this.name
}
