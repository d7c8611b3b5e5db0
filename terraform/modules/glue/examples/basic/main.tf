# The silver and the gold job, ten workers at most, at the price of spare capacity.

provider "aws" {
  region = "us-east-1"
}

module "glue" {
  source = "../.."

  name           = "media-lakehouse-dev"
  kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  log_retention  = 365
  extra_py_files = "s3://media-lakehouse-dev-artifacts-123456789012/data_pipeline.zip"

  glue = {
    version     = "6.0"
    worker_type = "G.1X"
    workers     = 10
    flex        = true
  }

  jobs = {
    silver = {
      description     = "Loads what bronze completed."
      role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-dev-silver"
      script          = "s3://media-lakehouse-dev-artifacts-123456789012/silver_job.py"
      timeout_minutes = 60
      arguments = {
        "--step"   = "load"
        "--bronze" = "s3://media-lakehouse-dev-bronze-123456789012"
        "--silver" = "s3://media-lakehouse-dev-silver-123456789012"
      }
    }
    gold = {
      description     = "Builds the tables that questions are asked of."
      role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-dev-gold"
      script          = "s3://media-lakehouse-dev-artifacts-123456789012/gold_job.py"
      timeout_minutes = 60
      arguments = {
        "--step"   = "build"
        "--silver" = "s3://media-lakehouse-dev-silver-123456789012"
        "--gold"   = "s3://media-lakehouse-dev-gold-123456789012"
      }
    }
  }
}

output "jobs" {
  description = "The jobs' names."
  value       = module.glue.job_names
}
