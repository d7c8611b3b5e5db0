mock_provider "aws" {
  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:layer:media-lakehouse-test-dependencies:7" }
  }
}

variables {
  name = "media-lakehouse-test-dependencies"
  code = { bucket = "artifacts", key = "layer.zip", hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
}

run "a_layer" {
  assert {
    condition = (
      aws_lambda_layer_version.this.s3_bucket == "artifacts"
      && aws_lambda_layer_version.this.s3_key == "layer.zip"
      && aws_lambda_layer_version.this.source_code_hash == var.code.hash
    )
    error_message = "Its code is not the one given."
  }

  assert {
    condition = (
      aws_lambda_layer_version.this.compatible_runtimes == toset(["python3.13"])
      && aws_lambda_layer_version.this.compatible_architectures == toset(["arm64"])
    )
    error_message = "It is not for the functions' runtime and architecture."
  }

  assert {
    condition     = output.arn == "arn:aws:lambda:us-east-1:123456789012:layer:media-lakehouse-test-dependencies:7"
    error_message = "The output is ${output.arn}, not the version's ARN."
  }
}

run "refuses_wrong_values" {
  command = plan

  variables {
    name = "media lakehouse"
    code = { bucket = "artifacts", key = "layer.zip", hash = "" }
  }

  expect_failures = [var.name, var.code]
}
