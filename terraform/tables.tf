# The jobs that make the tables, the catalogue that shows them, and Athena, which queries them.

locals {
  job_scripts = {
    silver = "${path.module}/../data_pipeline/silver/job.py"
    gold   = "${path.module}/../data_pipeline/gold/job.py"
  }
  package = "${var.build_dir}/data_pipeline.zip"
}

resource "aws_s3_object" "job" {
  for_each = local.job_scripts

  # Before the job points to the new one, the old one has to stay.
  lifecycle {
    create_before_destroy = true
  }

  bucket      = module.bucket["artifacts"].name
  key         = "glue/${each.key}-job-${filesha256(each.value)}.py"
  source      = each.value
  source_hash = filesha256(each.value)
}

resource "aws_s3_object" "package" {
  lifecycle {
    create_before_destroy = true
  }

  bucket = module.bucket["artifacts"].name
  # Python imports it by its name, so the hash is a folder.
  key         = "glue/${filesha256(local.package)}/data_pipeline.zip"
  source      = local.package
  source_hash = filesha256(local.package)
}

module "glue" {
  source = "./modules/glue"

  name           = local.name
  kms_key_arn    = module.kms.key_arn
  log_retention  = local.log_retention_days
  glue           = var.glue
  extra_py_files = "s3://${aws_s3_object.package.bucket}/${aws_s3_object.package.key}"

  jobs = {
    silver = {
      description = "Loads what bronze completed into the silver tables; --step maintain compacts and vacuums them."
      role_arn    = module.job_role["silver"].arn
      script      = "s3://${aws_s3_object.job["silver"].bucket}/${aws_s3_object.job["silver"].key}"
      arguments = {
        "--step"   = "load"
        "--bronze" = "s3://${local.bucket["bronze"]}"
        "--silver" = "s3://${local.bucket["silver"]}"
      }
      timeout_minutes = 60
    }
    gold = {
      description = "Builds the gold tables whose inputs or code changed; --step maintain compacts and vacuums them."
      role_arn    = module.job_role["gold"].arn
      script      = "s3://${aws_s3_object.job["gold"].bucket}/${aws_s3_object.job["gold"].key}"
      arguments = {
        "--step"   = "build"
        "--silver" = "s3://${local.bucket["silver"]}"
        "--gold"   = "s3://${local.bucket["gold"]}"
      }
      timeout_minutes = 60
    }
  }
}

module "catalog" {
  source   = "./modules/catalog"
  for_each = local.databases

  database               = each.value
  description            = each.key == "silver" ? "Cleaned and deduplicated, a table for each dataset of a publisher." : "Analytic tables."
  crawler                = "${local.name}-${each.key}"
  role_arn               = module.crawler_role[each.key].arn
  bucket                 = module.bucket[each.key].name
  tables                 = var.tables[each.key]
  security_configuration = module.glue.security_configuration
  logs = {
    retention_days = local.log_retention_days
    kms_key_arn    = module.kms.key_arn
  }
}

module "athena" {
  source = "./modules/athena"

  name                   = local.name
  results_bucket         = module.bucket["athena-results"].name
  kms_key_arn            = module.kms.key_arn
  monthly_budget_usd     = var.athena_budget_usd
  notification_topic_arn = module.notifications.topic_arn
  database_prefix        = local.prefix
  force_destroy          = var.force_destroy
  queries = {
    for file in fileset("${path.module}/../sql", "*.sql") : file => file("${path.module}/../sql/${file}")
  }
}

# --- What jobs and crawlers may do ------------------------------------------------------------

module "job_role" {
  source   = "./modules/iam"
  for_each = local.job_scripts

  name           = "${local.name}-job-${each.key}"
  description    = "Role of the Glue job ${local.name}-${each.key}."
  service        = "glue.amazonaws.com"
  source_account = true
  policy_json    = data.aws_iam_policy_document.job[each.key].json
}

locals {
  # What each job reads and what it writes.
  reads  = { silver = "bronze", gold = "silver" }
  writes = { silver = "silver", gold = "gold" }
}

data "aws_iam_policy_document" "job" {
  for_each = local.job_scripts

  source_policy_documents = [data.aws_iam_policy_document.every_job.json]

  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = ["${local.s3[local.reads[each.key]]}/*", "${local.s3["artifacts"]}/glue/*"]
  }

  statement {
    sid       = "Write"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.s3[local.writes[each.key]]}/*"]
  }

  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [local.s3[local.reads[each.key]], local.s3[local.writes[each.key]], local.s3["artifacts"]]
  }

  dynamic "statement" {
    for_each = each.key == "silver" ? [1] : []

    content {
      # What silver has taken.
      sid       = "TakePending"
      actions   = ["s3:DeleteObject"]
      resources = ["${local.s3["bronze"]}/_pending/*"]
    }
  }
}

data "aws_iam_policy_document" "every_job" {
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    resources = [module.kms.key_arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn}:logs:${var.region}:${local.account}:log-group:/aws-glue/*"]
  }
}

module "crawler_role" {
  source   = "./modules/iam"
  for_each = local.databases

  name           = "${local.name}-crawler-${each.key}"
  description    = "Role of the crawler ${local.name}-${each.key}."
  service        = "glue.amazonaws.com"
  source_account = true
  policy_json    = data.aws_iam_policy_document.crawler[each.key].json
}

data "aws_iam_policy_document" "crawler" {
  for_each = local.databases

  source_policy_documents = [data.aws_iam_policy_document.every_job.json]

  statement {
    # A crawler of Delta tables is to have both:
    # https://docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html
    sid       = "ReadAndWrite"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.s3[each.key]}/*"]
  }

  statement {
    sid       = "List"
    actions   = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"]
    resources = [local.s3[each.key]]
  }

  statement {
    sid = "Catalogue"
    actions = [
      "glue:BatchCreatePartition",
      "glue:BatchGetPartition",
      "glue:BatchUpdatePartition",
      "glue:CreatePartition",
      "glue:CreateTable",
      "glue:GetDatabase",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:GetTable",
      "glue:GetTables",
      "glue:UpdatePartition",
      "glue:UpdateTable",
    ]
    resources = [
      "${local.glue}:catalog",
      "${local.glue}:database/${each.value}",
      "${local.glue}:table/${each.value}/*",
    ]
  }

  statement {
    sid       = "SecurityConfiguration"
    actions   = ["glue:GetSecurityConfiguration"]
    resources = ["*"] # it knows no resources
  }
}

# --- What people who query may do -------------------------------------------------------------

# For roles, groups or permission sets of the account: attached by whoever governs those.
resource "aws_iam_policy" "analyst" {
  name        = "${local.name}-analyst"
  description = "Query the tables of ${local.name} in Athena."
  policy      = data.aws_iam_policy_document.analyst.json
}

data "aws_iam_policy_document" "analyst" {
  statement {
    sid = "Query"
    actions = [
      "athena:BatchGetNamedQuery",
      "athena:BatchGetQueryExecution",
      "athena:GetNamedQuery",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
      "athena:GetWorkGroup",
      "athena:ListNamedQueries",
      "athena:ListQueryExecutions",
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
    ]
    resources = ["${local.arn}:athena:${var.region}:${local.account}:workgroup/${module.athena.workgroup}"]
  }

  statement {
    sid     = "Catalogue"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
    resources = concat(
      ["${local.glue}:catalog"],
      [for database in values(local.databases) : "${local.glue}:database/${database}"],
      [for database in values(local.databases) : "${local.glue}:table/${database}/*"],
    )
  }

  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = [for bucket in ["silver", "gold", "athena-results"] : "${local.s3[bucket]}/*"]
  }

  statement {
    sid       = "List"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [for bucket in ["silver", "gold", "athena-results"] : local.s3[bucket]]
  }

  statement {
    sid       = "Results"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${local.s3["athena-results"]}/*"]
  }

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.kms.key_arn]
  }
}
