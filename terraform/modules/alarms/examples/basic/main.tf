# Alarms and dashboard of a deployment with two sources.

provider "aws" {
  region = "us-east-1"
}

module "alarms" {
  source = "../.."

  name      = "media-lakehouse-dev"
  topic_arn = "arn:aws:sns:us-east-1:123456789012:media-lakehouse-dev-notifications"

  queues = {
    jikan = { queue = "media-lakehouse-dev-jikan", dlq = "media-lakehouse-dev-jikan-dlq" }
    tmdb  = { queue = "media-lakehouse-dev-tmdb", dlq = "media-lakehouse-dev-tmdb-dlq" }
  }

  functions = {
    start_extraction = "media-lakehouse-dev-start-extraction"
    completion       = "media-lakehouse-dev-completion"
    check            = "media-lakehouse-dev-check"
    extract_jikan    = "media-lakehouse-dev-extract-jikan"
    extract_tmdb     = "media-lakehouse-dev-extract-tmdb"
  }

  jobs     = { silver = "media-lakehouse-dev-silver", gold = "media-lakehouse-dev-gold" }
  crawlers = { silver = "media-lakehouse-dev-silver", gold = "media-lakehouse-dev-gold" }

  state_machine_arn  = "arn:aws:states:us-east-1:123456789012:stateMachine:media-lakehouse-dev"
  state_machine_name = "media-lakehouse-dev"
  workgroup          = "media-lakehouse-dev"
  quarantine_percent = 5
}

output "alarms" {
  description = "The alarms: name => ARN."
  value       = module.alarms.alarms
}
