locals {
  # SQL in pieces: a string, a quoted name or a comment is a piece, and only what lies between is
  # code in which silver. and gold. are databases.
  pieces = {
    for file, sql in var.queries :
    file => regexall("(?s)'[^']*'|\"[^\"]*\"|--[^\\n]*|/\\*.*?\\*/|[^'\"/-]+|.", sql)
  }

  sql = {
    for file, pieces in local.pieces : file => join("", [
      for piece in pieces :
      can(regex("^('|\"|--|/\\*)", piece)) ? piece : replace(
        piece,
        # Not after a word or a dot: my_gold.x and row.gold.x are something else.
        "/(?i)(^|[^\\w.])(silver|gold)\\.([a-z_])/",
        "$${1}${var.database_prefix}$${2}.$${3}",
      )
    ])
  }

  # The comment at the beginning, on one line; Athena takes 1024 characters.
  descriptions = {
    for file, sql in var.queries : file => substr(join(" ", compact([
      for line in split("\n", regex("^(?:[ \\t]*--[^\\n]*\\n)*", "${trimspace(sql)}\n")) :
      trimspace(trimprefix(trimspace(line), "--"))
    ])), 0, 1024)
  }

  # Only the workgroup bears it, so it tells the queries' cost from all else.
  cost_tag = "athena-workgroup"
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Queries on the tables of ${var.name}; settings are enforced."
  force_destroy = var.force_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.bytes_per_query
    requester_pays_enabled             = false

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${var.results_bucket}/"

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }

  tags = { (local.cost_tag) = var.name }
}

resource "aws_athena_named_query" "this" {
  for_each = var.queries

  name        = trimsuffix(basename(each.key), ".sql")
  description = local.descriptions[each.key] == "" ? null : local.descriptions[each.key]
  workgroup   = aws_athena_workgroup.this.id
  database    = "${var.database_prefix}gold"
  query       = local.sql[each.key]
}

resource "aws_budgets_budget" "this" {
  name         = "${var.name}-athena"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  cost_filter {
    name   = "TagKeyValue"
    values = [join("$", ["user:${local.cost_tag}", var.name])]
  }

  dynamic "notification" {
    for_each = [80, 100]

    content {
      notification_type         = "ACTUAL"
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [var.notification_topic_arn]
    }
  }
}
