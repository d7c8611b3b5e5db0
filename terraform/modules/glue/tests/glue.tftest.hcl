mock_provider "aws" {
  mock_resource "aws_glue_job" {
    defaults = { arn = "arn:aws:glue:us-east-1:123456789012:job/media-lakehouse-test-silver" }
  }
}

variables {
  name           = "media-lakehouse-test"
  kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  log_retention  = 365
  extra_py_files = "s3://artifacts/data_pipeline.zip"

  glue = { version = "6.0", worker_type = "G.1X", workers = 10, flex = true }

  jobs = {
    silver = {
      description     = "Loads what bronze completed."
      role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-test-silver"
      script          = "s3://artifacts/silver_job.py"
      timeout_minutes = 60
      arguments       = { "--step" = "load", "--bronze" = "s3://bronze", "--silver" = "s3://silver" }
    }
    gold = {
      description     = "Builds the tables that questions are asked of."
      role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-test-gold"
      script          = "s3://artifacts/gold_job.py"
      timeout_minutes = 30
      arguments       = { "--step" = "build", "--silver" = "s3://silver", "--gold" = "s3://gold" }
    }
  }
}

run "two_jobs" {
  assert {
    condition     = output.job_names == { silver = "media-lakehouse-test-silver", gold = "media-lakehouse-test-gold" }
    error_message = "The jobs are ${jsonencode(output.job_names)}."
  }

  assert {
    condition     = keys(output.job_arns) == ["gold", "silver"]
    error_message = "The jobs' ARNs are ${jsonencode(output.job_arns)}."
  }

  assert {
    condition = aws_glue_job.this["silver"].default_arguments == tomap({
      "--step"                             = "load"
      "--bronze"                           = "s3://bronze"
      "--silver"                           = "s3://silver"
      "--conf"                             = "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog --conf spark.sql.session.timeZone=UTC"
      "--datalake-formats"                 = "delta"
      "--enable-auto-scaling"              = "true"
      "--enable-continuous-cloudwatch-log" = "true"
      "--enable-job-insights"              = "true"
      "--extra-py-files"                   = "s3://artifacts/data_pipeline.zip"
      "--job-language"                     = "python"
    })
    error_message = "The silver job's arguments are ${jsonencode(aws_glue_job.this["silver"].default_arguments)}."
  }

  assert {
    condition = alltrue([
      for job in aws_glue_job.this :
      job.glue_version == "6.0" && job.worker_type == "G.1X" && job.number_of_workers == 10 && job.execution_class == "FLEX"
    ])
    error_message = "A job has other workers than those asked for."
  }

  assert {
    condition = alltrue([
      for job in aws_glue_job.this : job.execution_property[0].max_concurrent_runs == 1 && job.max_retries == 0
    ])
    error_message = "A job may run twice at once, or is not tried again."
  }

  assert {
    condition     = aws_glue_job.this["silver"].timeout == 60 && aws_glue_job.this["gold"].timeout == 30
    error_message = "The timeouts are ${aws_glue_job.this["silver"].timeout} and ${aws_glue_job.this["gold"].timeout} minutes."
  }

  assert {
    condition     = aws_glue_job.this["gold"].command[0].script_location == "s3://artifacts/gold_job.py" && aws_glue_job.this["gold"].command[0].python_version == "3"
    error_message = "The gold job runs ${aws_glue_job.this["gold"].command[0].script_location}."
  }
}

run "all_is_encrypted" {
  assert {
    condition = (
      aws_glue_security_configuration.this.encryption_configuration[0].s3_encryption[0].s3_encryption_mode == "SSE-KMS"
      && aws_glue_security_configuration.this.encryption_configuration[0].s3_encryption[0].kms_key_arn == var.kms_key_arn
      && aws_glue_security_configuration.this.encryption_configuration[0].cloudwatch_encryption[0].cloudwatch_encryption_mode == "SSE-KMS"
      && aws_glue_security_configuration.this.encryption_configuration[0].cloudwatch_encryption[0].kms_key_arn == var.kms_key_arn
      && aws_glue_security_configuration.this.encryption_configuration[0].job_bookmarks_encryption[0].job_bookmarks_encryption_mode == "CSE-KMS"
      && aws_glue_security_configuration.this.encryption_configuration[0].job_bookmarks_encryption[0].kms_key_arn == var.kms_key_arn
    )
    error_message = "The security configuration leaves something unencrypted."
  }

  assert {
    condition     = alltrue([for job in aws_glue_job.this : job.security_configuration == output.security_configuration])
    error_message = "A job runs without the security configuration ${output.security_configuration}."
  }

  assert {
    condition = sort([for group in aws_cloudwatch_log_group.this : group.name]) == tolist([
      "/aws-glue/jobs/media-lakehouse-test-role/media-lakehouse-test-gold/error",
      "/aws-glue/jobs/media-lakehouse-test-role/media-lakehouse-test-gold/output",
      "/aws-glue/jobs/media-lakehouse-test-role/media-lakehouse-test-silver/error",
      "/aws-glue/jobs/media-lakehouse-test-role/media-lakehouse-test-silver/output",
    ])
    error_message = "The log groups are ${join(", ", [for group in aws_cloudwatch_log_group.this : group.name])}."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.kms_key_arn && group.retention_in_days == 365])
    error_message = "A log group is not encrypted with the key, or is kept for another time."
  }
}

run "urgent_jobs_have_their_own_capacity" {
  command = plan

  variables {
    glue = { version = "6.0", worker_type = "G.8X", workers = 2, flex = false }
  }

  assert {
    condition     = aws_glue_job.this["silver"].execution_class == "STANDARD"
    error_message = "The execution class is ${aws_glue_job.this["silver"].execution_class}."
  }
}

run "refuses_another_version" {
  command = plan

  variables {
    glue = { version = "5.1", worker_type = "G.1X", workers = 10, flex = true }
  }

  expect_failures = [var.glue]
}

run "refuses_unknown_workers" {
  command = plan

  variables {
    glue = { version = "6.0", worker_type = "G.025X", workers = 10, flex = false }
  }

  expect_failures = [var.glue]
}

run "refuses_a_single_worker" {
  command = plan

  variables {
    glue = { version = "6.0", worker_type = "G.1X", workers = 1, flex = false }
  }

  expect_failures = [var.glue]
}

run "refuses_too_many_workers" {
  command = plan

  variables {
    glue = { version = "6.0", worker_type = "G.1X", workers = 101, flex = false }
  }

  expect_failures = [var.glue]
}

run "refuses_large_flexible_workers" {
  command = plan

  variables {
    glue = { version = "6.0", worker_type = "G.4X", workers = 10, flex = true }
  }

  expect_failures = [var.glue]
}

run "refuses_an_argument_that_glue_sets" {
  command = plan

  variables {
    jobs = {
      silver = {
        description     = "Loads."
        role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-test-silver"
        script          = "s3://artifacts/silver_job.py"
        timeout_minutes = 60
        arguments       = { "--step" = "load", "--mode" = "fast" }
      }
    }
  }

  expect_failures = [var.jobs]
}

run "refuses_other_spark_settings_for_one_job" {
  command = plan

  variables {
    jobs = {
      silver = {
        description     = "Loads."
        role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-test-silver"
        script          = "s3://artifacts/silver_job.py"
        timeout_minutes = 60
        arguments       = { "--conf" = "spark.sql.session.timeZone=Europe/Berlin" }
      }
    }
  }

  expect_failures = [var.jobs]
}

run "refuses_wrong_values" {
  command = plan

  variables {
    name           = "media lakehouse"
    kms_key_arn    = "alias/media-lakehouse"
    log_retention  = 100
    extra_py_files = "s3://artifacts/packages/"
  }

  expect_failures = [var.name, var.kms_key_arn, var.log_retention, var.extra_py_files]
}

run "refuses_a_script_of_this_machine_and_no_time" {
  command = plan

  variables {
    jobs = {
      silver = {
        description     = "Loads."
        role_arn        = "arn:aws:iam::123456789012:role/media-lakehouse-test-silver"
        script          = "silver/job.py"
        timeout_minutes = 0
        arguments       = {}
      }
    }
  }

  expect_failures = [var.jobs]
}
