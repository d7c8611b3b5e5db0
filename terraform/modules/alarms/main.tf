locals {
  # An alarm on an expression takes ten metrics at most, and every source brings a function.
  function_groups = chunklist(sort(keys(var.functions)), 10)

  # check.py puts these once, at the end of each refresh.
  of_refresh = {
    namespace  = "Lakehouse"
    dimensions = { environment = var.name }
    statistic  = "Maximum"
    # In between there is nothing new: the alarm shows how the last refresh ended.
    missing = "ignore"
  }

  dead_letters = {
    for source, its in var.queues : "dlq-${replace(source, "_", "-")}" => {
      description = "Units of ${source} failed for good and lie in the dead letter queue ${its.dlq}. Find out why, mend it and send them again: docs/runbook.md#dead-letters"
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = its.dlq }
      statistic   = "Maximum"
      above       = 0
      # An idle queue reports nothing.
      missing = "notBreaching"
    }
  }

  of_last_refresh = {
    runs-incomplete = merge(local.of_refresh, {
      description = "A source's run did not bring all of its units, so its tables lack something. The summary of the refresh says which and why: docs/runbook.md#run-incomplete"
      metric      = "RunsIncomplete"
      above       = 0
    })
    tables-failed = merge(local.of_refresh, {
      description = "A silver or gold table could not be loaded and stays as it was before. Read its error in the summary, mend it and run the job again: docs/runbook.md#tables-failed"
      metric      = "TablesFailed"
      above       = 0
    })
    quarantine = merge(local.of_refresh, {
      description = "More than ${var.quarantine_percent}% of a table's records were refused. Look at silver.quarantine: the publisher changed something, or a rule is wrong: docs/runbook.md#quarantine"
      metric      = "QuarantineShare"
      above       = var.quarantine_percent
    })
    catalogue-drift = merge(local.of_refresh, {
      description = "Athena does not show a table as it is, because its crawler failed or found something else. Run the crawler again: docs/runbook.md#catalogue-drift"
      metric      = "CatalogueDrift"
      above       = 0
    })
  }

  # Two alarms, not one on their sum: a sum has no value where one of the two has none.
  executions = {
    for key, its in {
      execution-failed    = { metric = "ExecutionsFailed", what = "ended with problems" }
      execution-timed-out = { metric = "ExecutionsTimedOut", what = "ran out of time" }
      } : key => {
      description = "A refresh (state machine ${var.state_machine_name}) ${its.what}. The execution shows where, its summary what is missing; starting it again is safe: docs/runbook.md#refresh-failed"
      namespace   = "AWS/States"
      metric      = its.metric
      dimensions  = { StateMachineArn = var.state_machine_arn }
      statistic   = "Sum"
      above       = 0
      missing     = "notBreaching"
    }
  }

  schedule = {
    schedule-dropped = {
      description = "EventBridge Scheduler could not start a refresh and has given up. Start it by hand, then look at the schedule's role: docs/runbook.md#schedule-dropped"
      namespace   = "AWS/Scheduler"
      metric      = "InvocationDroppedCount"
      dimensions  = { ScheduleGroup = var.schedule_group }
      statistic   = "Sum"
      above       = 0
      missing     = "notBreaching"
    }
  }

  alarms = merge(local.dead_letters, local.of_last_refresh, local.executions, local.schedule)

  freshness = {
    gold-old = {
      description = "Gold was not built, or found to be current, for more than a day. See why the refreshes failed or did not start, then start one: docs/runbook.md#gold-old"
      # Without FILL an alarm looks beyond its 26 hours for values, and would come hours late.
      expression = "FILL(built, 0)"
      label      = "refreshes that left gold current"
      comparison = "LessThanThreshold"
      threshold  = 1
      periods    = 26
      period     = 3600
      missing    = "breaching"
      metrics = {
        built = {
          namespace  = "Lakehouse"
          metric     = "GoldBuilt"
          dimensions = { environment = var.name }
        }
      }
    }
  }

  of_functions = merge([
    for metric, its in {
      Errors = {
        # Lambda, SQS and the state machine try again: one error is nothing.
        description = "Lambdas failed five times or more within 15 minutes: too often for retries to help. Their logs say why: docs/runbook.md#lambda-errors"
      }
      Throttles = {
        description = "Lambda refused invocations five times or more within 15 minutes, so extraction is late. The account's concurrency is used up: docs/runbook.md#lambda-throttles"
      }
      } : {
      for index, group in local.function_groups :
      "lambda-${lower(metric)}${index == 0 ? "" : "-${index + 1}"}" => {
        description = its.description
        expression  = "SUM(METRICS())"
        label       = lower(metric)
        comparison  = "GreaterThanOrEqualToThreshold"
        threshold   = 5
        periods     = 1
        period      = 900
        missing     = "notBreaching"
        metrics = {
          for position, function in group : "m${position}" => {
            namespace  = "AWS/Lambda"
            metric     = metric
            dimensions = { FunctionName = var.functions[function] }
          }
        }
      }
    }
  ]...)

  expression_alarms = merge(local.freshness, local.of_functions)
}

resource "aws_cloudwatch_metric_alarm" "metric" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = [var.topic_arn]
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = each.value.missing
}

resource "aws_cloudwatch_metric_alarm" "expression" {
  for_each = local.expression_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = [var.topic_arn]
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing

  metric_query {
    id          = "watched"
    expression  = each.value.expression
    label       = each.value.label
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = each.value.period
      }
    }
  }
}

# --- What has no metric to rely on: events, sent on as they come ------------------------------

locals {
  events = {
    job-failed = {
      description = "A Glue job failed or ran out of time."
      pattern = {
        source      = ["aws.glue"]
        detail-type = ["Glue Job State Change"]
        detail      = { jobName = values(var.jobs), state = ["FAILED", "TIMEOUT", "ERROR"] }
      }
      paths = { job = "$.detail.jobName", state = "$.detail.state", run = "$.detail.jobRunId" }
      text  = "Glue job <job> ended as <state> (run <run>). What was pending still is. What to do: docs/runbook.md#job-failed"
    }
    crawler-failed = {
      description = "A Glue crawler failed, so Athena may show tables as they were."
      pattern = {
        source      = ["aws.glue"]
        detail-type = ["Glue Crawler State Change"]
        detail      = { crawlerName = values(var.crawlers), state = ["Failed"] }
      }
      paths = { crawler = "$.detail.crawlerName" }
      text  = "Glue crawler <crawler> failed; Athena may not show new tables and columns. What to do: docs/runbook.md#catalogue-drift"
    }
    execution-cut-short = {
      description = "An execution of the state machine was stopped or ran out of time: it sent no summary."
      pattern = {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail      = { stateMachineArn = [var.state_machine_arn], status = ["ABORTED", "TIMED_OUT"] }
      }
      paths = { execution = "$.detail.executionArn", status = "$.detail.status" }
      text  = "The refresh <execution> is <status> and sent no summary. What to do: docs/runbook.md#refresh-failed"
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.events

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.events

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = var.topic_arn

  input_transformer {
    input_paths = each.value.paths
    # Not by jsonencode, which would write the < and > of the variables as \u003c and \u003e.
    input_template = "\"${each.value.text}\""
  }
}
