# A function that works off a queue, with the role that it needs.

provider "aws" {
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  name      = "media-lakehouse-dev-extract-jikan"
  partition = data.aws_partition.current.partition
  here      = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"
  key       = "arn:${local.partition}:kms:${local.here}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  queue     = "arn:${local.partition}:sqs:${local.here}:media-lakehouse-dev-jikan"
}

module "role" {
  source = "../../../iam"

  name        = local.name
  description = "Works the units of jikan off its queue."
  service     = "lambda.amazonaws.com"

  policy_json = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = local.queue
      },
      {
        # Decrypts the messages and, by Lambda itself, the environment variables.
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = local.key
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${local.here}:log-group:/aws/lambda/${local.name}:log-stream:*"
      },
      {
        # X-Ray knows no resources for these.
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      },
    ]
  })
}

module "extract" {
  source = "../.."

  function_name      = local.name
  description        = "Works the units of jikan off its queue."
  handler            = "data_pipeline.bronze.worker.handler"
  role_arn           = module.role.arn
  timeout            = 180
  memory             = 256
  environment        = { POWERTOOLS_LOG_LEVEL = "INFO" }
  log_retention_days = 365
  kms_key_arn        = local.key

  code = {
    bucket = "media-lakehouse-dev-artifacts-123456789012"
    key    = "lambda.zip"
    hash   = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  }

  queue = {
    arn             = local.queue
    max_concurrency = 2
  }
}

output "function" {
  description = "Name of the function."
  value       = module.extract.name
}
