mock_provider "aws" {
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:media-lakehouse-test-extract-jikan" }
  }
}

variables {
  function_name      = "media-lakehouse-test-extract-jikan"
  description        = "Works the units of jikan off its queue."
  handler            = "data_pipeline.bronze.worker.handler"
  role_arn           = "arn:aws:iam::123456789012:role/media-lakehouse-test-extract-jikan"
  timeout            = 180
  memory             = 256
  environment        = { JIKAN_SETTINGS = "{\"enabled\":\"true\"}" }
  layers             = ["arn:aws:lambda:us-east-1:123456789012:layer:media-lakehouse-test-dependencies:1"]
  code               = { bucket = "artifacts", key = "lambda.zip", hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  log_retention_days = 365
  kms_key_arn        = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

run "a_function" {
  assert {
    condition     = aws_lambda_function.this.runtime == "python3.13" && tolist(aws_lambda_function.this.architectures) == tolist(["arm64"])
    error_message = "It runs on ${aws_lambda_function.this.runtime}, ${join(", ", aws_lambda_function.this.architectures)}."
  }

  assert {
    condition = (
      aws_lambda_function.this.s3_bucket == "artifacts"
      && aws_lambda_function.this.s3_key == "lambda.zip"
      && aws_lambda_function.this.source_code_hash == var.code.hash
    )
    error_message = "Its code is not the one given."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "X-Ray tracing is ${aws_lambda_function.this.tracing_config[0].mode}."
  }

  assert {
    condition = (
      aws_lambda_function.this.logging_config[0].log_format == "JSON"
      && aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/media-lakehouse-test-extract-jikan"
    )
    error_message = "It logs to ${aws_lambda_function.this.logging_config[0].log_group} as ${aws_lambda_function.this.logging_config[0].log_format}."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == var.environment && aws_lambda_function.this.kms_key_arn == var.kms_key_arn
    error_message = "Its environment variables are not those given, encrypted with the key."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "Its log group is not encrypted with the key, or is kept for ${aws_cloudwatch_log_group.this.retention_in_days} days."
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.this) == 0
    error_message = "It reads a queue, and none was given."
  }

  assert {
    condition = (
      output.name == var.function_name
      && output.arn == "arn:aws:lambda:us-east-1:123456789012:function:media-lakehouse-test-extract-jikan"
      && output.log_group_name == "/aws/lambda/media-lakehouse-test-extract-jikan"
    )
    error_message = "The outputs are ${output.name}, ${output.arn} and ${output.log_group_name}."
  }
}

run "works_off_a_queue" {
  variables {
    queue = { arn = "arn:aws:sqs:us-east-1:123456789012:media-lakehouse-test-jikan", max_concurrency = 2 }
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this[0].event_source_arn == var.queue.arn
      && aws_lambda_event_source_mapping.this[0].function_name == aws_lambda_function.this.arn
    )
    error_message = "${aws_lambda_event_source_mapping.this[0].function_name} reads ${aws_lambda_event_source_mapping.this[0].event_source_arn}."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this[0].batch_size == 1
    error_message = "It takes ${aws_lambda_event_source_mapping.this[0].batch_size} messages at once."
  }

  assert {
    condition     = tolist(aws_lambda_event_source_mapping.this[0].function_response_types) == tolist(["ReportBatchItemFailures"])
    error_message = "It does not report which message failed."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this[0].scaling_config[0].maximum_concurrency == 2
    error_message = "It runs ${aws_lambda_event_source_mapping.this[0].scaling_config[0].maximum_concurrency} times at once."
  }
}

run "needs_no_environment" {
  command = plan

  variables {
    environment = {}
    layers      = []
  }

  assert {
    condition     = length(aws_lambda_function.this.environment) == 0
    error_message = "An empty environment block is planned, which AWS never returns."
  }
}

run "refuses_a_queue_read_one_at_a_time" {
  command = plan

  variables {
    queue = { arn = "arn:aws:sqs:us-east-1:123456789012:media-lakehouse-test-jikan", max_concurrency = 1 }
  }

  expect_failures = [var.queue]
}

run "refuses_a_queue_by_its_address" {
  command = plan

  variables {
    queue = { arn = "https://sqs.us-east-1.amazonaws.com/123456789012/jikan", max_concurrency = 2 }
  }

  expect_failures = [var.queue]
}

run "refuses_wrong_values" {
  command = plan

  variables {
    function_name      = "media lakehouse"
    description        = ""
    role_arn           = "extract-jikan"
    timeout            = 901
    memory             = 64
    environment        = { AWS_REGION = "us-east-1" }
    code               = { bucket = "artifacts", key = "lambda.zip", hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
    log_retention_days = 100
    kms_key_arn        = "alias/media-lakehouse"
  }

  expect_failures = [
    var.function_name,
    var.description,
    var.role_arn,
    var.timeout,
    var.memory,
    var.environment,
    var.code,
    var.log_retention_days,
    var.kms_key_arn,
  ]
}

run "refuses_a_handler_without_a_function" {
  command = plan

  variables {
    handler = "worker"
  }

  expect_failures = [var.handler]
}
