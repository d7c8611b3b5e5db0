output "topic_arn" {
  description = "ARN of the topic, for alarms, budgets and the state machine. Known once services may publish to it."
  value       = aws_sns_topic.this.arn

  depends_on = [aws_sns_topic_policy.this]
}
