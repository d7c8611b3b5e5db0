mock_provider "aws" {}

variables {
  name                   = "media-lakehouse-test"
  results_bucket         = "media-lakehouse-test-athena-results-123456789012"
  kms_key_arn            = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  monthly_budget_usd     = 50
  notification_topic_arn = "arn:aws:sns:us-east-1:123456789012:media-lakehouse-test-notifications"
  database_prefix        = "test_"
}

run "settings_are_enforced" {
  assert {
    condition = (
      aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration
      && aws_athena_workgroup.this.configuration[0].publish_cloudwatch_metrics_enabled
      && !aws_athena_workgroup.this.configuration[0].requester_pays_enabled
    )
    error_message = "The settings are not enforced, metrics are off, or requesters pay."
  }

  assert {
    condition     = aws_athena_workgroup.this.configuration[0].bytes_scanned_cutoff_per_query == 10737418240
    error_message = "A query scans up to ${aws_athena_workgroup.this.configuration[0].bytes_scanned_cutoff_per_query} bytes, not 10 GB."
  }

  assert {
    condition     = aws_athena_workgroup.this.configuration[0].engine_version[0].selected_engine_version == "Athena engine version 3"
    error_message = "It runs on ${aws_athena_workgroup.this.configuration[0].engine_version[0].selected_engine_version}."
  }

  assert {
    condition = (
      aws_athena_workgroup.this.configuration[0].result_configuration[0].output_location == "s3://media-lakehouse-test-athena-results-123456789012/"
      && aws_athena_workgroup.this.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS"
      && aws_athena_workgroup.this.configuration[0].result_configuration[0].encryption_configuration[0].kms_key_arn == var.kms_key_arn
    )
    error_message = "Results are not in the bucket, encrypted with the key."
  }

  assert {
    condition     = !aws_athena_workgroup.this.force_destroy && output.workgroup == "media-lakehouse-test"
    error_message = "What people saved would be destroyed, or the output is ${output.workgroup}."
  }

  assert {
    condition     = length(aws_athena_named_query.this) == 0
    error_message = "Queries are made, and none was given."
  }
}

run "a_budget_for_the_workgroup" {
  assert {
    condition     = aws_athena_workgroup.this.tags == tomap({ athena-workgroup = "media-lakehouse-test" })
    error_message = "The workgroup's tags are ${jsonencode(aws_athena_workgroup.this.tags)}."
  }

  assert {
    condition = (
      aws_budgets_budget.this.limit_amount == "50"
      && aws_budgets_budget.this.limit_unit == "USD"
      && aws_budgets_budget.this.time_unit == "MONTHLY"
    )
    error_message = "The budget is ${aws_budgets_budget.this.limit_amount} ${aws_budgets_budget.this.limit_unit}, ${aws_budgets_budget.this.time_unit}."
  }

  assert {
    condition = (
      one(aws_budgets_budget.this.cost_filter).name == "TagKeyValue"
      && one(one(aws_budgets_budget.this.cost_filter).values) == join("$", ["user:athena-workgroup", "media-lakehouse-test"])
    )
    error_message = "The budget counts ${jsonencode(aws_budgets_budget.this.cost_filter)}."
  }

  assert {
    condition = toset([
      for notification in aws_budgets_budget.this.notification :
      "${notification.notification_type} ${notification.threshold}${notification.threshold_type} ${one(notification.subscriber_sns_topic_arns)}"
      ]) == toset([
      "ACTUAL 80PERCENTAGE ${var.notification_topic_arn}",
      "ACTUAL 100PERCENTAGE ${var.notification_topic_arn}",
    ])
    error_message = "The budget tells ${jsonencode(aws_budgets_budget.this.notification)}."
  }
}

run "named_queries" {
  variables {
    queries = {
      "artists.sql" = <<-SQL
        -- Which artists are worth their gold?
        -- Of silver.spotify_songs; gold.artist_summary adds the rest.
        SELECT
            artist.name, -- as in gold.artist_summary
            gold_x.gold, my_gold.y, gold_x.gold.depth, 'of gold.artist_summary', 'it''s -- gold.x' AS "gold.x"
        /* not gold.artist_summary */
        FROM gold.artist_summary AS artist
        INNER JOIN (SELECT 1 / 2 - 3 FROM silver.spotify_songs,gold.song_chart) AS gold_x ON true
        WHERE artist.rating > 4.5 AND 8 / (SELECT count(*) FROM SILVER.spotify_albums) > 1
      SQL

      "plain.sql" = "SELECT 1\r\n-- not a description\r\n"
    }
  }

  assert {
    condition     = sort([for query in aws_athena_named_query.this : query.name]) == tolist(["artists", "plain"])
    error_message = "The queries are ${join(", ", [for query in aws_athena_named_query.this : query.name])}."
  }

  assert {
    condition     = aws_athena_named_query.this["artists.sql"].description == "Which artists are worth their gold? Of silver.spotify_songs; gold.artist_summary adds the rest."
    error_message = "The description is ${jsonencode(aws_athena_named_query.this["artists.sql"].description)}."
  }

  assert {
    condition     = aws_athena_named_query.this["plain.sql"].description == null
    error_message = "The description is ${jsonencode(aws_athena_named_query.this["plain.sql"].description)}, and there is none."
  }

  assert {
    condition     = aws_athena_named_query.this["artists.sql"].query == <<-SQL
      -- Which artists are worth their gold?
      -- Of silver.spotify_songs; gold.artist_summary adds the rest.
      SELECT
          artist.name, -- as in gold.artist_summary
          gold_x.gold, my_gold.y, gold_x.gold.depth, 'of gold.artist_summary', 'it''s -- gold.x' AS "gold.x"
      /* not gold.artist_summary */
      FROM test_gold.artist_summary AS artist
      INNER JOIN (SELECT 1 / 2 - 3 FROM test_silver.spotify_songs,test_gold.song_chart) AS gold_x ON true
      WHERE artist.rating > 4.5 AND 8 / (SELECT count(*) FROM test_SILVER.spotify_albums) > 1
    SQL
    error_message = "The SQL is ${aws_athena_named_query.this["artists.sql"].query}"
  }

  assert {
    condition     = alltrue([for query in aws_athena_named_query.this : query.database == "test_gold"])
    error_message = "A query opens in another database than test_gold."
  }
}

run "no_prefix_in_prod" {
  variables {
    database_prefix = ""
    queries         = { "studios.sql" = "SELECT * FROM gold.dim_studio" }
  }

  assert {
    condition     = aws_athena_named_query.this["studios.sql"].query == "SELECT * FROM gold.dim_studio"
    error_message = "The SQL is ${aws_athena_named_query.this["studios.sql"].query}"
  }
}

run "a_long_comment_is_cut" {
  variables {
    queries = { "long.sql" = "-- ${join(" ", [for number in range(300) : "words"])}\nSELECT 1" }
  }

  assert {
    condition     = length(aws_athena_named_query.this["long.sql"].description) == 1024
    error_message = "The description has ${length(aws_athena_named_query.this["long.sql"].description)} characters."
  }
}

run "refuses_quoted_databases" {
  command = plan

  variables {
    queries = { "studios.sql" = "SELECT * FROM \"gold\".\"dim_studio\"" }
  }

  expect_failures = [var.queries]
}

run "refuses_an_empty_query" {
  command = plan

  variables {
    queries = { "studios.sql" = "\n" }
  }

  expect_failures = [var.queries]
}

run "refuses_wrong_values" {
  command = plan

  variables {
    name                   = "media lakehouse"
    results_bucket         = "s3://results"
    kms_key_arn            = "alias/media-lakehouse"
    bytes_per_query        = 1000
    monthly_budget_usd     = 0
    notification_topic_arn = "me@example.org"
    database_prefix        = "test-"
  }

  expect_failures = [
    var.name,
    var.results_bucket,
    var.kms_key_arn,
    var.bytes_per_query,
    var.monthly_budget_usd,
    var.notification_topic_arn,
    var.database_prefix,
  ]
}
