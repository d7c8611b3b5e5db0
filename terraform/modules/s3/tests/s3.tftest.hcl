mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::media-lakehouse-dev-bronze-111122223333" }
  }
}

variables {
  name        = "media-lakehouse-dev-bronze-111122223333"
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

run "closed_and_encrypted_by_default" {
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "All four blocks of public access must be on."
  }
  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "ACLs must be off."
  }
  assert {
    condition = [
      for r in aws_s3_bucket_server_side_encryption_configuration.this.rule :
      [r.bucket_key_enabled, r.apply_server_side_encryption_by_default[0].sse_algorithm, r.apply_server_side_encryption_by_default[0].kms_master_key_id]
    ] == [[true, "aws:kms", var.kms_key_arn]]
    error_message = "Objects must be encrypted with the given key, through a bucket key."
  }
  assert {
    condition     = aws_s3_bucket_versioning.this[0].versioning_configuration[0].status == "Enabled"
    error_message = "Versioning must be on unless it is switched off."
  }
  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket that holds something must survive a destroy, unless asked otherwise."
  }
  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0 && length(aws_s3_bucket_notification.this) == 0
    error_message = "Neither access logs nor events unless asked for."
  }
  assert {
    condition     = output.name == var.name && output.arn == aws_s3_bucket.this.arn
    error_message = "The outputs must be those of the bucket."
  }
}

run "tls_only_is_all_the_policy_says_by_default" {
  assert {
    condition = [
      for s in data.aws_iam_policy_document.this.statement :
      [s.sid, s.effect, one(s.actions), one(s.condition).test, one(s.condition).variable, one(one(s.condition).values)]
    ] == [["TlsOnly", "Deny", "s3:*", "Bool", "aws:SecureTransport", "false"]]
    error_message = "The policy must refuse requests without TLS, and nothing else."
  }
  assert {
    condition     = data.aws_iam_policy_document.this.statement[0].resources == toset([aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"])
    error_message = "TLS must be asked for the bucket and its objects."
  }
  assert {
    condition     = aws_s3_bucket_policy.this.policy == data.aws_iam_policy_document.this.json
    error_message = "The bucket must carry the policy made here."
  }
}

run "housekeeping_always" {
  assert {
    condition = [
      for r in aws_s3_bucket_lifecycle_configuration.this.rule :
      [r.id, r.status, tostring(r.abort_incomplete_multipart_upload[0].days_after_initiation), tostring(r.expiration[0].expired_object_delete_marker)]
    ] == [["housekeeping", "Enabled", "7", "true"]]
    error_message = "Parts of aborted uploads must go after 7 days, and delete markers that mark nothing."
  }
}

run "bronze_is_put_once_and_grows_cold" {
  variables {
    require_if_none_match = true
    access_logs_bucket    = "media-lakehouse-dev-logs-111122223333"
    lifecycle_rules = [
      { id = "old", transitions = [{ days = 90, storage_class = "GLACIER_IR" }], noncurrent_days = 30 },
      { id = "scratch", prefix = "_scratch/", expiration_days = 14 },
    ]
  }

  assert {
    condition = [
      for s in data.aws_iam_policy_document.this.statement :
      [s.effect, one(s.actions), one(s.resources), one(s.condition).test, one(s.condition).variable, one(one(s.condition).values)]
      if s.sid == "PutOnce"
    ] == [["Deny", "s3:PutObject", "${aws_s3_bucket.this.arn}/*", "Null", "s3:if-none-match", "true"]]
    error_message = "A put without If-None-Match must be refused."
  }
  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.this.rule : "${r.id}:${r.filter[0].prefix}"] == ["housekeeping:", "old:", "scratch:_scratch/"]
    error_message = "Each rule must have a filter with its prefix."
  }
  assert {
    condition = [
      for r in aws_s3_bucket_lifecycle_configuration.this.rule : [
        [for t in r.transition : "${t.days} ${t.storage_class}"],
        [for e in r.expiration : e.days],
        [for n in r.noncurrent_version_expiration : n.noncurrent_days],
      ] if r.id != "housekeeping"
    ] == [[["90 GLACIER_IR"], [], [30]], [[], [14], []]]
    error_message = "The rules must say what was asked for."
  }
  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "media-lakehouse-dev-logs-111122223333" && aws_s3_bucket_logging.this[0].target_prefix == "media-lakehouse-dev-bronze-111122223333/"
    error_message = "Access logs must go to a folder of the bucket's name."
  }
}

run "a_bucket_for_access_logs" {
  variables {
    kms_key_arn          = null
    receives_access_logs = true
  }

  assert {
    condition = [
      for r in aws_s3_bucket_server_side_encryption_configuration.this.rule :
      [r.bucket_key_enabled, r.apply_server_side_encryption_by_default[0].sse_algorithm]
    ] == [[false, "AES256"]]
    error_message = "S3 delivers access logs to SSE-S3 buckets only."
  }
  assert {
    condition = [
      for s in data.aws_iam_policy_document.this.statement :
      [s.effect, one(s.actions), one(s.principals).type, one(one(s.principals).identifiers), one(s.condition).variable, one(one(s.condition).values)]
      if s.sid == "AccessLogs"
    ] == [["Allow", "s3:PutObject", "Service", "logging.s3.amazonaws.com", "aws:SourceAccount", "111122223333"]]
    error_message = "S3 may put logs of this account's buckets, and nobody else's."
  }
}

run "a_bucket_for_delta_tables" {
  variables {
    versioning    = false
    eventbridge   = true
    force_destroy = true
  }

  assert {
    condition     = length(aws_s3_bucket_versioning.this) == 0
    error_message = "With versions kept, VACUUM would free nothing."
  }
  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration) == 0
    error_message = "Without versions there are no delete markers."
  }
  assert {
    condition     = aws_s3_bucket_notification.this[0].eventbridge && aws_s3_bucket.this.force_destroy
    error_message = "Events and force_destroy must be as asked for."
  }
}

run "refuses_a_name_with_dots" {
  command = plan
  variables {
    name = "media.lakehouse"
  }
  expect_failures = [var.name]
}

run "refuses_a_class_that_must_be_restored" {
  command = plan
  variables {
    lifecycle_rules = [{ id = "deep", transitions = [{ days = 90, storage_class = "DEEP_ARCHIVE" }] }]
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_a_transition_after_the_end" {
  command = plan
  variables {
    lifecycle_rules = [{ id = "late", transitions = [{ days = 90, storage_class = "GLACIER_IR" }], expiration_days = 30 }]
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_a_rule_that_does_nothing" {
  command = plan
  variables {
    lifecycle_rules = [{ id = "idle" }]
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_two_rules_of_one_id" {
  command = plan
  variables {
    lifecycle_rules = [{ id = "old", expiration_days = 1 }, { id = "old", expiration_days = 2 }]
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_access_logs_under_a_customer_key" {
  command = plan
  variables {
    receives_access_logs = true
  }
  expect_failures = [var.receives_access_logs]
}

run "refuses_to_log_the_logs" {
  command = plan
  variables {
    kms_key_arn          = null
    receives_access_logs = true
    access_logs_bucket   = "media-lakehouse-dev-logs-111122223333"
  }
  expect_failures = [var.receives_access_logs]
}

run "refuses_a_log_prefix_without_slash" {
  command = plan
  variables {
    access_logs_bucket = "media-lakehouse-dev-logs-111122223333"
    access_logs_prefix = "bronze"
  }
  expect_failures = [var.access_logs_prefix]
}
