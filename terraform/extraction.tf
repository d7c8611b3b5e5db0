# Queues, secrets and Lambdas. An extract function, its role and its queue are a source's own.

locals {
  handlers = {
    start-extraction = {
      handler     = "data_pipeline.bronze.planner.handler"
      description = "Plans a run of a source and sends a message for each of its units."
    }
    completion = {
      handler     = "data_pipeline.bronze.completion.handler"
      description = "Says how far a run is, and hands it to silver when it is complete."
    }
    check = {
      handler     = "data_pipeline.orchestration.check.handler"
      description = "Says what is wrong after a refresh, and which tables the catalogue lacks."
    }
  }

  dashed       = { for source in keys(var.sources) : source => replace(source, "_", "-") }
  with_secret  = { for source, its in var.sources : source => its if length(its.credentials) > 0 }
  file_sources = [for source, its in var.sources : source if its.kind == "files"]

  common_environment = {
    LANDING_BUCKET       = local.bucket["landing"]
    BRONZE_BUCKET        = local.bucket["bronze"]
    POWERTOOLS_LOG_LEVEL = "INFO"
  }
  settings     = { for source, its in var.sources : source => { "${upper(source)}_SETTINGS" = its.settings } }
  queue_url    = { for source in keys(var.sources) : source => { "${upper(source)}_QUEUE_URL" = module.queue[source].queue_url } }
  dlq_url      = { for source in keys(var.sources) : source => { "${upper(source)}_DLQ_URL" = module.queue[source].dlq_url } }
  secret_names = { for source in keys(local.with_secret) : source => { "${upper(source)}_SECRET" = "${var.project}/${var.environment}/${source}" } }

  environment = {
    start-extraction = merge(concat(values(local.settings), values(local.queue_url), values(local.secret_names))...)
    completion       = merge(values(local.settings)...)
    check = {
      ENVIRONMENT_NAME   = local.name
      SILVER_BUCKET      = local.bucket["silver"]
      GOLD_BUCKET        = local.bucket["gold"]
      SILVER_DATABASE    = local.databases.silver
      GOLD_DATABASE      = local.databases.gold
      QUARANTINE_PERCENT = tostring(local.quarantine_percent)
    }
  }

  timeout = 180
  memory  = 256
}

module "queue" {
  source   = "./modules/sqs"
  for_each = var.sources

  name        = "${local.name}-${local.dashed[each.key]}"
  kms_key_arn = module.kms.key_arn
  # Six times the function's timeout, as Lambda asks for.
  visibility_timeout_seconds = 6 * each.value.timeout
  max_receive_count          = 5
}

module "secret" {
  source   = "./modules/secrets"
  for_each = local.with_secret

  name          = "${var.project}/${var.environment}/${each.key}"
  description   = "What ${each.key} asks for."
  kms_key_arn   = module.kms.key_arn
  keys          = each.value.credentials
  value         = lookup(var.credentials, each.key, null)
  value_version = var.secrets_version
  # Another deployment may want the name again at once.
  recovery_window_days = var.force_destroy ? 0 : 7
}

# --- Code -------------------------------------------------------------------------------------

resource "aws_s3_object" "zip" {
  for_each = toset(["lambda", "layer"])

  lifecycle {
    create_before_destroy = true
  }

  bucket = module.bucket["artifacts"].name
  # By its content: a function that is at work keeps what it began with.
  key         = "lambda/${each.key}-${filesha256("${var.build_dir}/${each.key}.zip")}.zip"
  source      = "${var.build_dir}/${each.key}.zip"
  source_hash = filesha256("${var.build_dir}/${each.key}.zip")
}

locals {
  code = {
    for zip, object in aws_s3_object.zip : zip => {
      bucket = object.bucket
      key    = object.key
      hash   = filebase64sha256("${var.build_dir}/${zip}.zip")
    }
  }
}

module "layer" {
  source = "./modules/lambda_layer"

  name = "${local.name}-dependencies"
  code = local.code["layer"]
}

# --- Functions --------------------------------------------------------------------------------

module "function" {
  source   = "./modules/lambda"
  for_each = local.handlers

  function_name      = "${local.name}-${each.key}"
  description        = each.value.description
  handler            = each.value.handler
  role_arn           = module.function_role[each.key].arn
  timeout            = local.timeout
  memory             = local.memory
  environment        = merge(local.common_environment, local.environment[each.key])
  layers             = [module.layer.arn]
  code               = local.code["lambda"]
  log_retention_days = local.log_retention_days
  kms_key_arn        = module.kms.key_arn
}

module "extract" {
  source   = "./modules/lambda"
  for_each = var.sources

  function_name = "${local.name}-extract-${local.dashed[each.key]}"
  description   = "Works the units of ${each.key} off its queue."
  handler       = "data_pipeline.bronze.worker.handler"
  role_arn      = module.extract_role[each.key].arn
  timeout       = each.value.timeout
  memory        = each.value.memory
  environment = merge(
    local.common_environment,
    local.settings[each.key],
    local.queue_url[each.key],
    local.dlq_url[each.key],
    lookup(local.secret_names, each.key, {}),
  )
  layers             = [module.layer.arn]
  code               = local.code["lambda"]
  log_retention_days = local.log_retention_days
  kms_key_arn        = module.kms.key_arn
  queue = {
    arn             = module.queue[each.key].queue_arn
    max_concurrency = each.value.max_concurrency
  }
}

# --- What they may do -------------------------------------------------------------------------

module "function_role" {
  source   = "./modules/iam"
  for_each = local.handlers

  name        = "${local.name}-${each.key}"
  description = "Role of the function ${local.name}-${each.key}."
  service     = "lambda.amazonaws.com"
  policy_json = data.aws_iam_policy_document.function[each.key].json
}

module "extract_role" {
  source   = "./modules/iam"
  for_each = var.sources

  name        = "${local.name}-extract-${local.dashed[each.key]}"
  description = "Role of the function ${local.name}-extract-${local.dashed[each.key]}."
  service     = "lambda.amazonaws.com"
  policy_json = data.aws_iam_policy_document.extract[each.key].json
}

locals {
  arn  = "arn:${local.partition}"
  glue = "${local.arn}:glue:${var.region}:${local.account}"
  s3   = { for bucket, name in local.bucket : bucket => "${local.arn}:s3:::${name}" }

  function_statements = {
    start-extraction = [
      {
        actions   = ["s3:GetObject", "s3:PutObject"]
        resources = [for folder in ["_files", "_runs"] : "${local.s3["bronze"]}/${folder}/*"]
      },
      {
        # Without it S3 answers 403 and not 404 for what is not there.
        actions   = ["s3:ListBucket"]
        resources = [local.s3["bronze"], local.s3["landing"]]
      },
      {
        actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        resources = [for source in local.file_sources : "${local.s3["landing"]}/${source}/*"]
      },
      {
        actions   = ["sqs:SendMessage"]
        resources = [for queue in values(module.queue) : queue.queue_arn]
      },
      {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [for secret in values(module.secret) : secret.arn]
      },
    ]
    completion = [
      {
        # What silver is given to know of the objects stands in their metadata.
        actions   = ["s3:GetObject"]
        resources = concat(["${local.s3["bronze"]}/_runs/*"], [for source in keys(var.sources) : "${local.s3["bronze"]}/${source}/*"])
      },
      {
        actions   = ["s3:PutObject"]
        resources = [for folder in ["_milestones", "_pending", "_runs"] : "${local.s3["bronze"]}/${folder}/*"]
      },
      {
        actions   = ["s3:ListBucket"]
        resources = [local.s3["bronze"]]
      },
    ]
    check = [
      {
        actions   = ["s3:GetObject"]
        resources = [for layer in ["silver", "gold"] : "${local.s3[layer]}/_reports/*"]
      },
      {
        actions   = ["s3:ListBucket"]
        resources = [local.s3["silver"], local.s3["gold"]]
      },
      {
        actions = ["glue:GetTables"]
        resources = concat(
          ["${local.glue}:catalog"],
          [for database in values(local.databases) : "${local.glue}:database/${database}"],
          [for database in values(local.databases) : "${local.glue}:table/${database}/*"],
        )
      },
    ]
  }
}

data "aws_iam_policy_document" "function" {
  for_each = local.handlers

  source_policy_documents = [data.aws_iam_policy_document.every_function["${local.name}-${each.key}"].json]

  dynamic "statement" {
    for_each = [for statement in local.function_statements[each.key] : statement if length(statement.resources) > 0]

    content {
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}

data "aws_iam_policy_document" "extract" {
  for_each = var.sources

  source_policy_documents = [
    data.aws_iam_policy_document.every_function["${local.name}-extract-${local.dashed[each.key]}"].json
  ]

  statement {
    sid     = "Bronze"
    actions = ["s3:GetObject", "s3:PutObject"]
    resources = [
      "${local.s3["bronze"]}/${each.key}/*",
      "${local.s3["bronze"]}/_runs/${each.key}/*",
    ]
  }

  statement {
    # Without it S3 answers 403 and not 404 for what is not there.
    sid       = "TellWhatIsMissing"
    actions   = ["s3:ListBucket"]
    resources = [local.s3["bronze"]]
  }

  statement {
    sid = "Units"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [module.queue[each.key].queue_arn]
  }

  statement {
    sid       = "GiveUp"
    actions   = ["sqs:SendMessage"]
    resources = [module.queue[each.key].dlq_arn]
  }

  dynamic "statement" {
    for_each = each.value.kind == "files" ? [1] : []

    content {
      sid       = "Landed"
      actions   = ["s3:GetObject"]
      resources = ["${local.s3["landing"]}/${each.key}/*"]
    }
  }

  dynamic "statement" {
    for_each = length(each.value.credentials) > 0 ? [1] : []

    content {
      sid       = "Secret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [module.secret[each.key].arn]
    }
  }
}

data "aws_iam_policy_document" "every_function" {
  for_each = toset([
    for function in concat(keys(local.handlers), [for source in values(local.dashed) : "extract-${source}"]) :
    "${local.name}-${function}"
  ])

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.kms.key_arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn}:logs:${var.region}:${local.account}:log-group:/aws/lambda/${each.key}:*"]
  }

  statement {
    # X-Ray knows no resources.
    sid       = "Trace"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }
}
