output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "Ids of the two private subnets."
  value       = aws_subnet.private[*].id
}

output "security_group_id" {
  description = "Group for what is put into the VPC: its members reach each other, the endpoints and S3."
  value       = aws_security_group.members.id
}

output "endpoints" {
  description = "Ids of the endpoints by service: s3, glue, logs, secretsmanager."
  value = merge(
    { s3 = aws_vpc_endpoint.s3.id },
    { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.id },
  )
}
