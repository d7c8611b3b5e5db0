variable "name" {
  description = "Name of the role, for example media-lakehouse-dev-completion."
  type        = string

  validation {
    condition     = can(regex("^[\\w+=,.@-]{1,64}$", var.name))
    error_message = "name is ${jsonencode(var.name)}; IAM takes 1 to 64 letters, digits and _+=,.@-."
  }
}

variable "description" {
  description = "What the role is for."
  type        = string

  validation {
    condition     = trimspace(var.description) != "" && length(var.description) <= 1000
    error_message = "description has ${length(var.description)} characters; say in 1 to 1000 what the role is for."
  }
}

variable "service" {
  description = "The service that takes the role, for example lambda.amazonaws.com."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)*\\.amazonaws\\.com$", var.service))
    error_message = "service is ${jsonencode(var.service)}; name a service principal such as lambda.amazonaws.com."
  }
}

variable "source_account" {
  description = "Let the service take the role for this account only (aws:SourceAccount). For services that send the key: Glue, Step Functions, EventBridge, Scheduler. Lambda's documentation does not say that it does."
  type        = bool
  default     = false
}

variable "policy_json" {
  description = "What the role may do: an IAM policy as JSON, each action by its name."
  type        = string

  validation {
    condition     = can(jsondecode(var.policy_json).Statement)
    error_message = "policy_json is not a policy; give JSON with a Statement, from jsonencode or aws_iam_policy_document."
  }

  validation {
    condition = alltrue([
      for statement in try(flatten([jsondecode(var.policy_json).Statement]), []) :
      try(statement.Effect, "") == "Deny" || alltrue([
        for action in try(flatten([statement.Action]), ["*"]) : !can(regex("^([a-z0-9-]+:)?\\*$", action))
      ])
    ])
    error_message = "policy_json allows all actions (\"*\", \"service:*\" or NotAction); name those that are used."
  }

  validation {
    condition     = length(replace(var.policy_json, "/\\s/", "")) <= 10240
    error_message = "policy_json has ${length(replace(var.policy_json, "/\\s/", ""))} characters; IAM takes 10240 inline."
  }
}
