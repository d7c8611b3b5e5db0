# A topic that two people read.

provider "aws" {
  region = "us-east-1"
}

module "kms" {
  source = "../../../kms"

  name        = "media-lakehouse-dev"
  description = "Everything of media-lakehouse-dev"
}

module "notifications" {
  source = "../.."

  name        = "media-lakehouse-dev"
  kms_key_arn = module.kms.key_arn
  emails      = ["data@example.com", "on-call@example.com"]
}

output "topic" {
  description = "ARN of the topic."
  value       = module.notifications.topic_arn
}
