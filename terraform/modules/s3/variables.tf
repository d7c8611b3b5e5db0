variable "name" {
  description = "Name of the bucket; unique in the whole of AWS, so it ends in the account's number."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 63 lower case letters, digits and dashes: got \"${var.name}\". A dot would break TLS; shorten the project's or the environment's name if it is too long."
  }
}

variable "kms_key_arn" {
  description = "Key for the objects. null: S3's own key (SSE-S3), which a bucket that takes access logs needs."
  type        = string
  default     = null
}

variable "versioning" {
  description = "Keep what is overwritten or deleted. Not for Delta tables: VACUUM would free nothing."
  type        = bool
  default     = true
}

variable "lifecycle_rules" {
  description = "What becomes of objects with age: storage classes to move to, days until they are deleted, days that overwritten versions are kept. Parts of aborted uploads always go after 7 days."
  type = list(object({
    id     = string
    prefix = optional(string, "")
    transitions = optional(list(object({
      days          = number
      storage_class = string
    })), [])
    expiration_days = optional(number)
    noncurrent_days = optional(number)
  }))
  default = []

  validation {
    condition     = length(distinct(concat(var.lifecycle_rules[*].id, ["housekeeping"]))) == length(var.lifecycle_rules) + 1
    error_message = "Each lifecycle rule needs an id of its own, other than \"housekeeping\": got ${join(", ", var.lifecycle_rules[*].id)}."
  }

  validation {
    condition = alltrue([
      for rule in var.lifecycle_rules :
      length(rule.transitions) > 0 || rule.expiration_days != null || rule.noncurrent_days != null
    ])
    error_message = "A lifecycle rule needs transitions, expiration_days or noncurrent_days: S3 refuses one that does nothing."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules :
      [for move in rule.transitions : contains(["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], move.storage_class)]
    ]))
    error_message = "storage_class must be STANDARD_IA, INTELLIGENT_TIERING or GLACIER_IR: the others have to be restored before a job can read them, or are in one zone only."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules :
      [for move in rule.transitions : move.days >= (move.storage_class == "STANDARD_IA" ? 30 : 0) && move.days < coalesce(rule.expiration_days, 1000000)]
    ]))
    error_message = "A transition must come before expiration_days, and one to STANDARD_IA after 30 days or more."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [coalesce(rule.expiration_days, 1) >= 1, coalesce(rule.noncurrent_days, 1) >= 1]
    ]))
    error_message = "expiration_days and noncurrent_days must be 1 or more."
  }
}

variable "access_logs_bucket" {
  description = "Bucket that gets the access logs (one made by this module with receives_access_logs). null: no access logs."
  type        = string
  default     = null
}

variable "access_logs_prefix" {
  description = "Where in it; ends in a slash. null: <name>/."
  type        = string
  default     = null

  validation {
    condition     = endswith(coalesce(var.access_logs_prefix, "/"), "/")
    error_message = "access_logs_prefix must end in a slash, else the logs do not lie in a folder: got \"${coalesce(var.access_logs_prefix, "/")}\"."
  }
}

variable "receives_access_logs" {
  description = "Let S3 put the access logs of this account's buckets here."
  type        = bool
  default     = false

  validation {
    condition     = !var.receives_access_logs || (var.kms_key_arn == null && !var.require_if_none_match)
    error_message = "A bucket with receives_access_logs takes neither kms_key_arn (S3 delivers logs to SSE-S3 buckets only) nor require_if_none_match (S3 does not send it)."
  }

  validation {
    condition     = !var.receives_access_logs || var.access_logs_bucket == null
    error_message = "A bucket with receives_access_logs must not log its own access: each log would be logged."
  }
}

variable "require_if_none_match" {
  description = "Refuse every put without If-None-Match, so that no object is ever overwritten. Also refuses multipart uploads and copies."
  type        = bool
  default     = false
}

variable "eventbridge" {
  description = "Send the bucket's events to EventBridge."
  type        = bool
  default     = false
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the bucket with all that is in it."
  type        = bool
  default     = false
}
