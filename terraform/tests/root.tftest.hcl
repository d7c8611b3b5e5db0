# All modules together, with what configs.ini says now (generated.auto.tfvars.json). Of what is
# inside the modules, tests/terraform/test_plan.py reads the plans that these runs print.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project   = "media-lakehouse"
  build_dir = "tests/fixtures"
}

run "as_configured" {
  command = plan

  variables {
    environment = "dev"
    vpc         = false
  }

  assert {
    condition     = output.name == "${var.project}-dev"
    error_message = "The names begin with ${output.name}."
  }

  assert {
    condition = output.buckets == {
      for bucket in ["landing", "bronze", "silver", "gold", "artifacts", "athena-results", "logs"] :
      bucket => "${output.name}-${bucket}-123456789012"
    }
    error_message = "The buckets are ${jsonencode(output.buckets)}."
  }

  assert {
    condition = output.functions == merge(
      { for function in ["start-extraction", "completion", "check"] : function => "${output.name}-${function}" },
      { for source in keys(var.sources) : "extract-${replace(source, "_", "-")}" => "${output.name}-extract-${replace(source, "_", "-")}" },
    )
    error_message = "The functions are ${jsonencode(output.functions)}."
  }

  assert {
    condition = (
      { for source, its in module.queue : source => [its.queue_name, its.dlq_name] }
      == { for source in keys(var.sources) : source => ["${output.name}-${replace(source, "_", "-")}", "${output.name}-${replace(source, "_", "-")}-dlq"] }
    )
    error_message = "The queues are ${jsonencode({ for source, its in module.queue : source => [its.queue_name, its.dlq_name] })}."
  }

  assert {
    condition     = output.databases == { silver = "dev_silver", gold = "dev_gold" }
    error_message = "The databases are ${jsonencode(output.databases)}."
  }

  assert {
    condition = (
      output.jobs == { silver = "${output.name}-silver", gold = "${output.name}-gold" }
      && output.crawlers == output.jobs
      && output.workgroup == output.name
    )
    error_message = "Jobs, crawlers and workgroup are ${jsonencode([output.jobs, output.crawlers, output.workgroup])}."
  }

  # A secret where a publisher asks for credentials, and nowhere else.
  assert {
    condition = output.secrets == {
      for source, its in var.sources : source => "${var.project}/dev/${source}" if length(its.credentials) > 0
    }
    error_message = "The secrets are ${jsonencode(output.secrets)}."
  }

  assert {
    condition     = length(module.networking) == 0
    error_message = "There is a VPC that nobody asked for; its endpoints are billed by the hour."
  }
}

run "one_more_source" {
  command = plan

  variables {
    credentials = { one_more = { token = "never-to-be-stored" } }
    environment = "dev"
    vpc         = false
    sources = merge(var.sources, {
      one_more = {
        kind            = "files"
        settings        = "{\"enabled\":\"true\"}"
        credentials     = ["token"]
        max_concurrency = 3
        timeout         = 60
        memory          = 512
      }
    })
  }

  assert {
    condition = (
      output.functions["extract-one-more"] == "${output.name}-extract-one-more"
      && module.queue["one_more"].queue_name == "${output.name}-one-more"
      && output.secrets["one_more"] == "${var.project}/dev/one_more"
      && module.extract_role["one_more"].name == "${output.name}-extract-one-more"
    )
    error_message = "The added source lacks its function, queue, secret or role."
  }
}

run "production" {
  command = plan

  variables {
    environment = "prod"
    vpc         = false
  }

  assert {
    condition     = output.databases == { silver = "silver", gold = "gold" }
    error_message = "Production's databases are ${jsonencode(output.databases)}, and people's queries say silver and gold."
  }
}

run "an_environment_with_a_hyphen" {
  command = plan

  variables {
    environment = "pull-42"
    vpc         = false
  }

  assert {
    condition     = output.databases == { silver = "pull_42_silver", gold = "pull_42_gold" }
    error_message = "Athena takes no hyphens in databases: ${jsonencode(output.databases)}."
  }
}

run "with_a_vpc" {
  command = plan

  variables {
    environment = "dev"
    vpc         = true
  }

  assert {
    condition     = length(module.networking) == 1 && length(module.networking[0].subnet_ids) == 2
    error_message = "vpc = true makes no VPC with two subnets."
  }
}

run "refuses_a_source_of_another_kind" {
  command = plan

  variables {
    sources = { a = { kind = "ftp", settings = "{}", credentials = [], max_concurrency = 2, timeout = 60, memory = 256 } }
  }

  expect_failures = [var.sources]
}

run "refuses_settings_that_are_no_json" {
  command = plan

  variables {
    sources = { a = { kind = "api", settings = "enabled", credentials = [], max_concurrency = 2, timeout = 60, memory = 256 } }
  }

  expect_failures = [var.sources]
}
