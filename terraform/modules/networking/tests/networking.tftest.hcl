mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/vpc/media-lakehouse-dev" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/media-lakehouse-dev-flow-logs" }
  }
}

variables {
  name        = "media-lakehouse-dev"
  cidr        = "10.20.0.0/20"
  region      = "eu-west-1"
  kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

run "two_private_subnets_in_two_zones" {
  assert {
    condition = {
      for s in aws_subnet.private : s.availability_zone => s.cidr_block
      } == {
      "eu-west-1a" = "10.20.0.0/21"
      "eu-west-1b" = "10.20.8.0/21"
    }
    error_message = "The two subnets must share the range, in two zones."
  }
  assert {
    condition     = alltrue([for s in aws_subnet.private : s.map_public_ip_on_launch != true])
    error_message = "Nothing in a private subnet may get a public address."
  }
  assert {
    condition     = [for a in aws_route_table_association.private : a.route_table_id] == [aws_route_table.private.id, aws_route_table.private.id]
    error_message = "Both subnets must take the route table of the S3 endpoint."
  }
  assert {
    condition     = aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames
    error_message = "Without DNS the endpoints do not answer under the services' names."
  }
}

run "four_endpoints" {
  assert {
    condition     = aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-west-1.s3" && aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.route_table_ids == toset([aws_route_table.private.id])
    error_message = "S3 must be reached by a gateway endpoint, which is free."
  }
  assert {
    condition = toset([for e in aws_vpc_endpoint.interface : e.service_name]) == toset([
      "com.amazonaws.eu-west-1.glue", "com.amazonaws.eu-west-1.logs", "com.amazonaws.eu-west-1.secretsmanager"
    ])
    error_message = "Glue, logs and Secrets Manager must have an interface endpoint each."
  }
  assert {
    condition = alltrue([
      for e in aws_vpc_endpoint.interface :
      e.private_dns_enabled && e.subnet_ids == toset(aws_subnet.private[*].id) && e.security_group_ids == toset([aws_security_group.members.id])
    ])
    error_message = "Interface endpoints must answer under the usual names, in both subnets, to members."
  }
  assert {
    condition     = toset(keys(output.endpoints)) == toset(["s3", "glue", "logs", "secretsmanager"])
    error_message = "The output must name the four endpoints: got ${join(", ", keys(output.endpoints))}."
  }
}

run "members_reach_each_other_and_s3_only" {
  assert {
    condition = [
      for r in aws_security_group.members.ingress : [r.self, r.protocol, r.cidr_blocks == null && r.ipv6_cidr_blocks == null]
    ] == [[true, "tcp", true]]
    error_message = "Members must be reached by members only, not by addresses."
  }
  assert {
    condition = toset([
      for r in aws_security_group.members.egress : join(" ", concat([r.self == true ? "members" : "others", "${r.from_port}-${r.to_port}"], r.prefix_list_ids == null ? [] : r.prefix_list_ids))
    ]) == toset(["members 0-65535", "others 443-443 ${aws_vpc_endpoint.s3.prefix_list_id}"])
    error_message = "Members must reach members, and S3 by TLS, and nothing else."
  }
  assert {
    condition     = aws_default_security_group.closed.vpc_id == aws_vpc.this.id
    error_message = "The VPC's default group must be taken over, to have no rules."
  }
  assert {
    condition     = output.vpc_id == aws_vpc.this.id && output.subnet_ids == aws_subnet.private[*].id && output.security_group_id == aws_security_group.members.id
    error_message = "The outputs must be those of the VPC."
  }
}

run "flow_logs_are_kept_and_encrypted" {
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow.arn && aws_flow_log.this.iam_role_arn == aws_iam_role.flow.arn
    error_message = "All traffic must be logged to the log group."
  }
  assert {
    condition     = aws_cloudwatch_log_group.flow.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 365
    error_message = "Flow logs must be encrypted with the customer key, and kept for a year."
  }
  assert {
    condition = [
      for s in data.aws_iam_policy_document.flow.statement : [s.actions, s.resources]
      ] == [[
        toset(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]),
        toset(["${aws_cloudwatch_log_group.flow.arn}:*"]),
    ]]
    error_message = "The role may write to this log group and do nothing else."
  }
  assert {
    condition = [
      for s in data.aws_iam_policy_document.flow_trust.statement :
      [one(one(s.principals).identifiers), one(s.condition).variable, one(one(s.condition).values)]
    ] == [["vpc-flow-logs.amazonaws.com", "aws:SourceAccount", "111122223333"]]
    error_message = "Flow logs of this account only may take the role."
  }
}

run "refuses_a_range_that_is_too_small" {
  command = plan
  variables {
    cidr = "10.20.0.0/27"
  }
  expect_failures = [var.cidr]
}

run "refuses_an_address_inside_a_range" {
  command = plan
  variables {
    cidr = "10.20.1.0/20"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_range_that_is_none" {
  command = plan
  variables {
    cidr = "everything"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_region_that_is_none" {
  command = plan
  variables {
    region = "Ireland"
  }
  expect_failures = [var.region]
}

run "refuses_a_name_that_is_too_long" {
  command = plan
  variables {
    name = "a-name-that-goes-on-and-on-and-on-until-no-role-can-be-called-so"
  }
  expect_failures = [var.name]
}
