"""Who may do what, as applied: each has a role of its own, that reaches no further than it must.

Read from Terraform's state, where policies are what was sent, with all that a plan cannot know.
That the rights suffice is what the other tests of the deployment show: the emulator refuses what
no policy allows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from data_pipeline.settings import load_settings
from tests.terraform.conftest import ROOT, Deployment
from tests.terraform.plans import Resource

pytestmark = pytest.mark.timeout(1200)

SOURCES = [name for name, its in load_settings(ROOT / "configs.ini").sources.items() if its.enabled]

# What may be asked for on all resources, and why.
ON_EVERYTHING = {
    "glue:GetSecurityConfiguration": "Glue knows no resources for it",
    "xray:GetSamplingRules": "X-Ray knows no resources",
    "xray:GetSamplingTargets": "X-Ray knows no resources",
    "xray:PutTelemetryRecords": "X-Ray knows no resources",
    "xray:PutTraceSegments": "X-Ray knows no resources",
    # A state machine's log: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    "logs:CreateLogDelivery": "log deliveries know no resources",
    "logs:DeleteLogDelivery": "log deliveries know no resources",
    "logs:DescribeLogGroups": "log deliveries know no resources",
    "logs:DescribeResourcePolicies": "log deliveries know no resources",
    "logs:GetLogDelivery": "log deliveries know no resources",
    "logs:ListLogDeliveries": "log deliveries know no resources",
    "logs:PutResourcePolicy": "log deliveries know no resources",
    "logs:UpdateLogDelivery": "log deliveries know no resources",
}

# What may be asked for on something that does not bear the environment's name, and why.
NOT_BY_NAME = {
    "catalog": "an account has one catalogue; asking for a table asks for it too",
    "log-group:/aws-glue/*": "Glue names its log groups by configuration and role",
}


@dataclass(frozen=True)
class Right:
    role: str
    action: str
    resource: str

    @property
    def service(self) -> str:
        return self.action.partition(":")[0]


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def statements(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = policy["Statement"]
    yield from found if isinstance(found, list) else [found]


@dataclass(frozen=True)
class Roles:
    """The roles by their names without the environment's, and what they may do."""

    trust: dict[str, dict[str, Any]]
    rights: list[Right]

    def of(self, role: str) -> list[Right]:
        found = [right for right in self.rights if right.role == role]
        assert found, f"{role} may do nothing"
        return found


@pytest.fixture(scope="module")
def state(deployed: Deployment) -> list[Resource]:
    """What there is after everything was applied."""
    return list(resources_of(deployed.second_plan["prior_state"]["values"]["root_module"]))


def resources_of(module: dict[str, Any]) -> Iterator[Resource]:
    for its in module.get("resources", []):
        if its["mode"] == "managed":
            yield Resource(its["address"], its["type"], its["values"])
    for child in module.get("child_modules", []):
        yield from resources_of(child)


def of_type(state: list[Resource], kind: str) -> list[Resource]:
    found = [its for its in state if its.type == kind]
    assert found
    return found


@pytest.fixture(scope="module")
def roles(state: list[Resource], deployed: Deployment) -> Roles:
    # Each policy ends with its role and is nobody else's; no role has one of AWS's wide ones.
    # One alone is for people, attached by whoever governs them.
    kinds = {its.type for its in state if its.type.startswith("aws_iam_")}
    assert kinds == {"aws_iam_role", "aws_iam_role_policy", "aws_iam_policy"}
    prefix = f"{deployed.outputs['name']}-"
    trust: dict[str, dict[str, Any]] = {}
    rights: list[Right] = []
    for role in of_type(state, "aws_iam_role"):
        assert role["name"].startswith(prefix)
        assert role["managed_policy_arns"] == []
        trust[role["name"].removeprefix(prefix)] = json.loads(role["assume_role_policy"])
    for policy in of_type(state, "aws_iam_role_policy"):
        name = policy["role"].removeprefix(prefix)
        rights += rights_of(name, json.loads(policy["policy"]))
    (analyst,) = of_type(state, "aws_iam_policy")
    rights += rights_of(analyst["name"].removeprefix(prefix), json.loads(analyst["policy"]))
    return Roles(trust, rights)


def rights_of(role: str, policy: dict[str, Any]) -> Iterator[Right]:
    for statement in statements(policy):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield Right(role, action, resource)


# --- All roles ----------------------------------------------------------------------------------


def test_nothing_may_be_done_by_a_wildcard(roles: Roles) -> None:
    assert len(roles.rights) > 150
    assert [right for right in roles.rights if "*" in right.action] == []


def test_what_is_asked_for_on_everything_is_listed(roles: Roles) -> None:
    everywhere = {right.action for right in roles.rights if right.resource == "*"}
    assert everywhere == set(ON_EVERYTHING)


def test_no_right_reaches_beyond_the_environment(
    roles: Roles, state: list[Resource], deployed: Deployment
) -> None:
    outputs = deployed.outputs
    (key,) = of_type(state, "aws_kms_key")
    own = (
        outputs["name"],
        *outputs["secrets"].values(),
        *(f":database/{name}" for name in outputs["databases"].values()),
        *(f":table/{name}/" for name in outputs["databases"].values()),
    )
    for right in roles.rights:
        if right.resource == "*":
            continue
        if right.service == "kms":
            assert right.resource == key["arn"]
            # Glue encrypts jobs' bookmarks with the key itself, not with a data key.
            of_glue = ("kms:Encrypt",) if right.role.startswith(("job-", "crawler-")) else ()
            assert right.action in ("kms:Decrypt", "kms:GenerateDataKey", *of_glue)
        elif not any(name in right.resource for name in own):
            assert any(part in right.resource for part in NOT_BY_NAME), right
        # Within a name there is no wildcard: silver and not s*.
        head = right.resource.removesuffix(":*").removesuffix("/*")
        assert "*" not in head or "/aws-glue/" in head, right


def test_every_role_is_for_one_service(roles: Roles, deployed: Deployment) -> None:
    services = {}
    for role, policy in roles.trust.items():
        (statement,) = statements(policy)
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == "sts:AssumeRole"
        ((kind, service),) = statement["Principal"].items()
        assert kind == "Service"
        services[role] = service
        if service != "lambda.amazonaws.com":
            # Else the service could be talked into using it for another account.
            account = deployed.outputs["account"]
            expected = {"StringEquals": {"aws:SourceAccount": account}}
            assert statement["Condition"] == expected, role
    functions = {role for role, service in services.items() if service == "lambda.amazonaws.com"}
    assert functions == set(deployed.outputs["functions"])
    assert services.items() - {(role, "lambda.amazonaws.com") for role in functions} == {
        ("crawler-gold", "glue.amazonaws.com"),
        ("crawler-silver", "glue.amazonaws.com"),
        ("events", "events.amazonaws.com"),
        ("job-gold", "glue.amazonaws.com"),
        ("job-silver", "glue.amazonaws.com"),
        ("scheduler", "scheduler.amazonaws.com"),
        ("state-machine", "states.amazonaws.com"),
    }


def test_no_two_share_a_role(state: list[Resource], roles: Roles) -> None:
    functions = of_type(state, "aws_lambda_function")
    for function in functions:
        assert function["role"].endswith(f":role/{function['function_name']}")
    roles_in_use = [
        *(function["role"] for function in functions),
        *(job["role_arn"] for job in of_type(state, "aws_glue_job")),
        *(crawler["role"] for crawler in of_type(state, "aws_glue_crawler")),
        *(machine["role_arn"] for machine in of_type(state, "aws_sfn_state_machine")),
    ]
    # By name: a crawler may show its role's name or its ARN.
    users = Counter(role.rpartition("/")[2] for role in roles_in_use)
    assert set(users.values()) == {1}
    # The two others are those of the schedules and of the rule for landed files.
    assert len(roles.trust) == len(users) + 2


# --- Extractors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES)
def test_an_extractor_reaches_its_own_source_only(
    source: str, roles: Roles, deployed: Deployment
) -> None:
    name, dashed = deployed.outputs["name"], source.replace("_", "-")
    buckets = deployed.outputs["buckets"]
    function = f"extract-{dashed}"
    for right in roles.of(function):
        match right.service:
            case "sqs":
                queue = right.resource.rpartition(":")[2]
                assert queue in (f"{name}-{dashed}", f"{name}-{dashed}-dlq")
                if queue.endswith("-dlq"):
                    assert right.action == "sqs:SendMessage"
            case "secretsmanager":
                assert right.action == "secretsmanager:GetSecretValue"
                secret = right.resource.partition(":secret:")[2].rpartition("-")[0]
                assert secret == deployed.outputs["secrets"][source]
            case "s3" if right.action == "s3:ListBucket":
                assert right.resource == f"arn:aws:s3:::{buckets['bronze']}"
            case "s3":
                bucket, _, key = right.resource.removeprefix("arn:aws:s3:::").partition("/")
                if bucket == buckets["landing"]:
                    assert (right.action, key) == ("s3:GetObject", f"{source}/*")
                else:
                    assert bucket == buckets["bronze"]
                    assert right.action in ("s3:GetObject", "s3:PutObject")
                    assert key in (f"{source}/*", f"_runs/{source}/*")
            case "logs":
                assert right.resource.endswith(f":log-group:/aws/lambda/{name}-{function}:*")
            case _:
                assert right.service in ("kms", "xray")
    with_secret = any(right.service == "secretsmanager" for right in roles.of(function))
    assert with_secret == (source in deployed.outputs["secrets"])


# --- Who changes what ---------------------------------------------------------------------------


def objects(roles: Roles, deployed: Deployment, action: str) -> dict[str, set[str]]:
    """Return where each role may do ``action``, as bucket/key with the buckets' short names."""
    buckets = {name: short for short, name in deployed.outputs["buckets"].items()}
    found: dict[str, set[str]] = {}
    for right in roles.rights:
        if right.action == action:
            bucket, _, key = right.resource.removeprefix("arn:aws:s3:::").partition("/")
            found.setdefault(right.role, set()).add(f"{buckets[bucket]}/{key}")
    return found


def test_only_jobs_delete_and_no_raw_data(roles: Roles, deployed: Deployment) -> None:
    assert objects(roles, deployed, "s3:DeleteObject") == {
        "job-silver": {"silver/*", "bronze/_pending/*"},
        "job-gold": {"gold/*"},
    }
    deleting = {right.action for right in roles.rights if ":Delete" in right.action}
    assert deleting == {"s3:DeleteObject", "sqs:DeleteMessage", "logs:DeleteLogDelivery"}


def test_each_layer_is_written_by_its_own(roles: Roles, deployed: Deployment) -> None:
    writers: dict[str, set[str]] = {}
    for role, places in objects(roles, deployed, "s3:PutObject").items():
        for place in places:
            writers.setdefault(place.partition("/")[0], set()).add(role)
    extractors = {f"extract-{source.replace('_', '-')}" for source in SOURCES}
    assert writers == {
        "landing": {"start-extraction"},
        "bronze": {"start-extraction", "completion", *extractors},
        # Glue asks for a crawler of Delta tables that may write.
        "silver": {"job-silver", "crawler-silver"},
        "gold": {"job-gold", "crawler-gold"},
        "athena-results": {"analyst"},
    }


def test_secrets_are_read_by_who_calls_the_publisher(roles: Roles, deployed: Deployment) -> None:
    readers = {right.role for right in roles.rights if right.service == "secretsmanager"}
    with_secret = {source.replace("_", "-") for source in deployed.outputs["secrets"]}
    assert readers == {"start-extraction", *(f"extract-{source}" for source in with_secret)}


def test_only_the_state_machine_starts_things(roles: Roles, deployed: Deployment) -> None:
    for service in ("glue:Start", "lambda:", "sns:"):
        doers = {right.role for right in roles.rights if right.action.startswith(service)}
        assert doers == {"state-machine"}, service
    starters = {right.role for right in roles.rights if right.service == "states"}
    assert starters == {"scheduler", "events"}
    machine = deployed.outputs["state_machine_arn"]
    assert {right.resource for right in roles.rights if right.service == "states"} == {machine}


# --- What resources say of themselves -----------------------------------------------------------


WITH_POLICY = (
    "aws_s3_bucket_policy",
    "aws_sqs_queue_policy",
    "aws_sns_topic_policy",
    "aws_kms_key",
)


def resource_policies(state: list[Resource]) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for kind in WITH_POLICY:
        for its in of_type(state, kind):
            yield its, json.loads(its["policy"])


def test_no_resource_lets_others_in(state: list[Resource], deployed: Deployment) -> None:
    for its, policy in resource_policies(state):
        for statement in statements(policy):
            if statement["Effect"] == "Deny":
                continue
            principal = statement["Principal"]
            assert principal not in ("*", {"AWS": "*"}), its.address
            if "AWS" in principal:
                # The account itself, whose policies then decide.
                assert principal["AWS"] == f"arn:aws:iam::{deployed.outputs['account']}:root"
            elif principal != {"Service": "events.amazonaws.com"}:
                # EventBridge sends nothing to tell accounts by (terraform/modules/notifications).
                assert statement["Condition"], its.address


def test_everything_is_refused_without_tls(state: list[Resource]) -> None:
    for kind in ("aws_s3_bucket", "aws_sqs_queue", "aws_sns_topic"):
        assert len(of_type(state, kind)) == len(of_type(state, f"{kind}_policy"))
    for its, policy in resource_policies(state):
        if its.type == "aws_kms_key":  # AWS offers it by TLS only
            continue
        refused = [
            statement["Principal"]
            for statement in statements(policy)
            if statement["Effect"] == "Deny"
            and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert refused == ["*"], its.address


def test_bronze_takes_no_object_twice(state: list[Resource], deployed: Deployment) -> None:
    (policy,) = (
        json.loads(its["policy"])
        for its in of_type(state, "aws_s3_bucket_policy")
        if its["bucket"] == deployed.outputs["buckets"]["bronze"]
    )
    (once,) = (its for its in statements(policy) if its.get("Sid") == "PutOnce")
    assert (once["Effect"], once["Action"], once["Principal"]) == ("Deny", "s3:PutObject", "*")
    assert once["Condition"] == {"Null": {"s3:if-none-match": "true"}}
