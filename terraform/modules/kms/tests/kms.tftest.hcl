mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_resource "aws_kms_key" {
    defaults = {
      arn    = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

variables {
  name        = "media-lakehouse-dev"
  description = "Everything of media-lakehouse-dev"
}

run "one_rotating_key_with_an_alias" {
  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key must rotate, and be restorable for 30 days."
  }
  assert {
    condition     = output.alias == "alias/media-lakehouse-dev"
    error_message = "Two deployments in one account are told apart by the alias: got ${output.alias}."
  }
  assert {
    condition     = output.key_arn == aws_kms_key.this.arn && output.key_id == aws_kms_key.this.key_id
    error_message = "The outputs must be those of the key."
  }
}

run "iam_policies_of_the_account_govern" {
  command = plan

  assert {
    condition = [
      for s in jsondecode(aws_kms_key.this.policy).Statement : s.Principal
      if s.Action == "kms:*"
    ] == [{ AWS = "arn:aws:iam::111122223333:root" }]
    error_message = "Without the root statement IAM policies grant nothing on the key, and nobody can change it."
  }
}

run "services_are_bound_to_the_account" {
  command = plan

  assert {
    condition = {
      for s in jsondecode(aws_kms_key.this.policy).Statement : join(" ", flatten([s.Principal.Service])) => jsonencode(s.Condition)
      if can(s.Principal.Service)
      } == {
      "budgets.amazonaws.com cloudwatch.amazonaws.com" = jsonencode({
        StringEquals = { "aws:SourceAccount" = "111122223333" }
      })
      # EventBridge sends no aws:SourceAccount to an encrypted topic.
      "events.amazonaws.com" = jsonencode({
        ArnLike = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:eu-west-1:111122223333:*" }
      })
      "logs.eu-west-1.amazonaws.com" = jsonencode({
        ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-west-1:111122223333:log-group:*" }
      })
    }
    error_message = "Each service may use the key for this account only."
  }
}

run "refuses_a_name_that_kms_reserves" {
  command = plan
  variables {
    name = "aws/s3"
  }
  expect_failures = [var.name]
}

run "refuses_a_name_with_blanks" {
  command = plan
  variables {
    name = "media lakehouse"
  }
  expect_failures = [var.name]
}
