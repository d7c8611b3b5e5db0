mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a-role" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:a-group" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:us-east-1:123456789012:stateMachine:media-lakehouse-test" }
  }
}

variables {
  name = "media-lakehouse-test"
  functions = {
    start_extraction = "arn:aws:lambda:us-east-1:123456789012:function:start"
    completion       = "arn:aws:lambda:us-east-1:123456789012:function:completion"
    check            = "arn:aws:lambda:us-east-1:123456789012:function:check"
  }
  jobs              = { silver = "job-silver", gold = "job-gold" }
  crawlers          = { silver = "crawler-silver", gold = "crawler-gold" }
  crawler_role_arns = ["arn:aws:iam::123456789012:role/media-lakehouse-dev-crawler"]
  sources           = { tmdb = "api", movielens = "files", kaggle_anime = "files" }
  bronze_bucket     = "bronze"
  landing_bucket    = "landing"
  topic_arn         = "arn:aws:sns:us-east-1:123456789012:topic"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  schedule = {
    cron             = "0 5 * * ? *"
    maintenance_cron = "0 12 ? * SUN *"
    timezone         = "Europe/Berlin"
  }
}

run "the_machine_is_json_with_every_next_state_there" {
  assert {
    condition = alltrue([
      for state in values(jsondecode(aws_sfn_state_machine.this.definition).States) :
      contains(concat(keys(jsondecode(aws_sfn_state_machine.this.definition).States), [""]), try(state.Next, ""))
    ])
    error_message = "A state's Next names no state."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Silver.Arguments.JobName == "job-silver"
    error_message = "The silver step starts another job."
  }

  assert {
    condition     = strcontains(jsondecode(aws_sfn_state_machine.this.definition).States.Begin.Assign.starts, "{'fetch':true,'source':'movielens'}")
    error_message = "A publisher's files are not fetched."
  }

  assert {
    condition     = aws_sfn_state_machine.this.tracing_configuration[0].enabled && aws_sfn_state_machine.this.logging_configuration[0].level == "ALL"
    error_message = "Executions are not traced and logged."
  }
}

run "a_job_is_waited_for_and_retried_once" {
  assert {
    condition = alltrue([
      for name, state in jsondecode(aws_sfn_state_machine.this.definition).States :
      state.Retry[0].ErrorEquals == ["Glue.ConcurrentRunsExceededException"] && state.Retry[0].MaxAttempts == (name == "Silver" ? 0 : 120) && state.Retry[1].MaxAttempts == 1
      if contains(["Silver", "Gold", "MaintainSilver", "MaintainGold"], name)
    ])
    error_message = "A job is not waited for, or not retried."
  }
}

run "it_is_scheduled" {
  assert {
    condition     = aws_scheduler_schedule.daily.schedule_expression == "cron(0 5 * * ? *)" && aws_scheduler_schedule.daily.schedule_expression_timezone == "Europe/Berlin"
    error_message = "The daily schedule is ${aws_scheduler_schedule.daily.schedule_expression}."
  }

  assert {
    condition     = aws_scheduler_schedule.daily.flexible_time_window[0].maximum_window_in_minutes == 15
    error_message = "The window is not flexible."
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.maintenance.target[0].input) == { extract = false, maintain = true }
    error_message = "The weekly schedule starts it with ${aws_scheduler_schedule.maintenance.target[0].input}."
  }
}

run "landed_files_of_its_sources_start_it" {
  assert {
    condition     = toset(jsondecode(aws_cloudwatch_event_rule.landed[0].event_pattern).detail.object.key[*].prefix) == toset(["movielens/", "kaggle_anime/"])
    error_message = "The rule's prefixes are ${aws_cloudwatch_event_rule.landed[0].event_pattern}."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.landed[0].event_pattern).detail.bucket.name == ["landing"]
    error_message = "The rule listens to another bucket."
  }
}

run "without_sources_of_files_nothing_listens_to_the_bucket" {
  variables {
    sources = { tmdb = "api" }
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.landed) == 0 && length(aws_cloudwatch_event_target.landed) == 0
    error_message = "A rule without keys would be refused."
  }
}

run "a_kind_that_is_none_is_refused" {
  command = plan

  variables {
    sources = { tmdb = "ftp" }
  }

  expect_failures = [var.sources]
}

run "a_cron_of_five_fields_is_refused" {
  command = plan

  variables {
    schedule = { cron = "0 5 * * *", maintenance_cron = "0 12 ? * SUN *", timezone = "UTC" }
  }

  expect_failures = [var.schedule]
}

run "a_window_of_nothing_is_refused" {
  command = plan

  variables {
    flexible_minutes = 0
  }

  expect_failures = [var.flexible_minutes]
}
