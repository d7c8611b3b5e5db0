variable "name" {
  description = "Name of the deployment, such as media-lakehouse-dev. The key's alias is alias/<name>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9/_-]{0,200}$", var.name)) && !startswith(var.name, "aws/")
    error_message = "name must be letters, digits, '/', '_' and '-', and not begin with aws/: got \"${var.name}\", expected something like media-lakehouse-dev."
  }
}

variable "description" {
  description = "What the key is for; shown in the console."
  type        = string
}
