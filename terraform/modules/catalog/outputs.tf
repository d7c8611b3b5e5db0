output "database" {
  description = "Name of the database."
  value       = aws_glue_catalog_database.this.name
}

output "crawler" {
  description = "Name of the crawler."
  value       = aws_glue_crawler.this.name
}
