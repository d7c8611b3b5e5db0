variable "name" {
  description = "Name of the layer."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name is ${jsonencode(var.name)}; take 1 to 64 letters, digits, - and _."
  }
}

variable "code" {
  description = "The zip, with the packages under python/: its bucket, its key and its SHA-256 in base64 (filebase64sha256)."
  type = object({
    bucket = string
    key    = string
    hash   = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.code.hash))
    error_message = "code.hash is ${jsonencode(var.code.hash)}; give filebase64sha256(zip): Lambda compares it with its own, and any other spelling would make a version at every apply."
  }
}
