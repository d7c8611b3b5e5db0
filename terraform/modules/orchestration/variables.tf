variable "name" {
  description = "Name of the state machine, and what the names of its schedules and roles begin with."
  type        = string
}

variable "functions" {
  description = "ARNs of the Lambdas that the state machine invokes."
  type = object({
    start_extraction = string
    completion       = string
    check            = string
  })
}

variable "jobs" {
  description = "Names of the Glue jobs."
  type = object({
    silver = string
    gold   = string
  })
}

variable "crawlers" {
  description = "Names of the Glue crawlers."
  type = object({
    silver = string
    gold   = string
  })
}

variable "crawler_role_arns" {
  description = "ARNs of the crawlers' roles."
  type        = list(string)
}

variable "sources" {
  description = "The sources to extract: name => \"api\" or \"files\"."
  type        = map(string)

  validation {
    condition     = alltrue([for kind in values(var.sources) : contains(["api", "files"], kind)])
    error_message = "A source is of kind \"api\" or \"files\"."
  }
}

variable "bronze_bucket" {
  description = "Name of the bronze bucket, whose _pending/ says what silver has to load."
  type        = string
}

variable "landing_bucket" {
  description = "Name of the bucket whose new objects start a refresh of their source. It has to send its events to EventBridge."
  type        = string
}

variable "topic_arn" {
  description = "ARN of the SNS topic that gets the summary of each refresh."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the topic, the log group and the schedules."
  type        = string
}

variable "schedule" {
  description = "When to refresh and when to maintain: the six fields of EventBridge Scheduler's cron, and an IANA time zone."
  type = object({
    cron             = string
    maintenance_cron = string
    timezone         = string
  })

  validation {
    condition = alltrue([
      for cron in [var.schedule.cron, var.schedule.maintenance_cron] :
      length(split(" ", cron)) == 6
    ])
    error_message = "A cron has six fields: minutes, hours, day of month, month, day of week, year."
  }
}

variable "flexible_minutes" {
  description = "A refresh begins within so many minutes after its time."
  type        = number
  default     = 15

  validation {
    condition     = var.flexible_minutes >= 1 && var.flexible_minutes <= 1440
    error_message = "EventBridge Scheduler takes windows of 1 to 1440 minutes."
  }
}

variable "wait_seconds" {
  description = "How long after its start a refresh waits for the extraction; what has not landed then is reported."
  type        = number
  default     = 3600
}

variable "poll_seconds" {
  description = "How often it asks how much has landed. Each time costs three state transitions a run."
  type        = number
  default     = 60
}

variable "log_retention_days" {
  description = "How long the log of executions is kept."
  type        = number
  default     = 365
}
