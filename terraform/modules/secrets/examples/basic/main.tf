terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"
}

variable "tmdb" {
  description = "TMDB's keys by name, from TF_VAR_tmdb='{\"token\":\"…\"}'. Needed only when value_version changes."
  type        = map(string)
  default     = null
  sensitive   = true
  ephemeral   = true
}

module "kms" {
  source = "../../../kms"

  name        = "media-lakehouse-dev"
  description = "Secrets of media-lakehouse-dev"
}

module "secret" {
  source = "../.."

  name          = "media-lakehouse/dev/tmdb"
  description   = "API token of TMDB, from https://www.themoviedb.org/settings/api"
  kms_key_arn   = module.kms.key_arn
  keys          = ["token"]
  value         = var.tmdb
  value_version = 1
}

output "secret" {
  description = "Name of the secret."
  value       = module.secret.name
}
