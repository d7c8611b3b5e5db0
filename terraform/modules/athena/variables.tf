variable "name" {
  description = "Name of the workgroup, for example media-lakehouse-dev."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,90}$", var.name))
    error_message = "name is ${jsonencode(var.name)}; take 1 to 90 letters, digits, ., - and _."
  }
}

variable "results_bucket" {
  description = "Name of the bucket for results."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.results_bucket))
    error_message = "results_bucket is ${jsonencode(var.results_bucket)}; give a bucket's name, without s3://."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that results are encrypted with."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:kms:[^:]+:\\d{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is ${jsonencode(var.kms_key_arn)}; give a key's ARN (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "bytes_per_query" {
  description = "A query that has scanned so many bytes is stopped."
  type        = number
  default     = 10737418240 # 10 GB: $0.05

  validation {
    condition     = var.bytes_per_query >= 10485760 && floor(var.bytes_per_query) == var.bytes_per_query
    error_message = "bytes_per_query is ${var.bytes_per_query}; Athena takes 10485760 (10 MB) or more."
  }
}

variable "monthly_budget_usd" {
  description = "What queries of the workgroup may cost in a month, in US dollars."
  type        = number

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd is ${var.monthly_budget_usd}; give more than 0."
  }
}

variable "notification_topic_arn" {
  description = "ARN of the SNS topic that is told at 80% and 100% of the budget. Its policy, and its key's, let budgets.amazonaws.com publish."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:sns:[^:]+:\\d{12}:[^:]+$", var.notification_topic_arn))
    error_message = "notification_topic_arn is ${jsonencode(var.notification_topic_arn)}; give a topic's ARN (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "database_prefix" {
  description = "What stands before silver and gold in the databases' names, for example dev_; nothing in prod."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9_]+_)?$", var.database_prefix))
    error_message = "database_prefix is ${jsonencode(var.database_prefix)}; take lower-case letters, digits and _, with _ at the end, or nothing."
  }
}

variable "queries" {
  description = "Queries that everybody finds in the workgroup: file name (best_rated_films.sql) → SQL with tables as silver.x and gold.y. Its first comment becomes the description."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for sql in values(var.queries) : trimspace(sql) != ""])
    error_message = "A query is empty: ${join(", ", [for file, sql in var.queries : file if trimspace(sql) == ""])}."
  }

  validation {
    condition     = alltrue([for sql in values(var.queries) : !can(regex("(?i)\"(silver|gold)\"\\s*\\.", sql))])
    error_message = "A query has \"silver\". or \"gold\". in quotes, where no prefix is put: ${join(", ", [for file, sql in var.queries : file if can(regex("(?i)\"(silver|gold)\"\\s*\\.", sql))])}. Write silver.x and gold.y."
  }
}

variable "force_destroy" {
  description = "Destroy the workgroup also when it holds queries that people saved. Without it, a workgroup in which anything ever ran can't be destroyed."
  type        = bool
  default     = false
}
