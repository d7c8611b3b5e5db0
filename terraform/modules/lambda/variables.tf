variable "function_name" {
  description = "Name of the function."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name is ${jsonencode(var.function_name)}; Lambda takes 1 to 64 letters, digits, - and _."
  }
}

variable "description" {
  description = "What the function does."
  type        = string

  validation {
    condition     = trimspace(var.description) != "" && length(var.description) <= 256
    error_message = "description has ${length(var.description)} characters; say in 1 to 256 what the function does."
  }
}

variable "handler" {
  description = "Module and function, for example data_pipeline.bronze.worker.handler."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)+$", var.handler))
    error_message = "handler is ${jsonencode(var.handler)}; name module and function, as in package.module.handler."
  }
}

variable "role_arn" {
  description = "ARN of the role that the function runs as."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:iam::\\d{12}:role/", var.role_arn))
    error_message = "role_arn is ${jsonencode(var.role_arn)}; give the ARN of a role (arn:aws:iam::123456789012:role/NAME)."
  }
}

variable "timeout" {
  description = "Seconds that an invocation may take. A queue's visibility timeout has to be six times as long."
  type        = number

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "timeout is ${var.timeout}; Lambda takes 1 to 900 whole seconds."
  }
}

variable "memory" {
  description = "Memory in MB; it also sets the share of a processor (1769 MB is a whole one)."
  type        = number

  validation {
    condition     = var.memory >= 128 && var.memory <= 10240 && floor(var.memory) == var.memory
    error_message = "memory is ${var.memory}; Lambda takes 128 to 10240 whole MB."
  }
}

variable "environment" {
  description = "Environment variables, encrypted with kms_key_arn. No secrets: those are read from Secrets Manager by name."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z]\\w+$", name)) && !startswith(name, "AWS_")])
    error_message = "environment has ${join(", ", keys(var.environment))}; names are letters, digits and _, begin with a letter, and not with AWS_."
  }
}

variable "layers" {
  description = "ARNs of layer versions."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.layers) <= 5
    error_message = "layers has ${length(var.layers)} entries; Lambda takes 5."
  }
}

variable "code" {
  description = "The zip: its bucket, its key and its SHA-256 in base64 (filebase64sha256)."
  type = object({
    bucket = string
    key    = string
    hash   = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.code.hash))
    error_message = "code.hash is ${jsonencode(var.code.hash)}; give filebase64sha256(zip): Lambda compares it with its own, and any other spelling would deploy at every apply."
  }
}

variable "queue" {
  description = "The queue that the function works off, and how many messages at once (2 to 1000). Without it, somebody else invokes the function."
  type = object({
    arn             = string
    max_concurrency = number
  })
  default = null

  validation {
    condition     = var.queue == null || try(var.queue.max_concurrency >= 2 && var.queue.max_concurrency <= 1000 && floor(var.queue.max_concurrency) == var.queue.max_concurrency, false)
    error_message = "queue.max_concurrency is ${try(var.queue.max_concurrency, "missing")}; an event source mapping takes 2 to 1000."
  }

  validation {
    condition     = var.queue == null || can(regex("^arn:[^:]+:sqs:", var.queue.arn))
    error_message = "queue.arn is ${jsonencode(try(var.queue.arn, null))}; give the ARN of an SQS queue."
  }
}

variable "log_retention_days" {
  description = "Days that log lines are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}; CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or whole years in days from 731."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key for environment variables and log lines. Its policy lets CloudWatch Logs use it."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:kms:[^:]+:\\d{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is ${jsonencode(var.kms_key_arn)}; give a key's ARN (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}
