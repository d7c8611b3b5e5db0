resource "aws_glue_catalog_database" "this" {
  name        = var.database
  description = var.description
}

# Without a schedule: each crawl bills ten minutes, so it is started where a table is new or its
# columns changed.
resource "aws_glue_crawler" "this" {
  name                   = var.crawler
  description            = "Tells the Data Catalog of tables in ${var.database} that are new or changed."
  database_name          = aws_glue_catalog_database.this.name
  role                   = var.role_arn
  security_configuration = var.security_configuration

  # Native tables: Athena reads Delta's log itself, so no manifest can be out of date.
  delta_target {
    delta_tables              = [for table in var.tables : "s3://${var.bucket}/${table}"]
    create_native_delta_table = true
    write_manifest            = false
  }

  # A table that is missing once is reported, not dropped: people may have granted rights on it.
  schema_change_policy {
    update_behavior = "UPDATE_IN_DATABASE"
    delete_behavior = "LOG"
  }

  # Glue's defaults, written out because the emulator returns only what it was sent.
  recrawl_policy {
    recrawl_behavior = "CRAWL_EVERYTHING"
  }

  lineage_configuration {
    crawler_lineage_settings = "DISABLE"
  }

  # The state machine points it to the tables that there are, each time that it starts it.
  lifecycle {
    ignore_changes = [delta_target]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

# Where crawlers with this role and this security configuration log.
resource "aws_cloudwatch_log_group" "this" {
  count = var.logs == null ? 0 : 1

  name              = "/aws-glue/crawlers-role/${reverse(split("/", var.role_arn))[0]}-${var.security_configuration}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}
