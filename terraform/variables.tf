# Those without a default come from configs.ini: `make config` writes generated.auto.tfvars.json.

variable "project" {
  description = "Name of the project; the first part of every name."
  type        = string
}

variable "environment" {
  description = "Name of the environment; the second part of every name, so that two of them can share an account."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "schedule" {
  description = "When the tables are refreshed and maintained: the six fields of EventBridge Scheduler's cron, and an IANA time zone."
  type = object({
    cron             = string
    maintenance_cron = string
    timezone         = string
  })
}

variable "glue" {
  description = "Version, workers and execution class of the Glue jobs."
  type = object({
    version     = string
    worker_type = string
    workers     = number
    flex        = bool
  })
}

variable "sources" {
  description = "The enabled sources, by name: their section of configs.ini as JSON, and the size of their extract function."
  type = map(object({
    kind            = string
    settings        = string
    credentials     = list(string)
    max_concurrency = number
    timeout         = number
    memory          = number
  }))

  validation {
    condition     = alltrue([for source in values(var.sources) : contains(["api", "files"], source.kind)])
    error_message = "A source is of kind \"api\" or \"files\"."
  }

  validation {
    condition     = alltrue([for source in values(var.sources) : can(jsondecode(source.settings))])
    error_message = "settings is a JSON object; run `make config`."
  }
}

variable "tables" {
  description = "Names of the tables of each layer, for the crawlers."
  type = object({
    silver = list(string)
    gold   = list(string)
  })
}

variable "notification_emails" {
  description = "Who gets the summary of each refresh, and the alarms. Each has to confirm by a link in a mail."
  type        = list(string)
}

variable "secrets_version" {
  description = "Raised by one, the credentials given are written to Secrets Manager again."
  type        = number
}

variable "athena_budget_usd" {
  description = "Monthly budget of Athena's queries in US dollars."
  type        = number
}

variable "vpc" {
  description = "Make a VPC with endpoints, for a database beside the lake."
  type        = bool
}

variable "credentials" {
  description = "The publishers' credentials, by source and name. Never stored in the state; `make deploy` takes them from the environment."
  type        = map(map(string))
  default     = {}
  sensitive   = true
  ephemeral   = true
}

variable "build_dir" {
  description = "Folder with the zips of `make package`."
  type        = string
  default     = "../build"
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete buckets that hold objects. Off: data outlives a mistake."
  type        = bool
  default     = false
}
