locals {
  # Sent only when the secret is new or the version changes:
  # - a new secret without values gets empty ones, which whoever reads it can report by name;
  # - a later version without values sends nothing, which Secrets Manager refuses: empty values
  #   never take the place of real ones.
  no_value = var.value_version == 1 ? jsonencode({ for key in var.keys : key => "" }) : ""
  sent     = var.value == null ? local.no_value : jsonencode(var.value)
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: publishers hand out their keys on a web page; there is nothing that a rotation function could call
  name                    = var.name
  description             = var.description
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days

  # A check before a deploy sees by it, without reading the secret, whether values have to be given.
  tags = { value_version = var.value_version }
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = local.sent
  secret_string_wo_version = var.value_version

  # The version before stays in the state until the next one is written.
  lifecycle {
    create_before_destroy = true
  }
}
