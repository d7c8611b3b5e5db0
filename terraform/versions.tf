terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region come from `make deploy`: they follow from configs.ini and the account.
  # The bucket encrypts by its own default; `encrypt` would ask for a weaker way.
  backend "s3" {
    use_lockfile = true
  }
}
