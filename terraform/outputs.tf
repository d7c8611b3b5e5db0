output "name" {
  description = "What every name begins with."
  value       = local.name
}

output "account" {
  description = "AWS account."
  value       = local.account
}

output "region" {
  description = "AWS region."
  value       = var.region
}

output "buckets" {
  description = "Names of the buckets."
  value       = merge({ for bucket, its in module.bucket : bucket => its.name }, { logs = module.logs_bucket.name })
}

output "queues" {
  description = "URLs of each source's queue and dead-letter queue."
  value       = { for source, its in module.queue : source => { queue = its.queue_url, dlq = its.dlq_url } }
}

output "functions" {
  description = "Names of the Lambdas."
  value       = merge({ for name, its in module.function : name => its.name }, { for source, its in module.extract : "extract-${local.dashed[source]}" => its.name })
}

output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = module.orchestration.state_machine_arn
}

output "jobs" {
  description = "Names of the Glue jobs."
  value       = module.glue.job_names
}

output "crawlers" {
  description = "Names of the crawlers."
  value       = { for layer, its in module.catalog : layer => its.crawler }
}

output "databases" {
  description = "Names of the databases, as Athena's SQL names them."
  value       = local.databases
}

output "workgroup" {
  description = "Athena workgroup."
  value       = module.athena.workgroup
}

output "notifications_topic_arn" {
  description = "Topic of summaries and alarms."
  value       = module.notifications.topic_arn
}

output "secrets" {
  description = "Names of the secrets."
  value       = { for source, its in module.secret : source => its.name }
}

output "analyst_policy_arn" {
  description = "Policy for people who query the tables in Athena."
  value       = aws_iam_policy.analyst.arn
}
