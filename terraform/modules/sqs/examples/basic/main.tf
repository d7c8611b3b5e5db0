terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"
}

module "kms" {
  source = "../../../kms"

  name        = "media-lakehouse-dev"
  description = "Messages of media-lakehouse-dev"
}

module "queue" {
  source = "../.."

  name                       = "media-lakehouse-dev-jikan"
  kms_key_arn                = module.kms.key_arn
  visibility_timeout_seconds = 6 * 180
  max_receive_count          = 5
}

output "queue_url" {
  description = "Where the units of work are sent."
  value       = module.queue.queue_url
}
