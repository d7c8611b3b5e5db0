# A workgroup in which a query scans 10 GB at most, with one named query.

provider "aws" {
  region = "us-east-1"
}

module "athena" {
  source = "../.."

  name                   = "media-lakehouse-dev"
  results_bucket         = "media-lakehouse-dev-athena-results-123456789012"
  kms_key_arn            = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  monthly_budget_usd     = 50
  notification_topic_arn = "arn:aws:sns:us-east-1:123456789012:media-lakehouse-dev-notifications"
  database_prefix        = "dev_"

  queries = {
    "anime_studios.sql" = <<-SQL
      -- Which studios make most anime?
      SELECT studio, num_anime FROM gold.dim_studio ORDER BY num_anime DESC LIMIT 20
    SQL
  }
}

output "workgroup" {
  description = "Name of the workgroup."
  value       = module.athena.workgroup
}
