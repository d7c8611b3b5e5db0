terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"
}

module "kms" {
  source = "../.."

  name        = "media-lakehouse-dev"
  description = "Buckets, queues, secrets, topic and logs of media-lakehouse-dev"
}

output "key_arn" {
  description = "What the other modules take as kms_key_arn."
  value       = module.kms.key_arn
}
