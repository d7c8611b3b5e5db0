variable "name" {
  description = "Name of the secret, <project>/<environment>/<source>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9/_+=.@-]{1,512}$", var.name)) && !can(regex("-[a-zA-Z0-9]{6}$", var.name))
    error_message = "name must be letters, digits and /_+=.@-, and not end in a dash and six letters or digits, which Secrets Manager takes for the end of an ARN: got \"${var.name}\"."
  }
}

variable "description" {
  description = "What the secret is for and where its values come from."
  type        = string
}

variable "kms_key_arn" {
  description = "Key for the secret."
  type        = string
}

variable "keys" {
  description = "Names that the secret's JSON object has."
  type        = list(string)

  validation {
    condition     = length(var.keys) > 0 && length(distinct(var.keys)) == length(var.keys)
    error_message = "keys must name each value of the secret once: got [${join(", ", var.keys)}]."
  }
}

variable "value" {
  description = "The values by key. Never in plan or state. null: the secret stays as it is (a new one gets empty values)."
  type        = map(string)
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.value == null ? true : toset(keys(var.value)) == toset(var.keys)
    error_message = "value must have exactly these keys: ${join(", ", var.keys)}."
  }

  validation {
    condition     = var.value == null ? true : alltrue([for text in values(var.value) : text != null && text != ""])
    error_message = "value has an empty value; all of these are needed: ${join(", ", var.keys)}."
  }
}

variable "value_version" {
  description = "Count up to write value over what is there. With the same number nothing is written."
  type        = number
  default     = 1

  validation {
    condition     = var.value_version >= 1 && floor(var.value_version) == var.value_version
    error_message = "value_version must be a whole number from 1 up: got ${var.value_version}."
  }
}

variable "recovery_window_days" {
  description = "Days that a deleted secret can be restored, 7 to 30. 0: gone at once, and its name is free again."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days must be 0, or 7 to 30: got ${var.recovery_window_days}."
  }
}
