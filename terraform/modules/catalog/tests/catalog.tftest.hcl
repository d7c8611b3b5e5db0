mock_provider "aws" {}

variables {
  database               = "test_gold"
  description            = "Tables that questions are asked of."
  crawler                = "media-lakehouse-test-gold"
  role_arn               = "arn:aws:iam::123456789012:role/media-lakehouse-test-crawl-gold"
  bucket                 = "media-lakehouse-test-gold-123456789012"
  tables                 = ["movies_analytics", "dim_anime"]
  security_configuration = "media-lakehouse-test"
}

run "a_layer" {
  assert {
    condition     = output.database == "test_gold" && output.crawler == "media-lakehouse-test-gold"
    error_message = "The outputs are ${output.database} and ${output.crawler}."
  }

  assert {
    condition     = aws_glue_crawler.this.database_name == "test_gold" && aws_glue_crawler.this.security_configuration == "media-lakehouse-test"
    error_message = "The crawler fills ${aws_glue_crawler.this.database_name} with ${aws_glue_crawler.this.security_configuration}."
  }

  assert {
    condition = toset(aws_glue_crawler.this.delta_target[0].delta_tables) == toset([
      "s3://media-lakehouse-test-gold-123456789012/movies_analytics",
      "s3://media-lakehouse-test-gold-123456789012/dim_anime",
    ])
    error_message = "It crawls ${join(", ", aws_glue_crawler.this.delta_target[0].delta_tables)}."
  }

  assert {
    condition     = aws_glue_crawler.this.delta_target[0].create_native_delta_table && !aws_glue_crawler.this.delta_target[0].write_manifest
    error_message = "It does not make native Delta tables."
  }

  assert {
    condition     = aws_glue_crawler.this.schedule == null
    error_message = "It runs at ${coalesce(aws_glue_crawler.this.schedule, "no time")}, and each crawl bills ten minutes."
  }

  assert {
    condition = (
      aws_glue_crawler.this.schema_change_policy[0].update_behavior == "UPDATE_IN_DATABASE"
      && aws_glue_crawler.this.schema_change_policy[0].delete_behavior == "LOG"
    )
    error_message = "It does not update tables, or drops them."
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.this) == 0
    error_message = "A log group is made, and none was asked for."
  }
}

run "logs_that_expire" {
  variables {
    logs = {
      retention_days = 365
      kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }

  assert {
    condition     = aws_cloudwatch_log_group.this[0].name == "/aws-glue/crawlers-role/media-lakehouse-test-crawl-gold-media-lakehouse-test"
    error_message = "The log group is ${aws_cloudwatch_log_group.this[0].name}."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this[0].retention_in_days == 365 && aws_cloudwatch_log_group.this[0].kms_key_id == var.logs.kms_key_arn
    error_message = "The log group is not encrypted with the key, or is kept for another time."
  }
}

run "refuses_no_tables" {
  command = plan

  variables {
    tables = []
  }

  expect_failures = [var.tables]
}

run "refuses_a_table_twice" {
  command = plan

  variables {
    tables = ["dim_anime", "dim_anime"]
  }

  expect_failures = [var.tables]
}

run "refuses_wrong_values" {
  command = plan

  variables {
    database               = "media-lakehouse-gold"
    crawler                = "gold crawler"
    role_arn               = "crawl-gold"
    bucket                 = "s3://gold"
    tables                 = ["dim_anime/"]
    security_configuration = ""
  }

  expect_failures = [
    var.database,
    var.crawler,
    var.role_arn,
    var.bucket,
    var.tables,
    var.security_configuration,
  ]
}
