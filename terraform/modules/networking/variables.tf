variable "name" {
  description = "Name of the deployment, such as media-lakehouse-dev; what is made here is called so."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9-]{0,49}$", var.name))
    error_message = "name must be 1 to 50 letters, digits and dashes (it becomes part of a role's name): got \"${var.name}\"."
  }
}

variable "cidr" {
  description = "Address range of the VPC; each of the two subnets gets half."
  type        = string
  default     = "10.20.0.0/20"

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr && tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 26, false)
    error_message = "cidr must be an IPv4 range of /16 to /26 whose address is its first one: got \"${var.cidr}\", expected something like 10.20.0.0/20."
  }
}

variable "region" {
  description = "Region of the endpoints' services: the provider's."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as us-east-1: got \"${var.region}\"."
  }
}

variable "kms_key_arn" {
  description = "Key for the flow logs."
  type        = string
}
