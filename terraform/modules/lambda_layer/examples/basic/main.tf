# The layer with the functions' dependencies.

provider "aws" {
  region = "us-east-1"
}

module "layer" {
  source = "../.."

  name = "media-lakehouse-dev-dependencies"

  code = {
    bucket = "media-lakehouse-dev-artifacts-123456789012"
    key    = "layer.zip"
    hash   = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }
}

output "layer" {
  description = "ARN of the layer's version."
  value       = module.layer.arn
}
