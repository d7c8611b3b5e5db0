mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:one" }
  }
}

variables {
  name      = "media-lakehouse-test"
  topic_arn = "arn:aws:sns:eu-west-1:111122223333:media-lakehouse-test-notifications"

  queues = {
    kaggle_anime = { queue = "media-lakehouse-test-kaggle-anime", dlq = "media-lakehouse-test-kaggle-anime-dlq" }
    tmdb         = { queue = "media-lakehouse-test-tmdb", dlq = "media-lakehouse-test-tmdb-dlq" }
  }

  functions = {
    start_extraction     = "media-lakehouse-test-start-extraction"
    completion           = "media-lakehouse-test-completion"
    check                = "media-lakehouse-test-check"
    extract_kaggle_anime = "media-lakehouse-test-extract-kaggle-anime"
    extract_tmdb         = "media-lakehouse-test-extract-tmdb"
  }

  jobs     = { silver = "media-lakehouse-test-silver", gold = "media-lakehouse-test-gold" }
  crawlers = { silver = "media-lakehouse-test-silver", gold = "media-lakehouse-test-gold" }

  state_machine_arn  = "arn:aws:states:eu-west-1:111122223333:stateMachine:media-lakehouse-test"
  state_machine_name = "media-lakehouse-test"
  workgroup          = "media-lakehouse-test"
  quarantine_percent = 5
}

run "each_alarm_reaches_people_and_tells_them_what_to_do" {
  assert {
    condition = toset(keys(output.alarms)) == toset([
      for alarm in [
        "catalogue-drift", "dlq-kaggle-anime", "dlq-tmdb", "execution-failed", "execution-timed-out", "gold-old",
        "lambda-errors", "lambda-throttles", "quarantine", "runs-incomplete", "schedule-dropped", "tables-failed",
      ] : "media-lakehouse-test-${alarm}"
    ])
    error_message = "The alarms are ${join(", ", keys(output.alarms))}."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.metric), values(aws_cloudwatch_metric_alarm.expression)) :
      alarm.alarm_actions == toset([var.topic_arn]) && alarm.actions_enabled != false
    ])
    error_message = "Each alarm must go to the topic."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.metric), values(aws_cloudwatch_metric_alarm.expression)) :
      can(regex("docs/runbook\\.md#[a-z-]+$", alarm.alarm_description)) && length(alarm.alarm_description) <= 1024
    ])
    error_message = "Each description must end with its section of the runbook."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.metric), values(aws_cloudwatch_metric_alarm.expression)) :
      contains(["breaching", "ignore", "notBreaching"], alarm.treat_missing_data)
    ])
    error_message = "Most of these metrics are there now and then only: each alarm must say what that means."
  }
}

run "what_is_watched" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.metric["dlq-kaggle-anime"].dimensions == tomap({ QueueName = "media-lakehouse-test-kaggle-anime-dlq" })
      && aws_cloudwatch_metric_alarm.metric["dlq-kaggle-anime"].metric_name == "ApproximateNumberOfMessagesVisible"
      && aws_cloudwatch_metric_alarm.metric["dlq-kaggle-anime"].threshold == 0
    )
    error_message = "One dead letter must be enough."
  }

  # The names that data_pipeline/orchestration/check.py emits.
  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.metric : alarm.metric_name => alarm.threshold
      if alarm.namespace == "Lakehouse" && alarm.dimensions == tomap({ environment = "media-lakehouse-test" })
    } == { RunsIncomplete = 0, TablesFailed = 0, QuarantineShare = 5, CatalogueDrift = 0 }
    error_message = "The metrics of a refresh must each have an alarm."
  }

  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.metric) :
      alarm.comparison_operator == "GreaterThanThreshold" && (alarm.namespace != "Lakehouse" || alarm.treat_missing_data == "ignore")
    ])
    error_message = "Until the next refresh an alarm must stay as the last one left it."
  }

  assert {
    condition = {
      for key in ["execution-failed", "execution-timed-out"] :
      aws_cloudwatch_metric_alarm.metric[key].metric_name => aws_cloudwatch_metric_alarm.metric[key].dimensions.StateMachineArn
    } == { ExecutionsFailed = var.state_machine_arn, ExecutionsTimedOut = var.state_machine_arn }
    error_message = "Failed and timed out executions must each have an alarm."
  }
}

run "gold_of_yesterday_is_too_old" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.expression["gold-old"].comparison_operator == "LessThanThreshold"
      && aws_cloudwatch_metric_alarm.expression["gold-old"].threshold == 1
      && aws_cloudwatch_metric_alarm.expression["gold-old"].evaluation_periods == 26
      && aws_cloudwatch_metric_alarm.expression["gold-old"].treat_missing_data == "breaching"
      && one([
        for query in aws_cloudwatch_metric_alarm.expression["gold-old"].metric_query : query.metric[0].period
        if query.id == "built"
      ]) == 3600
    )
    error_message = "26 hours without gold, or without any word, must alarm."
  }
}

run "lambdas_are_summed" {
  assert {
    condition = toset([
      for query in aws_cloudwatch_metric_alarm.expression["lambda-errors"].metric_query :
      query.metric[0].dimensions.FunctionName if length(query.metric) > 0
    ]) == toset(values(var.functions))
    error_message = "Each function must count."
  }

  assert {
    condition = [
      for query in aws_cloudwatch_metric_alarm.expression["lambda-throttles"].metric_query :
      query.expression if query.return_data == true
    ] == ["SUM(METRICS())"]
    error_message = "The alarm must be on the sum."
  }
}

run "many_functions" {
  variables {
    functions = { for number in range(12) : "extract_${number}" => "media-lakehouse-test-extract-${number}" }
  }

  assert {
    condition = toset([for key, alarm in aws_cloudwatch_metric_alarm.expression : key]) == toset([
      "gold-old", "lambda-errors", "lambda-errors-2", "lambda-throttles", "lambda-throttles-2",
    ])
    error_message = "An alarm takes ten metrics at most."
  }

  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.expression) : length(alarm.metric_query) <= 11
    ])
    error_message = "CloudWatch refuses an alarm on more than ten metrics."
  }
}

run "events" {
  assert {
    condition = {
      for key, rule in aws_cloudwatch_event_rule.this : key => jsondecode(rule.event_pattern).detail
      } == {
      job-failed          = { jobName = ["media-lakehouse-test-gold", "media-lakehouse-test-silver"], state = ["FAILED", "TIMEOUT", "ERROR"] }
      crawler-failed      = { crawlerName = ["media-lakehouse-test-gold", "media-lakehouse-test-silver"], state = ["Failed"] }
      execution-cut-short = { stateMachineArn = [var.state_machine_arn], status = ["ABORTED", "TIMED_OUT"] }
    }
    error_message = "The rules must be about this deployment's jobs, crawlers and state machine."
  }

  assert {
    condition = alltrue([
      for key, target in aws_cloudwatch_event_target.this :
      target.arn == var.topic_arn
      && can(regex("docs/runbook\\.md#[a-z-]+\"$", target.input_transformer[0].input_template))
      && alltrue([
        for path in keys(target.input_transformer[0].input_paths) :
        strcontains(target.input_transformer[0].input_template, "<${path}>")
      ])
    ])
    error_message = "Each event must reach people as a text with its particulars and a section of the runbook."
  }
}

run "dashboard" {
  assert {
    condition     = output.dashboard == "media-lakehouse-test"
    error_message = "The dashboard must have the deployment's name."
  }

  assert {
    condition = toset([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      widget.properties.metrics[0][0]
      if widget.type == "metric" && !can(widget.properties.metrics[0][0].expression)
    ]) == toset(["AWS/Lambda", "AWS/SQS", "AWS/States", "Lakehouse"])
    error_message = "Extraction, executions, Lambdas and the refresh's own figures must be shown."
  }

  assert {
    condition = anytrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      strcontains(widget.properties.metrics[0][0].expression, "WorkGroup=\"media-lakehouse-test\"")
      if can(widget.properties.metrics[0][0].expression)
    ])
    error_message = "What Athena scans in the workgroup must be shown."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      widget.x + widget.width <= 24 && try(widget.properties.region, "eu-west-1") == "eu-west-1"
    ])
    error_message = "The widgets must fit into 24 columns and be of the provider's region."
  }
}

run "refuses_wrong_values" {
  command = plan

  variables {
    name               = "media lakehouse"
    topic_arn          = "notifications"
    queues             = { tmdb = { queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/tmdb", dlq = "tmdb-dlq" } }
    functions          = { check = "arn:aws:lambda:eu-west-1:111122223333:function:check" }
    state_machine_arn  = "media-lakehouse-test"
    quarantine_percent = 100
  }

  expect_failures = [
    var.name, var.topic_arn, var.queues, var.functions, var.state_machine_arn, var.quarantine_percent,
  ]
}
