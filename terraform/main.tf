data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  name      = "${var.project}-${var.environment}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Databases have no hyphens. Only production has the plain names.
  prefix    = var.environment == "prod" ? "" : "${replace(var.environment, "-", "_")}_"
  databases = { for layer in ["silver", "gold"] : layer => "${local.prefix}${layer}" }

  bucket = {
    for bucket in ["landing", "bronze", "silver", "gold", "artifacts", "athena-results", "logs"] :
    bucket => "${local.name}-${bucket}-${local.account}"
  }

  log_retention_days = 365
  # A playlist may well hold some episodes and local files, which are refused.
  quarantine_percent = 5
}

module "tags" {
  source = "./modules/tags"

  project     = var.project
  environment = var.environment
}

module "kms" {
  source = "./modules/kms"

  name        = local.name
  description = "Everything of ${local.name} that is stored."
}

module "logs_bucket" {
  source = "./modules/s3"

  name = local.bucket["logs"]
  # S3 delivers access logs to buckets of SSE-S3 only.
  kms_key_arn          = null
  versioning           = false
  receives_access_logs = true
  force_destroy        = var.force_destroy
  lifecycle_rules      = [{ id = "expire", expiration_days = 365 }]
}

module "bucket" {
  source   = "./modules/s3"
  for_each = local.buckets

  name                  = local.bucket[each.key]
  kms_key_arn           = module.kms.key_arn
  versioning            = each.value.versioning
  lifecycle_rules       = each.value.lifecycle_rules
  require_if_none_match = each.key == "bronze"
  eventbridge           = each.key == "landing"
  access_logs_bucket    = module.logs_bucket.name
  access_logs_prefix    = "${each.key}/"
  # What is in these two can be made again.
  force_destroy = var.force_destroy || contains(["artifacts", "athena-results"], each.key)
}

locals {
  old_versions = { id = "old-versions", noncurrent_days = 30 }

  buckets = {
    landing = {
      versioning      = true
      lifecycle_rules = [local.old_versions, local.to_glacier]
    }
    bronze = {
      versioning      = true
      lifecycle_rules = [local.old_versions, local.to_glacier]
    }
    # Delta keeps its own versions, and VACUUM would free nothing if the bucket did too.
    silver    = { versioning = false, lifecycle_rules = [] }
    gold      = { versioning = false, lifecycle_rules = [] }
    artifacts = { versioning = true, lifecycle_rules = [local.old_versions] }
    "athena-results" = {
      versioning      = false
      lifecycle_rules = [{ id = "expire", expiration_days = 7 }]
    }
  }

  # Read again by a full refresh only, and then at once. Objects under 128 KB stay where they are.
  to_glacier = {
    id          = "to-glacier"
    transitions = [{ days = 90, storage_class = "GLACIER_IR" }]
  }
}

module "networking" {
  source = "./modules/networking"
  count  = var.vpc ? 1 : 0

  name        = local.name
  cidr        = "10.20.0.0/16"
  region      = var.region
  kms_key_arn = module.kms.key_arn
}
