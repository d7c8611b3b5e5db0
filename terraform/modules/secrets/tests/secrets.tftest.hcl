mock_provider "aws" {
  mock_resource "aws_secretsmanager_secret" {
    defaults = {
      id  = "arn:aws:secretsmanager:us-east-1:111122223333:secret:media-lakehouse/dev/spotify-AbCdEf"
      arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:media-lakehouse/dev/spotify-AbCdEf"
    }
  }
}

variables {
  name        = "media-lakehouse/dev/spotify"
  description = "Client of the Spotify API"
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  keys        = ["client_id", "client_secret"]
  value       = { client_id = "an-id", client_secret = "a-secret" }
}

run "values_are_written_and_not_kept" {
  assert {
    condition     = aws_secretsmanager_secret_version.this.secret_string_wo == null && aws_secretsmanager_secret_version.this.secret_string_wo_version == 1
    error_message = "The value must be write-only, under version 1."
  }
  assert {
    condition     = !strcontains(jsonencode([aws_secretsmanager_secret.this, aws_secretsmanager_secret_version.this]), "a-secret")
    error_message = "No attribute may hold the value."
  }
  assert {
    condition     = aws_secretsmanager_secret.this.kms_key_id == var.kms_key_arn && aws_secretsmanager_secret.this.recovery_window_in_days == 30
    error_message = "The secret must take the customer key, and be restorable."
  }
  assert {
    condition     = aws_secretsmanager_secret.this.tags == tomap({ value_version = "1" })
    error_message = "The tag must tell which version is there."
  }
  assert {
    condition     = output.name == var.name && output.arn == aws_secretsmanager_secret.this.arn
    error_message = "The outputs must be those of the secret."
  }
}

run "the_value_is_sent_as_json" {
  command = plan

  assert {
    condition     = tomap(jsondecode(local.sent)) == var.value
    error_message = "What is sent must be the given values."
  }
}

# Terraform takes null for an ephemeral variable as "not set", which a test can only plan.
run "a_new_secret_without_values_gets_empty_ones" {
  command = plan
  variables {
    value = null
  }

  assert {
    condition     = jsondecode(local.sent) == { client_id = "", client_secret = "" }
    error_message = "Readers must find the keys, and empty values to report."
  }
}

run "a_later_version_without_values_sends_nothing" {
  command = plan
  variables {
    value         = null
    value_version = 2
  }

  assert {
    condition     = local.sent == ""
    error_message = "Empty values would take the place of real ones."
  }
}

run "a_later_version_is_told_by_number_and_tag" {
  variables {
    value_version        = 2
    recovery_window_days = 0
  }

  assert {
    condition     = aws_secretsmanager_secret_version.this.secret_string_wo_version == 2 && aws_secretsmanager_secret.this.tags["value_version"] == "2"
    error_message = "A new number makes Terraform write, and the tag says so."
  }
  assert {
    condition     = aws_secretsmanager_secret.this.recovery_window_in_days == 0
    error_message = "0 must reach Secrets Manager: the name is free at once."
  }
}

run "refuses_a_missing_key" {
  command = plan
  variables {
    value = { client_id = "an-id" }
  }
  expect_failures = [var.value]
}

run "refuses_an_unknown_key" {
  command = plan
  variables {
    value = { client_id = "an-id", client_secret = "a-secret", token = "a-token" }
  }
  expect_failures = [var.value]
}

run "refuses_an_empty_value" {
  command = plan
  variables {
    value = { client_id = "an-id", client_secret = "" }
  }
  expect_failures = [var.value]
}

run "refuses_no_keys" {
  command = plan
  variables {
    keys  = []
    value = null
  }
  expect_failures = [var.keys]
}

run "refuses_a_name_that_looks_like_an_arn" {
  command = plan
  variables {
    name = "media-lakehouse/dev/the-source"
  }
  expect_failures = [var.name]
}

run "refuses_version_0" {
  command = plan
  variables {
    value_version = 0
  }
  expect_failures = [var.value_version]
}

run "refuses_a_recovery_window_that_is_none" {
  command = plan
  variables {
    recovery_window_days = 3
  }
  expect_failures = [var.recovery_window_days]
}
