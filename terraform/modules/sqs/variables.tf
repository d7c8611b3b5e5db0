variable "name" {
  description = "Name of the queue; the dead-letter queue is called <name>-dlq."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,76}$", var.name))
    error_message = "name must be 1 to 76 letters, digits, '_' and '-' (80 with -dlq): got \"${var.name}\"."
  }
}

variable "kms_key_arn" {
  description = "Key for the messages of both queues."
  type        = string
}

variable "visibility_timeout_seconds" {
  description = "How long a received message stays hidden: six times the timeout of the function that reads the queue."
  type        = number

  validation {
    condition     = var.visibility_timeout_seconds >= 1 && var.visibility_timeout_seconds <= 43200
    error_message = "visibility_timeout_seconds must be 1 to 43200 (12 hours): got ${var.visibility_timeout_seconds}."
  }
}

variable "max_receive_count" {
  description = "How often a message is tried before it goes to the dead-letter queue."
  type        = number

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be a whole number from 1 to 1000: got ${var.max_receive_count}."
  }
}
