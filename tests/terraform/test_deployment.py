"""What `terraform apply` made, and that a second one would make nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
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


def leaves(document: Any) -> Iterator[str]:
    """Yield every text of a JSON document, and those of JSON within them."""
    if isinstance(document, dict | list):
        for its in document.values() if isinstance(document, dict) else document:
            yield from leaves(its)
    elif isinstance(document, str):
        yield document
        if document.startswith(("{", "[")):
            with suppress(ValueError):
                yield from leaves(json.loads(document))


def test_no_secret_is_in_plan_or_state(deployed: Deployment) -> None:
    secrets = deployed.client("secretsmanager")
    kept = set(leaves([json.loads(deployed.terraform.run("state", "pull")), deployed.plan]))
    # What is looked for would be found: settings stand there as JSON in JSON.
    assert "https://api.themoviedb.org/3" not in kept
    assert deployed.outputs["name"] in kept
    for name in deployed.outputs["secrets"].values():
        value = secrets.get_secret_value(SecretId=name)["SecretString"]
        assert not {value, *json.loads(value).values()} & kept
