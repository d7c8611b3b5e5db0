mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:111122223333:media-lakehouse-test-notifications" }
  }
}

variables {
  name        = "media-lakehouse-test"
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  emails      = ["one@example.com", "two@example.com"]
}

run "an_encrypted_topic_with_readers" {
  assert {
    condition = (
      aws_sns_topic.this.name == "media-lakehouse-test-notifications"
      && aws_sns_topic.this.kms_master_key_id == var.kms_key_arn
    )
    error_message = "The topic must have its name and be encrypted with the key given."
  }

  assert {
    condition = {
      for key, its in aws_sns_topic_subscription.email : its.endpoint => its.protocol
    } == { "one@example.com" = "email", "two@example.com" = "email" }
    error_message = "Each address must be subscribed."
  }

  assert {
    condition     = output.topic_arn == aws_sns_topic.this.arn
    error_message = "The output must be the topic's ARN."
  }
}

run "who_may_publish" {
  assert {
    condition = {
      for s in jsondecode(aws_sns_topic_policy.this.policy).Statement :
      s.Sid => { who = flatten([s.Principal.Service]), only = try(s.Condition.StringEquals, {}) } if s.Effect == "Allow"
      } == {
      AlarmsAndBudgets = {
        who  = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
        only = { "aws:SourceAccount" = "111122223333" }
      }
      # Any condition would keep it out.
      EventBridge = { who = ["events.amazonaws.com"], only = {} }
    }
    error_message = "Alarms and budgets of this account, and EventBridge, may publish; nobody else."
  }

  assert {
    condition = [
      for s in jsondecode(aws_sns_topic_policy.this.policy).Statement :
      [s.Principal, s.Action, s.Condition.Bool["aws:SecureTransport"]] if s.Effect == "Deny"
    ] == [["*", "sns:Publish", "false"]]
    error_message = "What comes without TLS must be refused."
  }

  assert {
    condition = alltrue([
      for s in jsondecode(aws_sns_topic_policy.this.policy).Statement :
      s.Action == "sns:Publish" && s.Resource == aws_sns_topic.this.arn
    ])
    error_message = "The policy must be about publishing to this topic only."
  }
}

run "nobody_need_read_it" {
  variables {
    emails = []
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0
    error_message = "Without addresses there must be no subscription."
  }
}

run "refuses_wrong_values" {
  command = plan

  variables {
    name        = "media lakehouse"
    kms_key_arn = "alias/aws/sns"
    emails      = ["someone"]
  }

  expect_failures = [var.name, var.kms_key_arn, var.emails]
}
