locals {
  tags = tomap(merge(var.extra, {
    project     = var.project
    environment = var.environment
    managed_by  = "terraform"
  }))
}
