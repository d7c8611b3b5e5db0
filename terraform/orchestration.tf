module "notifications" {
  source = "./modules/notifications"

  name        = local.name
  kms_key_arn = module.kms.key_arn
  emails      = var.notification_emails
}

module "orchestration" {
  source = "./modules/orchestration"

  name = local.name
  functions = {
    start_extraction = module.function["start-extraction"].arn
    completion       = module.function["completion"].arn
    check            = module.function["check"].arn
  }
  jobs               = module.glue.job_names
  crawlers           = { for layer, its in module.catalog : layer => its.crawler }
  crawler_role_arns  = [for role in values(module.crawler_role) : role.arn]
  sources            = { for source, its in var.sources : source => its.kind }
  bronze_bucket      = module.bucket["bronze"].name
  landing_bucket     = module.bucket["landing"].name
  topic_arn          = module.notifications.topic_arn
  kms_key_arn        = module.kms.key_arn
  schedule           = var.schedule
  log_retention_days = local.log_retention_days
}

module "alarms" {
  source = "./modules/alarms"

  name               = local.name
  topic_arn          = module.notifications.topic_arn
  queues             = { for source, its in module.queue : source => { queue = its.queue_name, dlq = its.dlq_name } }
  functions          = merge({ for name, its in module.function : name => its.name }, { for source, its in module.extract : "extract-${local.dashed[source]}" => its.name })
  jobs               = module.glue.job_names
  crawlers           = { for layer, its in module.catalog : layer => its.crawler }
  state_machine_arn  = module.orchestration.state_machine_arn
  state_machine_name = local.name
  schedule_group     = module.orchestration.schedule_group
  workgroup          = module.athena.workgroup
  quarantine_percent = local.quarantine_percent
}
