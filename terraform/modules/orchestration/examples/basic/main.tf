terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"
}

module "orchestration" {
  source = "../.."

  name = "media-lakehouse-dev"
  functions = {
    start_extraction = "arn:aws:lambda:us-east-1:123456789012:function:media-lakehouse-dev-start-extraction"
    completion       = "arn:aws:lambda:us-east-1:123456789012:function:media-lakehouse-dev-completion"
    check            = "arn:aws:lambda:us-east-1:123456789012:function:media-lakehouse-dev-check"
  }
  jobs              = { silver = "media-lakehouse-dev-silver", gold = "media-lakehouse-dev-gold" }
  crawlers          = { silver = "media-lakehouse-dev-silver", gold = "media-lakehouse-dev-gold" }
  crawler_role_arns = ["arn:aws:iam::123456789012:role/media-lakehouse-dev-crawler"]
  sources           = { tmdb = "api", movielens = "files" }
  bronze_bucket     = "media-lakehouse-dev-bronze-123456789012"
  landing_bucket    = "media-lakehouse-dev-landing-123456789012"
  topic_arn         = "arn:aws:sns:us-east-1:123456789012:media-lakehouse-dev-notifications"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  schedule = {
    cron             = "0 5 * * ? *"
    maintenance_cron = "0 12 ? * SUN *"
    timezone         = "Europe/Berlin"
  }
}

output "state_machine_arn" {
  description = "What to start."
  value       = module.orchestration.state_machine_arn
}
