output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = aws_sfn_state_machine.this.arn
}

output "schedules" {
  description = "Names of the schedules: daily and maintenance."
  value = {
    daily       = aws_scheduler_schedule.daily.name
    maintenance = aws_scheduler_schedule.maintenance.name
  }
}

output "schedule_group" {
  description = "Name of the schedules' group."
  value       = aws_scheduler_schedule_group.this.name
}
