variable "name" {
  description = "Name before each job's, and that of the security configuration: media-lakehouse-dev."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,100}$", var.name))
    error_message = "name is ${jsonencode(var.name)}; take 1 to 100 letters, digits, - and _."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key for what jobs write to S3, their logs and bookmarks. Its policy lets CloudWatch Logs use it."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:kms:[^:]+:\\d{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is ${jsonencode(var.kms_key_arn)}; give a key's ARN (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "log_retention" {
  description = "Days that log lines are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention)
    error_message = "log_retention is ${var.log_retention}; CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or whole years in days from 731."
  }
}

variable "jobs" {
  description = "The jobs by their short name (silver, gold): what each does, its role (one of its own), its script in S3, the arguments of the script, and after how many minutes a run is stopped."
  type = map(object({
    description     = string
    role_arn        = string
    script          = string
    arguments       = map(string)
    timeout_minutes = number
  }))

  validation {
    condition     = alltrue([for job in values(var.jobs) : can(regex("^s3://[^/]+/.+\\.py$", job.script))])
    error_message = "A script is ${join(", ", [for name, job in var.jobs : "${jsonencode(job.script)} (${name})"])}; give s3://BUCKET/PATH.py."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.timeout_minutes >= 1 && job.timeout_minutes <= 10080])
    error_message = "timeout_minutes is ${join(", ", [for name, job in var.jobs : "${job.timeout_minutes} (${name})"])}; Glue takes 1 to 10080."
  }

  validation {
    condition = alltrue(flatten([
      for job in values(var.jobs) : [
        for argument in keys(job.arguments) :
        startswith(argument, "--") && !can(regex(
          "^--(JOB_NAME|mode|debug|endpoint|conf|datalake-formats|extra-py-files|job-language|(enable|continuous|custom)-.*)$",
          argument
        ))
      ]
    ]))
    error_message = "arguments has ${join(", ", flatten([for job in values(var.jobs) : keys(job.arguments)]))}; they begin with --, Glue itself sets --JOB_NAME, --mode, --debug and --endpoint, and the module sets Spark's and the logs'."
  }
}

variable "glue" {
  description = "Glue's version, the kind of worker, how many at most (auto scaling takes fewer), and whether runs may wait for spare capacity at a lower price."
  type = object({
    version     = string
    worker_type = string
    workers     = number
    flex        = bool
  })

  validation {
    condition     = var.glue.version == "6.0"
    error_message = "glue.version is ${jsonencode(var.glue.version)}; the jobs are written for \"6.0\"."
  }

  validation {
    condition     = contains(["G.1X", "G.2X", "G.4X", "G.8X"], var.glue.worker_type)
    error_message = "glue.worker_type is ${jsonencode(var.glue.worker_type)}; take G.1X, G.2X, G.4X or G.8X."
  }

  validation {
    condition     = var.glue.workers >= 2 && var.glue.workers <= 100 && floor(var.glue.workers) == var.glue.workers
    error_message = "glue.workers is ${var.glue.workers}; take 2 to 100."
  }

  validation {
    condition     = !var.glue.flex || contains(["G.1X", "G.2X"], var.glue.worker_type)
    error_message = "glue.flex is true with ${jsonencode(var.glue.worker_type)}; flexible runs have G.1X or G.2X workers: take one of them, or flex = false."
  }
}

variable "extra_py_files" {
  description = "Zip of the jobs' package in S3; several are separated by commas (no folder)."
  type        = string

  validation {
    condition     = alltrue([for file in split(",", var.extra_py_files) : can(regex("^s3://[^/]+/.+\\.(zip|whl|py)$", file))])
    error_message = "extra_py_files is ${jsonencode(var.extra_py_files)}; give s3://BUCKET/PATH.zip."
  }
}
