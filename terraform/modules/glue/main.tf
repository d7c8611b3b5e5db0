locals {
  # Arguments are a map, so --conf can stand there once: the other settings follow in its value.
  spark = join(" --conf ", [
    "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone=UTC",
  ])

  arguments = {
    "--conf"                             = local.spark
    "--datalake-formats"                 = "delta"
    "--enable-auto-scaling"              = "true"
    "--enable-continuous-cloudwatch-log" = "true"
    "--enable-job-insights"              = "true"
    "--extra-py-files"                   = var.extra_py_files
    "--job-language"                     = "python"
  }

  log_groups = {
    for pair in setproduct(keys(var.jobs), ["error", "output"]) :
    "${pair[0]}-${pair[1]}" => { job = pair[0], stream = pair[1] }
  }
}

resource "aws_glue_security_configuration" "this" {
  name = var.name

  encryption_configuration {
    cloudwatch_encryption {
      cloudwatch_encryption_mode = "SSE-KMS"
      kms_key_arn                = var.kms_key_arn
    }

    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = "CSE-KMS"
      kms_key_arn                   = var.kms_key_arn
    }

    s3_encryption {
      s3_encryption_mode = "SSE-KMS"
      kms_key_arn        = var.kms_key_arn
    }
  }
}

# Where a job with a security configuration logs since Glue 5.0 (--continuous-log-logGroup was for
# 4.0). Made here because Glue's own groups would never expire.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.log_groups

  name = join("/", [
    "/aws-glue/jobs",
    "${aws_glue_security_configuration.this.name}-role",
    reverse(split("/", var.jobs[each.value.job].role_arn))[0],
    each.value.stream,
  ])
  retention_in_days = var.log_retention
  kms_key_id        = var.kms_key_arn
}

resource "aws_glue_job" "this" {
  for_each = var.jobs

  name                   = "${var.name}-${each.key}"
  description            = each.value.description
  role_arn               = each.value.role_arn
  glue_version           = var.glue.version
  worker_type            = var.glue.worker_type
  number_of_workers      = var.glue.workers
  execution_class        = var.glue.flex ? "FLEX" : "STANDARD"
  timeout                = each.value.timeout_minutes
  security_configuration = aws_glue_security_configuration.this.name
  default_arguments      = merge(each.value.arguments, local.arguments)

  # The state machine retries: it does not wait for a run that Glue begins by itself.
  max_retries = 0

  command {
    name            = "glueetl"
    script_location = each.value.script
    python_version  = "3"
  }

  # Delta on S3 needs one writer a layer.
  execution_property {
    max_concurrent_runs = 1
  }

  depends_on = [aws_cloudwatch_log_group.this]
}
