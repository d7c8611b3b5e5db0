variable "name" {
  description = "Name of the deployment, such as media-lakehouse-dev. The topic is <name>-notifications."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,242}$", var.name))
    error_message = "name is ${jsonencode(var.name)}; take 1 to 242 letters, digits, - and _, such as media-lakehouse-dev."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the messages. Its policy has to let CloudWatch, budgets and EventBridge use it (module kms does)."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is ${jsonencode(var.kms_key_arn)}; give a key's ARN. With AWS's own key (alias/aws/sns) no alarm could publish."
  }
}

variable "emails" {
  description = "Addresses that get every message. Each is sent a link with which it has to confirm."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "emails holds ${jsonencode(var.emails)}; each has to be an address such as someone@example.com."
  }
}
