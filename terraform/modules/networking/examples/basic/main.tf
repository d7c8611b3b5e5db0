terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"
}

module "kms" {
  source = "../../../kms"

  name        = "media-lakehouse-dev"
  description = "Logs of media-lakehouse-dev"
}

module "networking" {
  source = "../.."

  name        = "media-lakehouse-dev"
  cidr        = "10.20.0.0/20"
  region      = "us-east-1"
  kms_key_arn = module.kms.key_arn
}

output "subnet_ids" {
  description = "Where a database or a Glue connection goes."
  value       = module.networking.subnet_ids
}
