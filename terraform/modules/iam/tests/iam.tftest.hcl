mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/media-lakehouse-test-silver" }
  }
}

variables {
  name        = "media-lakehouse-test-silver"
  description = "Loads silver."
  service     = "glue.amazonaws.com"
  policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::bucket/*\"}]}"
}

run "one_service_takes_the_role" {
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "glue.amazonaws.com" }
      }]
    }
    error_message = "The trust policy is ${aws_iam_role.this.assume_role_policy}."
  }

  assert {
    condition     = aws_iam_role_policy.this.policy == var.policy_json
    error_message = "The inline policy is ${aws_iam_role_policy.this.policy}, not the one given."
  }

  assert {
    condition     = aws_iam_role_policy.this.role == var.name
    error_message = "The policy is attached to ${aws_iam_role_policy.this.role}."
  }

  assert {
    condition     = output.name == var.name && output.arn == "arn:aws:iam::123456789012:role/media-lakehouse-test-silver"
    error_message = "The outputs are ${output.name} and ${output.arn}."
  }
}

run "of_this_account_only" {
  command = plan

  variables {
    source_account = true
  }

  assert {
    condition = (
      jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"]
      == "123456789012"
    )
    error_message = "The trust policy is ${aws_iam_role.this.assume_role_policy}."
  }
}

run "denying_all_is_fine" {
  command = plan

  variables {
    policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}"
  }
}

run "refuses_a_policy_that_is_no_json" {
  command = plan

  variables {
    policy_json = "s3:GetObject"
  }

  expect_failures = [var.policy_json]
}

run "refuses_all_actions" {
  command = plan

  variables {
    policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"
  }

  expect_failures = [var.policy_json]
}

run "refuses_all_actions_of_a_service_in_a_list" {
  command = plan

  variables {
    policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:*\"],\"Resource\":\"arn:aws:s3:::bucket/*\"}]}"
  }

  expect_failures = [var.policy_json]
}

run "refuses_all_actions_but_some" {
  command = plan

  variables {
    policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"NotAction\":\"iam:PassRole\",\"Resource\":\"*\"}]}"
  }

  expect_failures = [var.policy_json]
}

run "refuses_wrong_names" {
  command = plan

  variables {
    name        = "silver role"
    description = " "
    service     = "glue"
  }

  expect_failures = [var.name, var.description, var.service]
}
