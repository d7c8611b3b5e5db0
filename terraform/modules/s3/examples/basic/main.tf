terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
}

module "kms" {
  source = "../../../kms"

  name        = "media-lakehouse-dev"
  description = "Objects of media-lakehouse-dev"
}

module "logs" {
  source = "../.."

  name                 = "media-lakehouse-dev-logs-${local.account}"
  receives_access_logs = true
  lifecycle_rules      = [{ id = "old-logs", expiration_days = 90, noncurrent_days = 1 }]
}

module "bronze" {
  source = "../.."

  name                  = "media-lakehouse-dev-bronze-${local.account}"
  kms_key_arn           = module.kms.key_arn
  access_logs_bucket    = module.logs.name
  require_if_none_match = true

  lifecycle_rules = [{
    id              = "old-records"
    transitions     = [{ days = 90, storage_class = "GLACIER_IR" }]
    noncurrent_days = 30
  }]
}

output "bronze" {
  description = "Name of the bronze bucket."
  value       = module.bronze.name
}
