# A role for a function that reads one bucket and writes to its own log group.

provider "aws" {
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  name      = "media-lakehouse-dev-completion"
  partition = data.aws_partition.current.partition
  log_group = "arn:${local.partition}:logs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:log-group:/aws/lambda/${local.name}"
}

module "role" {
  source = "../.."

  name        = local.name
  description = "Says how far a run is."
  service     = "lambda.amazonaws.com"

  policy_json = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "arn:${local.partition}:s3:::media-lakehouse-dev-bronze-123456789012/*"
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.log_group}:log-stream:*"
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

output "role" {
  description = "ARN of the role."
  value       = module.role.arn
}
