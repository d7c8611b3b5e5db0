data "aws_region" "current" {}

locals {
  # A row for each list: the widgets in it share the width. Metrics as the dashboard's JSON has them.
  # With up to 50 of them, one of an account's three free dashboards.
  rows = [
    [
      { title = "Refreshes that left gold current", stat = "Maximum", period = 3600, metrics = [
        ["Lakehouse", "GoldBuilt", "environment", var.name],
      ] },
      { title = "Records refused, of the worst table (%)", stat = "Maximum", period = 3600, limit = var.quarantine_percent, metrics = [
        ["Lakehouse", "QuarantineShare", "environment", var.name],
      ] },
      { title = "What the refresh left", stat = "Maximum", period = 3600, metrics = [
        for metric in ["RunsIncomplete", "TablesFailed", "CatalogueDrift"] :
        ["Lakehouse", metric, "environment", var.name]
      ] },
    ],
    [
      { title = "Units that wait", stat = "Maximum", period = 300, metrics = [
        for source, its in var.queues :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", its.queue, { label = source }]
      ] },
      { title = "Dead letters", stat = "Maximum", period = 300, metrics = [
        for source, its in var.queues :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", its.dlq, { label = source }]
      ] },
    ],
    [
      { title = "Executions of ${var.state_machine_name}", stat = "Sum", period = 3600, metrics = [
        for metric in ["ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"] :
        ["AWS/States", metric, "StateMachineArn", var.state_machine_arn]
      ] },
      { title = "Duration of an execution (ms)", stat = "Maximum", period = 3600, metrics = [
        ["AWS/States", "ExecutionTime", "StateMachineArn", var.state_machine_arn],
      ] },
    ],
    [
      { title = "Longest invocation of a Lambda (ms)", stat = "Maximum", period = 300, metrics = [
        for label, function in var.functions :
        ["AWS/Lambda", "Duration", "FunctionName", function, { label = label }]
      ] },
      { title = "Lambda errors", stat = "Sum", period = 300, metrics = [
        for label, function in var.functions :
        ["AWS/Lambda", "Errors", "FunctionName", function, { label = label }]
      ] },
    ],
    [
      { title = "Athena: bytes scanned in ${var.workgroup}", stat = "Sum", period = 3600, metrics = [
        [{ expression = "SEARCH('{AWS/Athena,QueryState,QueryType,WorkGroup} MetricName=\"ProcessedBytes\" WorkGroup=\"${var.workgroup}\"', 'Sum', 3600)" }],
      ] },
    ],
  ]

  top = [
    {
      type       = "text", x = 0, y = 0, width = 24, height = 1
      properties = { markdown = "**${var.name}**: what to do about an alarm stands in docs/runbook.md." }
    },
    {
      type       = "alarm", x = 0, y = 1, width = 24, height = 4
      properties = { title = "Alarms", alarms = values(local.arns) }
    },
  ]

  graphs = flatten([
    for row, widgets in local.rows : [
      for column, widget in widgets : {
        type   = "metric"
        x      = column * 24 / length(widgets)
        y      = 5 + row * 6
        width  = 24 / length(widgets)
        height = 6
        properties = merge(
          {
            title   = widget.title
            region  = data.aws_region.current.name
            view    = "timeSeries"
            stat    = widget.stat
            period  = widget.period
            metrics = widget.metrics
            yAxis   = { left = { min = 0 } }
          },
          try({ annotations = { horizontal = [{ label = "alarm above", value = widget.limit }] } }, {}),
        )
      }
    ]
  ])

  arns = {
    for alarm in concat(values(aws_cloudwatch_metric_alarm.metric), values(aws_cloudwatch_metric_alarm.expression)) :
    alarm.alarm_name => alarm.arn
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ start = "-P7D", widgets = concat(local.top, local.graphs) })
}
