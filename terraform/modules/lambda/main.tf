# Made here and not by Lambda at the first invocation: it would be unencrypted and never expire.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115: A queue's MaximumConcurrency bounds the extractors, and Step Functions the others; a reserve is taken from all other functions of the account.
  #checkov:skip=CKV_AWS_116: Nothing invokes the functions asynchronously; messages that fail go to the queue's DLQ.
  #checkov:skip=CKV_AWS_117: Extractors call public APIs; in a VPC they would need a NAT, which costs more than all the rest.
  #checkov:skip=CKV_AWS_272: The code comes from the deployment's own bucket, and its SHA-256 is compared at every apply.
  function_name = var.function_name
  description   = var.description
  role          = var.role_arn
  handler       = var.handler
  runtime       = "python3.13"
  architectures = ["arm64"]
  timeout       = var.timeout
  memory_size   = var.memory
  layers        = var.layers
  kms_key_arn   = var.kms_key_arn

  s3_bucket        = var.code.bucket
  s3_key           = var.code.key
  source_code_hash = var.code.hash

  dynamic "environment" {
    for_each = length(var.environment) > 0 ? [var.environment] : []

    content {
      variables = environment.value
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = "Active"
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  count = var.queue == null ? 0 : 1

  function_name    = aws_lambda_function.this.arn
  event_source_arn = var.queue.arn

  # A unit is up to two minutes of requests: one a message leaves the timeout to itself.
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.queue.max_concurrency
  }
}
