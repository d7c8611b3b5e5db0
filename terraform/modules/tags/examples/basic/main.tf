terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "us-east-1"

  default_tags {
    tags = module.tags.tags
  }
}

module "tags" {
  source = "../.."

  project     = "media-lakehouse"
  environment = "dev"
  extra       = { cost_centre = "4711" }
}

resource "aws_sns_topic" "tagged" {
  name              = "media-lakehouse-dev-notifications"
  kms_master_key_id = "alias/media-lakehouse-dev"
}
