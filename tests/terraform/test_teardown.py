"""`terraform destroy` leaves nothing. The last of these files: the others need what it destroys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.terraform.conftest import NAME, Deployment

LISTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "s3": ("list_buckets", "Buckets", {}),
    "sqs": ("list_queues", "QueueUrls", {"QueueNamePrefix": NAME}),
    "secretsmanager": ("list_secrets", "SecretList", {}),
    "stepfunctions": ("list_state_machines", "stateMachines", {}),
    "scheduler": ("list_schedules", "Schedules", {}),
    "events": ("list_rules", "Rules", {}),
    "sns": ("list_topics", "Topics", {}),
    "cloudwatch": ("describe_alarms", "MetricAlarms", {}),
}


@pytest.mark.timeout(900)
def test_nothing_is_left(deployed: Deployment) -> None:
    def listed() -> dict[str, list[Any]]:
        found = {
            service: getattr(deployed.client(service), call)(**arguments).get(name) or []
            for service, (call, name, arguments) in LISTS.items()
        }
        glue, iam = deployed.client("glue"), deployed.client("iam")
        functions = deployed.client("lambda").list_functions()["Functions"]
        return {
            **found,
            "jobs": glue.get_jobs()["Jobs"],
            "crawlers": glue.get_crawlers()["Crawlers"],
            "databases": glue.get_databases()["DatabaseList"],
            "functions": functions,
            "roles": [role for role in iam.list_roles()["Roles"] if NAME in role["RoleName"]],
            "workgroups": [
                group
                for group in deployed.client("athena").list_work_groups()["WorkGroups"]
                if group["Name"] != "primary"
            ],
        }

    before = listed()
    assert all(before.values()), {name for name, its in before.items() if not its}
    # What the tests added by hand would keep the roles.
    iam = deployed.client("iam")
    for role in before["roles"]:
        if "batches" in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            iam.delete_role_policy(RoleName=role["RoleName"], PolicyName="batches")
    deployed.terraform.run("destroy", "-auto-approve", "-no-color")
    assert deployed.terraform.run("state", "list") == ""
    assert listed() == {name: [] for name in before}
