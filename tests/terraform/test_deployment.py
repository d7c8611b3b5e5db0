"""What `terraform apply` made, and that a second one would make nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.terraform.conftest import Deployment

pytestmark = pytest.mark.timeout(900)

# What the emulator takes and does not keep; everything else has to be as it was applied.
NOT_KEPT = {
    "aws_glue_crawler": {"tags_all"},
    "aws_glue_job": {"execution_class", "execution_property", "tags_all"},
    "aws_sfn_state_machine": {"tracing_configuration"},
}
# Of these it keeps nearly nothing.
NOT_KEPT_AT_ALL = {"aws_cloudwatch_metric_alarm"}


def changed(change: dict[str, Any]) -> set[str]:
    before, after, unknown = (change[part] or {} for part in ("before", "after", "after_unknown"))
    return {name for name in {*before, *after} if before.get(name) != after.get(name)} | {
        name for name, its in unknown.items() if its is True
    }


def test_everything_is_made_at_the_first_time(deployed: Deployment) -> None:
    made = [
        resource["change"]["actions"]
        for resource in deployed.plan["resource_changes"]
        if resource["mode"] == "managed"
    ]
    assert made.count(["create"]) == len(made) > 100


def test_a_second_plan_changes_nothing(deployed: Deployment) -> None:
    resources = [
        resource
        for resource in deployed.second_plan["resource_changes"]
        if resource["mode"] == "managed"
    ]
    for resource in resources:
        actions, kind = resource["change"]["actions"], resource["type"]
        if actions == ["no-op"] or kind in NOT_KEPT_AT_ALL:
            continue
        assert actions == ["update"], resource["address"]
        assert changed(resource["change"]) <= NOT_KEPT.get(kind, set()), resource["address"]
    assert len(resources) > 100
    outputs = deployed.second_plan["output_changes"].values()
    assert {tuple(output["actions"]) for output in outputs} == {("no-op",)}


def test_no_secret_is_in_plan_or_state(deployed: Deployment) -> None:
    secrets = deployed.client("secretsmanager")
    state = deployed.terraform.run("state", "pull")
    for name in deployed.outputs["secrets"].values():
        value = secrets.get_secret_value(SecretId=name)["SecretString"]
        for key, text in json.loads(value).items():
            # An id is no secret, and the sandbox's is a word that stands in file names too.
            if key != "client_id":
                assert len(text) > 5
                assert text not in state
                assert text not in str(deployed.plan)
