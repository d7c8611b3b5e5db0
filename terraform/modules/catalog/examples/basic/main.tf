# The gold layer's database, with a crawler for two tables.

provider "aws" {
  region = "us-east-1"
}

module "gold" {
  source = "../.."

  database               = "dev_gold"
  description            = "Tables that questions are asked of."
  crawler                = "media-lakehouse-dev-gold"
  role_arn               = "arn:aws:iam::123456789012:role/media-lakehouse-dev-crawl-gold"
  bucket                 = "media-lakehouse-dev-gold-123456789012"
  tables                 = ["movies_analytics", "dim_anime"]
  security_configuration = "media-lakehouse-dev"

  logs = {
    retention_days = 365
    kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}

output "database" {
  description = "Name of the database."
  value       = module.gold.database
}
