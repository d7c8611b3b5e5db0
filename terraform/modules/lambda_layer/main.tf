resource "aws_lambda_layer_version" "this" {
  layer_name               = var.name
  description              = "Packages that the functions import."
  s3_bucket                = var.code.bucket
  s3_key                   = var.code.key
  source_code_hash         = var.code.hash
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = ["arm64"]

  # A version never changes: the functions move to the new one before the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}
