# No provider: the module only computes.

variables {
  project     = "media-lakehouse"
  environment = "dev"
}

run "three_tags_always" {
  assert {
    condition = output.tags == tomap({
      project     = "media-lakehouse"
      environment = "dev"
      managed_by  = "terraform"
    })
    error_message = "Without extra there are three tags: got ${jsonencode(output.tags)}."
  }
}

run "extra_tags_are_added" {
  variables {
    extra = { cost_centre = "4711", "team:lead" = "a.person@example.org" }
  }

  assert {
    condition     = length(output.tags) == 5 && output.tags.cost_centre == "4711" && output.tags.environment == "dev"
    error_message = "Extra tags must stand beside the three: got ${jsonencode(output.tags)}."
  }
}

run "refuses_to_replace_one_of_the_three" {
  command = plan
  variables {
    extra = { environment = "prod" }
  }
  expect_failures = [var.extra]
}

run "refuses_keys_that_aws_reserves" {
  command = plan
  variables {
    extra = { "aws:cost" = "4711" }
  }
  expect_failures = [var.extra]
}

run "refuses_values_that_a_tag_cannot_have" {
  command = plan
  variables {
    extra = { owner = "<nobody>" }
  }
  expect_failures = [var.extra]
}

run "refuses_an_empty_project" {
  command = plan
  variables {
    project = ""
  }
  expect_failures = [var.project]
}

run "refuses_an_environment_that_a_tag_cannot_have" {
  command = plan
  variables {
    environment = "dev|test"
  }
  expect_failures = [var.environment]
}
