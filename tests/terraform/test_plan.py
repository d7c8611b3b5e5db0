"""What Terraform would make: all that a source needs, encrypted, and nothing shared by accident."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_pipeline.configure import TFVARS, render_tfvars
from data_pipeline.settings import load_settings
from tests.terraform.conftest import Terraform
from tests.terraform.plans import Plan, Resource, read_plans

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"  # of terraform/tests/mocks


@pytest.fixture(scope="module")
def plans(new_terraform: Callable[[Path], Terraform]) -> dict[str, Plan]:
    return read_plans(new_terraform)


@pytest.fixture(scope="module")
def plan(plans: dict[str, Plan]) -> Plan:
    return plans["as_configured"]


def test_the_variables_follow_the_settings() -> None:
    text = (ROOT / TFVARS).read_text(encoding="utf-8")
    assert render_tfvars(load_settings(ROOT / "configs.ini")) == text, (
        f"run `make config`: {TFVARS}"
    )


# --- A source -----------------------------------------------------------------------------------

OF_A_SOURCE = {
    'module.queue["one_more"].aws_sqs_queue.this',
    'module.queue["one_more"].aws_sqs_queue.dlq',
    'module.queue["one_more"].aws_sqs_queue_policy.tls_only["queue"]',
    'module.queue["one_more"].aws_sqs_queue_policy.tls_only["dlq"]',
    'module.queue["one_more"].aws_sqs_queue_redrive_allow_policy.dlq',
    'module.secret["one_more"].aws_secretsmanager_secret.this',
    'module.secret["one_more"].aws_secretsmanager_secret_version.this',
    'module.extract["one_more"].aws_cloudwatch_log_group.this',
    'module.extract["one_more"].aws_lambda_function.this',
    'module.extract["one_more"].aws_lambda_event_source_mapping.this[0]',
    'module.extract_role["one_more"].aws_iam_role.this',
    'module.extract_role["one_more"].aws_iam_role_policy.this',
    'module.alarms.aws_cloudwatch_metric_alarm.metric["dlq-one-more"]',
}


def test_a_source_in_the_settings_is_all_that_it_takes(plans: dict[str, Plan]) -> None:
    before, after = plans["as_configured"], plans["one_more_source"]
    assert set(before) <= set(after)
    added = set(after) - set(before)
    assert added >= OF_A_SOURCE
    # Alarms on an expression take ten metrics, so a function can make another one necessary.
    more = {address for address in added - OF_A_SOURCE if "alarm.expression" not in address}
    assert more == set()

    function = after['module.extract["one_more"].aws_lambda_function.this']
    variables = function["environment"][0]["variables"]
    own = {name for name in variables if name.startswith("ONE_MORE_")}
    assert own == {f"ONE_MORE_{what}" for what in ("SETTINGS", "QUEUE_URL", "DLQ_URL", "SECRET")}
    assert (function["timeout"], function["memory_size"]) == (60, 512)
    queue = after['module.queue["one_more"].aws_sqs_queue.this']
    assert queue["visibility_timeout_seconds"] == 6 * 60
    mapping = after['module.extract["one_more"].aws_lambda_event_source_mapping.this[0]']
    assert mapping["scaling_config"] == [{"maximum_concurrency": 3}]


def test_what_is_shared_learns_of_an_added_source(plans: dict[str, Plan]) -> None:
    after = plans["one_more_source"]
    variables = {
        name: after[f'module.function["{name}"].aws_lambda_function.this']["environment"][0][
            "variables"
        ]
        for name in ("start-extraction", "completion", "check")
    }
    planner = {name for name in variables["start-extraction"] if name.startswith("ONE_MORE_")}
    assert planner == {"ONE_MORE_SETTINGS", "ONE_MORE_QUEUE_URL", "ONE_MORE_SECRET"}
    assert "ONE_MORE_SETTINGS" in variables["completion"]
    machine = after["module.orchestration.aws_sfn_state_machine.this"]["definition"]
    assert "'source':'one_more'" in machine
    landed = after["module.orchestration.aws_cloudwatch_event_rule.landed[0]"]["event_pattern"]
    assert {"prefix": "one_more/"} in json.loads(landed)["detail"]["object"]["key"]
    watched = [
        query["metric"][0]["dimensions"].get("FunctionName")
        for alarm in after.of_type("aws_cloudwatch_metric_alarm")
        for query in alarm["metric_query"]
        if query["metric"]
    ]
    assert "media-lakehouse-dev-extract-one-more" in watched


def test_credentials_are_in_no_plan(plans: dict[str, Plan]) -> None:
    plan = plans["one_more_source"]
    version = plan['module.secret["one_more"].aws_secretsmanager_secret_version.this']
    assert version["secret_string_wo_version"] >= 1
    assert "never-to-be-stored" not in plan.text


# --- Environments -------------------------------------------------------------------------------

NAMES = {
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_lambda_function": "function_name",
    "aws_lambda_layer_version": "layer_name",
    "aws_s3_bucket": "bucket",
}


def names(plan: Plan) -> set[tuple[str, str]]:
    """Return type and name of what has a name that its account knows once."""
    return {
        (its.type, its[NAMES.get(its.type, "name")])
        for its in plan.values()
        if NAMES.get(its.type, "name") in its.attributes
        # Known once to its workgroup.
        and its.type != "aws_athena_named_query"
    }


@pytest.mark.parametrize("other", ["production", "an_environment_with_a_hyphen"])
def test_two_environments_share_no_name(plans: dict[str, Plan], other: str) -> None:
    ours, theirs = names(plans["as_configured"]), names(plans[other])
    assert len(ours) > 100
    assert ours & theirs == set()


def test_every_name_says_whose_it_is(plan: Plan) -> None:
    others = {
        name
        for _, name in names(plan)
        if "media-lakehouse-dev" not in name and not name.startswith("media-lakehouse/dev/")
    }
    assert others == {"dev_silver", "dev_gold"}


def test_queries_name_the_environments_databases(plans: dict[str, Plan]) -> None:
    for name, prefix in (("as_configured", "dev_"), ("production", "")):
        queries = plans[name].of_type("aws_athena_named_query")
        assert len(queries) == len(list((ROOT / "sql").glob("*.sql")))
        for query in queries:
            assert query["database"] == f"{prefix}gold"
            named = re.findall(r"\b(?:from|join)\s+(\w+)\.\w+", query["query"], re.IGNORECASE)
            assert set(named) <= {f"{prefix}silver", f"{prefix}gold"}


def test_a_vpc_is_made_when_asked_for(plans: dict[str, Plan]) -> None:
    without, with_it = plans["as_configured"], plans["with_a_vpc"]
    assert not [address for address in without if address.startswith("module.networking")]
    added = set(with_it) - set(without)
    assert {address.split(".")[1] for address in added} == {"networking[0]"}
    kinds = {with_it[address].type for address in added}
    assert {"aws_vpc", "aws_subnet", "aws_vpc_endpoint", "aws_flow_log"} <= kinds
    assert not {"aws_nat_gateway", "aws_internet_gateway"} & kinds


# --- What is stored -----------------------------------------------------------------------------


def bucket_part(plan: Plan, kind: str) -> dict[str, Resource]:
    """Return a kind of resource that belongs to buckets, by the bucket's short name."""
    found = {}
    for resource in plan.of_type(kind):
        key = re.match(r'module\.bucket\["([a-z-]+)"\]', resource.address)
        found[key[1] if key else "logs"] = resource
    return found


ALL_BUCKETS = {"landing", "bronze", "silver", "gold", "artifacts", "athena-results", "logs"}


def test_buckets_are_closed_and_encrypted(plan: Plan) -> None:
    key = plan["module.kms.aws_kms_key.this"]["arn"]
    encryption = bucket_part(plan, "aws_s3_bucket_server_side_encryption_configuration")
    assert set(encryption) == ALL_BUCKETS
    for bucket, resource in encryption.items():
        (rule,) = resource["rule"]
        (default,) = rule["apply_server_side_encryption_by_default"]
        # S3 delivers its access logs to buckets with its own key only.
        expected = ("AES256", False) if bucket == "logs" else ("aws:kms", True)
        assert (default["sse_algorithm"], rule["bucket_key_enabled"]) == expected
        if bucket != "logs":
            assert default["kms_master_key_id"] == key
    blocks = bucket_part(plan, "aws_s3_bucket_public_access_block")
    assert set(blocks) == ALL_BUCKETS
    for block in blocks.values():
        for attribute in (
            *("block_public_acls", "block_public_policy"),
            *("ignore_public_acls", "restrict_public_buckets"),
        ):
            assert block[attribute] is True
    assert set(bucket_part(plan, "aws_s3_bucket_policy")) == ALL_BUCKETS
    assert set(bucket_part(plan, "aws_s3_bucket_logging")) == ALL_BUCKETS - {"logs"}


def test_what_can_be_fetched_only_once_is_versioned(plan: Plan) -> None:
    versioning = bucket_part(plan, "aws_s3_bucket_versioning")
    assert set(versioning) == {"landing", "bronze", "artifacts"}
    for resource in versioning.values():
        assert resource["versioning_configuration"][0]["status"] == "Enabled"


def test_raw_data_moves_to_glacier_and_stays_readable(plan: Plan) -> None:
    lifecycles = bucket_part(plan, "aws_s3_bucket_lifecycle_configuration")
    assert set(lifecycles) == ALL_BUCKETS
    classes = {
        bucket: [move["storage_class"] for rule in resource["rule"] for move in rule["transition"]]
        for bucket, resource in lifecycles.items()
    }
    assert {bucket for bucket, moves in classes.items() if moves} == {"landing", "bronze"}
    assert classes["bronze"] == classes["landing"] == ["GLACIER_IR"]


ENCRYPTED_BY = {
    "aws_athena_workgroup": "configuration",
    "aws_cloudwatch_log_group": "kms_key_id",
    "aws_glue_security_configuration": "encryption_configuration",
    "aws_lambda_function": "kms_key_arn",
    "aws_scheduler_schedule": "kms_key_arn",
    "aws_secretsmanager_secret": "kms_key_id",
    "aws_sns_topic": "kms_master_key_id",
    "aws_sqs_queue": "kms_master_key_id",
}


@pytest.mark.parametrize("kind", ENCRYPTED_BY)
def test_it_is_encrypted_with_the_key(plan: Plan, kind: str) -> None:
    key = plan["module.kms.aws_kms_key.this"]["arn"]
    for resource in plan.of_type(kind):
        value = resource[ENCRYPTED_BY[kind]]
        assert value == key or key in json.dumps(value), resource.address


def test_jobs_and_crawlers_have_the_security_configuration(plan: Plan) -> None:
    (configuration,) = plan.of_type("aws_glue_security_configuration")
    for resource in plan.of_type("aws_glue_job") + plan.of_type("aws_glue_crawler"):
        assert resource["security_configuration"] == configuration["name"]


# --- Queues, jobs, schedules --------------------------------------------------------------------


def test_failed_messages_go_to_the_dead_letters_and_stay(plan: Plan) -> None:
    queues = plan.of_type("aws_sqs_queue")
    pairs = [its for its in queues if its.address.endswith(".this")]
    assert len(pairs) * 2 == len(queues)
    for queue in pairs:
        dead = plan[queue.address.removesuffix(".this") + ".dlq"]
        assert json.loads(queue["redrive_policy"])["deadLetterTargetArn"] == dead["arn"]
        assert dead["name"] == f"{queue['name']}-dlq"
        assert dead["message_retention_seconds"] == 14 * 24 * 60 * 60
        source = re.search(r'"(.*)"', queue.address)
        assert source
        function = plan[f'module.extract["{source[1]}"].aws_lambda_function.this']
        # As Lambda asks for, so that a message is not taken twice.
        assert queue["visibility_timeout_seconds"] == 6 * function["timeout"]


def test_jobs_run_as_configured(plan: Plan) -> None:
    glue = load_settings(ROOT / "configs.ini").glue
    jobs = plan.of_type("aws_glue_job")
    assert {job["name"] for job in jobs} == {
        "media-lakehouse-dev-silver",
        "media-lakehouse-dev-gold",
    }
    for job in jobs:
        assert (job["glue_version"], job["worker_type"]) == (glue.version, glue.worker_type)
        assert job["number_of_workers"] == glue.workers
        assert job["execution_class"] == ("FLEX" if glue.flex else "STANDARD")
        # Delta on S3 takes one writer.
        assert job["execution_property"] == [{"max_concurrent_runs": 1}]


def test_the_schedule_is_that_of_the_settings(plan: Plan) -> None:
    settings = load_settings(ROOT / "configs.ini")
    machine = plan["module.orchestration.aws_sfn_state_machine.this"]
    expected: dict[str, tuple[str, Any]] = {
        "daily": (settings.schedule.cron, None),
        "maintenance": (settings.aws.maintenance_cron, True),
    }
    for name, (cron, maintain) in expected.items():
        schedule = plan[f"module.orchestration.aws_scheduler_schedule.{name}"]
        assert schedule["schedule_expression"] == f"cron({cron})"
        assert schedule["schedule_expression_timezone"] == settings.schedule.timezone
        (target,) = schedule["target"]
        assert target["arn"] == machine["arn"]
        assert json.loads(target["input"]).get("maintain") is maintain


def test_a_landed_file_starts_its_source_only(plan: Plan) -> None:
    sources = json.loads((ROOT / TFVARS).read_text(encoding="utf-8"))["sources"]
    files = {name for name, its in sources.items() if its["kind"] == "files"}
    rule = plan["module.orchestration.aws_cloudwatch_event_rule.landed[0]"]
    detail = json.loads(rule["event_pattern"])["detail"]
    assert detail["bucket"]["name"] == [f"media-lakehouse-dev-landing-{ACCOUNT}"]
    assert {its["prefix"] for its in detail["object"]["key"]} == {f"{name}/" for name in files}
    notification = bucket_part(plan, "aws_s3_bucket_notification")
    assert {bucket: its["eventbridge"] for bucket, its in notification.items()} == {"landing": True}
