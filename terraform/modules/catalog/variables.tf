variable "database" {
  description = "Name of the layer's database, for example dev_silver."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9_]{1,255}$", var.database))
    error_message = "database is ${jsonencode(var.database)}; Athena takes lower-case letters, digits and _."
  }
}

variable "description" {
  description = "What the layer holds."
  type        = string
}

variable "crawler" {
  description = "Name of the crawler, for example media-lakehouse-dev-silver."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.crawler))
    error_message = "crawler is ${jsonencode(var.crawler)}; take 1 to 255 letters, digits, - and _."
  }
}

variable "role_arn" {
  description = "ARN of the role that the crawler runs as."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:iam::\\d{12}:role/", var.role_arn))
    error_message = "role_arn is ${jsonencode(var.role_arn)}; give the ARN of a role (arn:aws:iam::123456789012:role/NAME)."
  }
}

variable "bucket" {
  description = "Name of the layer's bucket; each table is a folder at its top."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket is ${jsonencode(var.bucket)}; give a bucket's name, without s3://."
  }
}

variable "tables" {
  description = "Names of the layer's Delta tables."
  type        = list(string)

  validation {
    condition = (
      length(var.tables) > 0
      && length(distinct(var.tables)) == length(var.tables)
      && alltrue([for table in var.tables : can(regex("^[a-z0-9_]+$", table))])
    )
    error_message = "tables is ${jsonencode(var.tables)}; give at least one, none twice, in lower-case letters, digits and _."
  }
}

variable "security_configuration" {
  description = "Name of the Glue security configuration that encrypts the crawler's logs."
  type        = string

  validation {
    condition     = trimspace(var.security_configuration) != ""
    error_message = "security_configuration is empty; give the name that module glue returns."
  }
}

variable "logs" {
  description = "Days that the crawler's log lines are kept, and the ARN of the security configuration's key. Without it, Glue makes a log group that never expires."
  type = object({
    retention_days = number
    kms_key_arn    = string
  })
  default = null
}
