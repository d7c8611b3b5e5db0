data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  # Not the resource's own, so that a change of the machine does not seem to change the roles.
  machine_arn = "arn:${local.partition}:states:${data.aws_region.current.name}:${local.account}:stateMachine:${var.name}"
  glue        = "arn:${local.partition}:glue:${data.aws_region.current.name}:${local.account}"

  file_sources = [for source, kind in var.sources : source if kind == "files"]

  # What the planner is asked for each source. Of files it also fetches what their publisher has.
  starts = [
    for source, kind in var.sources :
    merge({ source = source }, kind == "files" ? { fetch = true } : {})
  ]

  # Here and not by Glue, whose own retries Step Functions does not wait for.
  retry_failed = {
    ErrorEquals     = ["States.TaskFailed", "States.Timeout"]
    IntervalSeconds = 60
    MaxAttempts     = 1
  }

  retry_job = [
    {
      # One run of a job at a time: another execution, or a person, may be at it.
      ErrorEquals     = ["Glue.ConcurrentRunsExceededException"]
      IntervalSeconds = 60
      MaxAttempts     = 120
      BackoffRate     = 1
    },
    local.retry_failed,
  ]

  # A new account runs ten functions at once, which the extractors may all be.
  retry_busy = {
    ErrorEquals     = ["Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"]
    IntervalSeconds = 5
    BackoffRate     = 2
    MaxDelaySeconds = 60
    MaxAttempts     = 20
    JitterStrategy  = "FULL"
  }

  retry_lambda = [
    local.retry_busy,
    { ErrorEquals = ["States.ALL"], IntervalSeconds = 10, MaxAttempts = 3, BackoffRate = 3, JitterStrategy = "FULL" },
  ]

  # What a person has to mend, such as a refused token, is not asked again.
  retry_planner = [
    local.retry_busy,
    { ErrorEquals = ["Lambda.Unknown", "Sandbox.Timedout", "States.Timeout", "ApiBusyError"], IntervalSeconds = 10, MaxAttempts = 3, BackoffRate = 3, JitterStrategy = "FULL" },
  ]
}

# --- The state machine ------------------------------------------------------------------------

resource "aws_sfn_state_machine" "this" {
  name     = var.name
  role_arn = module.machine_role.arn

  definition = templatefile("${path.module}/state_machine.asl.json.tftpl", {
    partition            = local.partition
    start_extraction_arn = var.functions.start_extraction
    completion_arn       = var.functions.completion
    check_arn            = var.functions.check
    bronze_bucket        = var.bronze_bucket
    topic_arn            = var.topic_arn
    jobs                 = var.jobs
    name                 = var.name
    retry_job            = jsonencode(local.retry_job)
    # Whoever finds silver at work looks again what is pending: no retry.
    retry_silver  = jsonencode([{ ErrorEquals = ["Glue.ConcurrentRunsExceededException"], MaxAttempts = 0 }, local.retry_failed])
    retry_lambda  = jsonencode(local.retry_lambda)
    retry_planner = jsonencode(local.retry_planner)
    poll_seconds  = var.poll_seconds
    wait_seconds  = var.wait_seconds
    # They stand inside JSONata, inside a text of JSON.
    sources  = replace(jsonencode(local.starts), "\"", "'")
    crawlers = replace(jsonencode(var.crawlers), "\"", "'")
  })

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  tracing_configuration {
    enabled = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  # Step Functions asks for this prefix: the policy of log deliveries may grow no further without it.
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

module "machine_role" {
  source = "../iam"

  name           = "${var.name}-state-machine"
  description    = "Lets the state machine ${var.name} run its steps."
  service        = "states.amazonaws.com"
  source_account = true
  policy_json    = data.aws_iam_policy_document.machine.json
}

data "aws_iam_policy_document" "machine" {
  statement {
    sid       = "Functions"
    actions   = ["lambda:InvokeFunction"]
    resources = values(var.functions)
  }

  statement {
    sid       = "FindPending"
    actions   = ["s3:ListBucket"]
    resources = ["arn:${local.partition}:s3:::${var.bronze_bucket}"]

    condition {
      test     = "StringEquals"
      variable = "s3:prefix"
      values   = ["_pending/"]
    }
  }

  statement {
    sid       = "Jobs"
    actions   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
    resources = [for job in values(var.jobs) : "${local.glue}:job/${job}"]
  }

  statement {
    sid       = "Crawlers"
    actions   = ["glue:GetCrawler", "glue:StartCrawler", "glue:UpdateCrawler"]
    resources = [for crawler in values(var.crawlers) : "${local.glue}:crawler/${crawler}"]
  }

  # Whoever updates a crawler hands it its role again.
  statement {
    sid       = "CrawlersKeepTheirRoles"
    actions   = ["iam:PassRole"]
    resources = var.crawler_role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["glue.amazonaws.com"]
    }
  }

  statement {
    sid       = "Notify"
    actions   = ["sns:Publish"]
    resources = [var.topic_arn]
  }

  statement {
    sid       = "NotifyEncrypted"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [var.kms_key_arn]
  }

  # Neither X-Ray nor the delivery of logs knows resources.
  statement {
    sid = "TraceAndLog"
    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    resources = ["*"]
  }
}

# --- What starts it ---------------------------------------------------------------------------

# A group of its own: CloudWatch counts a group's failures, not a schedule's.
resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "daily" {
  name                         = "${var.name}-daily"
  group_name                   = aws_scheduler_schedule_group.this.name
  description                  = "Refreshes all sources and tables."
  schedule_expression          = "cron(${var.schedule.cron})"
  schedule_expression_timezone = var.schedule.timezone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = var.flexible_minutes
  }

  target {
    arn      = aws_sfn_state_machine.this.arn
    role_arn = module.scheduler_role.arn
    input    = jsonencode({})

    # A refresh that begins hours late collides with the next.
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }
  }
}

resource "aws_scheduler_schedule" "maintenance" {
  name                         = "${var.name}-weekly-maintenance"
  group_name                   = aws_scheduler_schedule_group.this.name
  description                  = "Compacts and vacuums the tables."
  schedule_expression          = "cron(${var.schedule.maintenance_cron})"
  schedule_expression_timezone = var.schedule.timezone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = var.flexible_minutes
  }

  target {
    arn      = aws_sfn_state_machine.this.arn
    role_arn = module.scheduler_role.arn
    input    = jsonencode({ extract = false, maintain = true })
  }
}

resource "aws_cloudwatch_event_rule" "landed" {
  # EventBridge takes no empty list of keys.
  count = length(local.file_sources) > 0 ? 1 : 0

  name        = "${var.name}-landed"
  description = "A file in the landing bucket starts a refresh of its source."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.landing_bucket] }
      object = {
        key = [for source in local.file_sources : { prefix = "${source}/" }]
        # A "folder" made in the console is an empty object.
        size = [{ numeric = [">", 0] }]
      }
    }
  })
}

resource "aws_cloudwatch_event_target" "landed" {
  count = length(local.file_sources) > 0 ? 1 : 0

  rule     = aws_cloudwatch_event_rule.landed[0].name
  arn      = aws_sfn_state_machine.this.arn
  role_arn = module.events_role.arn
}

module "scheduler_role" {
  source = "../iam"

  name           = "${var.name}-scheduler"
  description    = "Lets the schedules start the state machine ${var.name}."
  service        = "scheduler.amazonaws.com"
  source_account = true
  policy_json    = data.aws_iam_policy_document.scheduler.json
}

data "aws_iam_policy_document" "scheduler" {
  source_policy_documents = [data.aws_iam_policy_document.start.json]

  statement {
    sid       = "ReadSchedule"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]
  }
}

module "events_role" {
  source = "../iam"

  name           = "${var.name}-events"
  description    = "Lets a landed file start the state machine ${var.name}."
  service        = "events.amazonaws.com"
  source_account = true
  policy_json    = data.aws_iam_policy_document.start.json
}

data "aws_iam_policy_document" "start" {
  statement {
    sid       = "Start"
    actions   = ["states:StartExecution"]
    resources = [local.machine_arn]
  }
}
