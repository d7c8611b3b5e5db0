variable "name" {
  description = "Name of the deployment, such as media-lakehouse-dev: what all names here begin with, and the `environment` dimension of the metrics in namespace Lakehouse."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.name))
    error_message = "name is ${jsonencode(var.name)}; take 1 to 48 letters, digits, - and _, such as media-lakehouse-dev."
  }
}

variable "topic_arn" {
  description = "ARN of the SNS topic that alarms and failures go to."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:", var.topic_arn))
    error_message = "topic_arn is ${jsonencode(var.topic_arn)}; give the ARN of an SNS topic."
  }
}

variable "queues" {
  description = "Names of the queues: source => {queue, dlq}."
  type = map(object({
    queue = string
    dlq   = string
  }))

  validation {
    condition     = alltrue([for its in var.queues : !can(regex("[:/]", "${its.queue}${its.dlq}"))])
    error_message = "queues takes the names of queues, not their ARNs or URLs: CloudWatch knows them by name."
  }
}

variable "functions" {
  description = "Names of the Lambdas: short name, as the dashboard shows it => function name."
  type        = map(string)

  validation {
    condition     = length(var.functions) > 0 && alltrue([for function in values(var.functions) : can(regex("^[A-Za-z0-9_-]+$", function))])
    error_message = "functions takes at least one name of a function, and no ARNs: CloudWatch knows them by name."
  }
}

variable "jobs" {
  description = "Names of the Glue jobs: layer => job."
  type        = map(string)
}

variable "crawlers" {
  description = "Names of the Glue crawlers: layer => crawler."
  type        = map(string)
}

variable "state_machine_arn" {
  description = "ARN of the state machine."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:states:[^:]+:[0-9]{12}:stateMachine:", var.state_machine_arn))
    error_message = "state_machine_arn is ${jsonencode(var.state_machine_arn)}; give the ARN of a state machine, without a version."
  }
}

variable "state_machine_name" {
  description = "Name of the state machine, for titles and descriptions."
  type        = string
}

variable "schedule_group" {
  description = "Group of the schedules that start the state machine. Their metrics are known by group only, so in the group `default` other people's schedules count too."
  type        = string
  default     = "default"
}

variable "workgroup" {
  description = "Name of the Athena workgroup."
  type        = string
}

variable "quarantine_percent" {
  description = "Alarm where more than this percentage of a table's records is refused; the same as the check Lambda's QUARANTINE_PERCENT."
  type        = number

  validation {
    condition     = var.quarantine_percent >= 0 && var.quarantine_percent < 100
    error_message = "quarantine_percent is ${var.quarantine_percent}; give a percentage from 0 to below 100."
  }
}
