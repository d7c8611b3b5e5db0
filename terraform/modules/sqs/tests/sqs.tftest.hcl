mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  override_resource {
    target = aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:us-east-1:111122223333:media-lakehouse-dev-jikan"
      url = "https://sqs.us-east-1.amazonaws.com/111122223333/media-lakehouse-dev-jikan"
    }
  }
  override_resource {
    target = aws_sqs_queue.dlq
    values = {
      arn = "arn:aws:sqs:us-east-1:111122223333:media-lakehouse-dev-jikan-dlq"
      url = "https://sqs.us-east-1.amazonaws.com/111122223333/media-lakehouse-dev-jikan-dlq"
    }
  }
}

variables {
  name                       = "media-lakehouse-dev-jikan"
  kms_key_arn                = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  visibility_timeout_seconds = 1080
  max_receive_count          = 5
}

run "failed_messages_end_in_the_dead_letter_queue" {
  assert {
    condition = jsondecode(aws_sqs_queue.this.redrive_policy) == {
      deadLetterTargetArn = aws_sqs_queue.dlq.arn
      maxReceiveCount     = 5
    }
    error_message = "After five receives a message must go to this queue's own dead-letter queue."
  }
  assert {
    condition = jsondecode(aws_sqs_queue_redrive_allow_policy.dlq.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = [aws_sqs_queue.this.arn]
    }
    error_message = "No other queue may use this dead-letter queue."
  }
  assert {
    condition     = aws_sqs_queue.dlq.message_retention_seconds == 1209600
    error_message = "Dead letters must be kept for 14 days."
  }
  assert {
    condition     = aws_sqs_queue.this.visibility_timeout_seconds == 1080
    error_message = "The visibility timeout must be the given one."
  }
}

run "both_queues_are_encrypted_and_tls_only" {
  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dlq.kms_master_key_id == var.kms_key_arn
    error_message = "Both queues must take the customer key."
  }
  assert {
    condition = {
      for k, d in data.aws_iam_policy_document.tls_only : k => [
        for s in d.statement :
        [s.effect, one(s.actions), one(s.resources), one(s.condition).variable, one(one(s.condition).values)]
      ]
      } == {
      queue = [["Deny", "sqs:*", aws_sqs_queue.this.arn, "aws:SecureTransport", "false"]]
      dlq   = [["Deny", "sqs:*", aws_sqs_queue.dlq.arn, "aws:SecureTransport", "false"]]
    }
    error_message = "Each queue's policy must refuse requests without TLS, and say nothing else."
  }
  assert {
    condition = {
      for k, p in aws_sqs_queue_policy.tls_only : k => p.queue_url
      } == {
      queue = aws_sqs_queue.this.id
      dlq   = aws_sqs_queue.dlq.id
    }
    error_message = "Each queue must carry its policy."
  }
}

run "outputs_name_both_queues" {
  assert {
    condition     = [output.queue_name, output.dlq_name] == ["media-lakehouse-dev-jikan", "media-lakehouse-dev-jikan-dlq"]
    error_message = "The dead-letter queue's name is the queue's with -dlq."
  }
  assert {
    condition = [output.queue_url, output.queue_arn, output.dlq_url, output.dlq_arn] == [
      aws_sqs_queue.this.url, aws_sqs_queue.this.arn, aws_sqs_queue.dlq.url, aws_sqs_queue.dlq.arn
    ]
    error_message = "URLs and ARNs must be those of the queues."
  }
}

run "refuses_a_name_with_a_dot" {
  command = plan
  variables {
    name = "media.lakehouse"
  }
  expect_failures = [var.name]
}

run "refuses_to_hide_a_message_for_days" {
  command = plan
  variables {
    visibility_timeout_seconds = 43201
  }
  expect_failures = [var.visibility_timeout_seconds]
}

run "refuses_to_try_never" {
  command = plan
  variables {
    max_receive_count = 0
  }
  expect_failures = [var.max_receive_count]
}
