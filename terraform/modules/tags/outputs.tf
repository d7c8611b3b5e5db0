output "tags" {
  description = "Tags for the provider's default_tags."
  value       = local.tags
}
