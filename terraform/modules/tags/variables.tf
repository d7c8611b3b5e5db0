variable "project" {
  description = "Name of the project, such as media-lakehouse."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9 _.:/=+@-]{1,256}$", var.project))
    error_message = "project must be 1 to 256 characters that a tag may have (letters, digits, blanks, _.:/=+-@): got \"${var.project}\"."
  }
}

variable "environment" {
  description = "Name of the environment, such as dev."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9 _.:/=+@-]{1,256}$", var.environment))
    error_message = "environment must be 1 to 256 characters that a tag may have (letters, digits, blanks, _.:/=+-@): got \"${var.environment}\"."
  }
}

variable "extra" {
  description = "More tags, such as a cost centre's."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.extra), ["project", "environment", "managed_by"])) == 0
    error_message = "extra must not set project, environment or managed_by: costs are told apart by them. Got ${join(", ", keys(var.extra))}."
  }

  validation {
    condition     = alltrue([for key in keys(var.extra) : can(regex("^[a-zA-Z0-9 _.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:")])
    error_message = "Keys of extra must be 1 to 128 characters that a tag may have, and not begin with aws:, which AWS reserves. Got ${join(", ", keys(var.extra))}."
  }

  validation {
    condition     = alltrue([for value in values(var.extra) : can(regex("^[a-zA-Z0-9 _.:/=+@-]{0,256}$", value))])
    error_message = "Values of extra must be 0 to 256 characters that a tag may have (letters, digits, blanks, _.:/=+-@). Got ${join(", ", values(var.extra))}."
  }

  # 50 a resource; some resources here bring tags of their own.
  validation {
    condition     = length(var.extra) <= 40
    error_message = "extra may have 40 tags at most: got ${length(var.extra)}."
  }
}
