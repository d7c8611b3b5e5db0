"""Terraform's plans of all modules together, without AWS and without credentials.

They are those of the runs in terraform/tests/root.tftest.hcl, whose provider is made up: what a
policy document says, and what AWS gives a resource (ARNs, URLs), is not in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.terraform.conftest import TERRAFORM, Terraform


@dataclass(frozen=True)
class Resource:
    address: str
    type: str
    attributes: dict[str, Any]

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]


class Plan(dict[str, Resource]):
    """What would be made, by address."""

    text: str

    def of_type(self, kind: str) -> list[Resource]:
        found = [resource for resource in self.values() if resource.type == kind]
        assert found, f"the plan makes no {kind}"
        return found


@cache
def read_plans(new_terraform: Callable[[Path], Terraform]) -> dict[str, Plan]:
    """Run the root's tests, which have to succeed; return the plan of each run."""
    plans = {}
    for line in new_terraform(TERRAFORM).run("test", "-json", "-verbose").splitlines():
        if '"type":"test_plan"' not in line:
            continue
        # 14 MB, nearly all of it the provider's schema.
        message = json.loads(line)
        changes = message["test_plan"]["resource_changes"]
        plan = Plan(
            (it["address"], Resource(it["address"], it["type"], it["change"]["after"]))
            for it in changes
            if it["mode"] == "managed"
        )
        plan.text = json.dumps(changes)
        plans[message["@testrun"]] = plan
    return plans
