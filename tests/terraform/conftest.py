"""terraform/ as it is, applied to the emulator, with the publishers' sandboxes behind it.

The emulator enforces IAM (AUTH=true): a function has the rights of its role and no others. It
runs no Glue job and no crawler; what the state machine gets from them there is made up.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_pipeline.aws.terraform import plugin_dir
from data_pipeline.configure import render_tfvars
from data_pipeline.local import package
from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import Home
from data_pipeline.local.publishers import Choice, publishers
from data_pipeline.settings import load_settings
from tests.bronze.conftest import free_port

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
NAME = "media-lakehouse-test"

# The emulator is on another address than AWS, and knows no buckets in host names.
OVERRIDE = """
terraform {
  backend "local" {}
}

provider "aws" {
  access_key        = "test"
  secret_key        = "test"
  s3_use_path_style = true
}
"""

# What the states that ask for Glue are answered, by test case; all others are not mocked.
RUN = {"0-99": {"Return": {"JobRunState": "SUCCEEDED"}}}
# As Glue writes it, without blanks.
FAILED_RUN = '{"ErrorMessage":"1 of 23 tables failed: no luck","JobRunState":"FAILED"}'
JOBS = dict.fromkeys(("Silver", "Gold", "MaintainSilver", "MaintainGold"), "Run")
MOCKS = {
    "StateMachines": {
        NAME: {
            "TestCases": {
                "Jobs": JOBS,
                "SilverFails": {**JOBS, "Silver": "FailedRun"},
                "GoldFails": {**JOBS, "Gold": "FailedRun"},
                "SilverBusy": {**JOBS, "Silver": "BusyThenRun"},
                "CrawlerFails": {
                    **JOBS,
                    "PointCrawler": "Started",
                    "StartCrawler": "Started",
                    "GetCrawler": "FailedCrawl",
                },
            }
        }
    },
    "MockedResponses": {
        "Run": RUN,
        "FailedRun": {"0-99": {"Throw": {"Error": "States.TaskFailed", "Cause": FAILED_RUN}}},
        "BusyThenRun": {
            "0-1": {"Throw": {"Error": "Glue.ConcurrentRunsExceededException", "Cause": "busy"}},
            "2": {"Return": {"JobRunState": "SUCCEEDED"}},
        },
        "Started": {"0-99": {"Return": {}}},
        "FailedCrawl": {
            "0-99": {
                "Return": {
                    "Crawler": {
                        "State": "READY",
                        "LastCrawl": {"Status": "FAILED", "ErrorMessage": "no access"},
                    }
                }
            }
        },
    },
}

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="Terraform is not on the PATH"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(needs_terraform)


@dataclass
class Terraform:
    """Terraform in a folder, with its working data elsewhere."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, status: int = 0) -> str:
        """Return what the command printed, which has to end with ``status``."""
        done = subprocess.run(
            ["terraform", f"-chdir={self.folder}", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{arguments}\n{done.stdout[-8000:]}\n{done.stderr}"
        return done.stdout

    def init(self, *arguments: str) -> None:
        mirror = plugin_dir()
        plugins = [f"-plugin-dir={mirror}"] if mirror else []
        self.run("init", "-no-color", *arguments, *plugins)

    def plan(self) -> dict[str, Any]:
        """Make the file ``plan``, and return it as Terraform's JSON."""
        self.run("plan", "-out=plan")
        plan: dict[str, Any] = json.loads(self.run("show", "-json", "plan"))
        return plan


@pytest.fixture(scope="session")
def new_terraform(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Terraform]:
    def new(folder: Path) -> Terraform:
        data = tmp_path_factory.mktemp("data")
        terraform = Terraform(folder, {**os.environ, "TF_DATA_DIR": str(data)})
        terraform.init("-backend=false")
        return terraform

    return new


@dataclass
class Deployment:
    """What was applied: its outputs, the plan, and the plan that was made right afterwards."""

    terraform: Terraform
    emulator: Emulator
    outputs: dict[str, Any]
    plan: dict[str, Any]
    second_plan: dict[str, Any]

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        pages = self.emulator.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.outputs["buckets"][bucket], Prefix=prefix
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Apply everything to an emulator of its own."""
    root = tmp_path_factory.mktemp("deployed")
    shutil.copytree(
        TERRAFORM, root / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
    )
    for name in ("data_pipeline", "sql"):
        (root / name).symlink_to(ROOT / name)
    _build(root / "build")
    (root / "terraform" / "emulator_override.tf").write_text(OVERRIDE)
    mocks = root / "mocks.json"
    mocks.write_text(json.dumps(MOCKS))

    settings = load_settings(ROOT / "configs.ini")
    home = Home(root / "home", "media-lakehouse")
    options = {
        "AUTH": "true",
        # Buckets and queues refuse what does not come by TLS.
        "USE_SSL": "1",
        "SFN_MOCK_CONFIG": str(mocks),
        # A tenth of all waits; with less, retries are over before the emulator has got over
        # starting several processes of a function at once, which now and then fails.
        "SFN_WAIT_SCALE": "0.1",
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        publishers(settings, home, list(settings.sources), Choice({})) as chosen,
    ):
        patch.setenv("LAKEHOUSE_PORT", str(free_port()))
        with Emulator(home, settings.project.region, options) as emulator:
            variables = json.loads(render_tfvars(settings))
            for source, publisher in chosen.items():
                variables["sources"][source]["settings"] = publisher.settings_json
            variables |= {"environment": "test", "force_destroy": True}
            (root / "terraform" / "test.auto.tfvars.json").write_text(json.dumps(variables))
            secrets = {source: its.secret for source, its in chosen.items() if its.secret}
            terraform = Terraform(
                root / "terraform",
                {
                    **os.environ,
                    "AWS_ENDPOINT_URL": emulator.endpoint,
                    "AWS_CA_BUNDLE": str(emulator.certificate),
                    "TF_DATA_DIR": str(root / "data"),
                    "TF_VAR_credentials": json.dumps(secrets),
                },
            )
            terraform.init()
            plan = terraform.plan()
            terraform.run("apply", "-no-color", "plan")
            # All zips made anew: a deployment with nothing changed has nothing to change.
            shutil.rmtree(root / "build")
            _build(root / "build")
            second_plan = terraform.plan()
            outputs = {
                name: its["value"]
                for name, its in json.loads(terraform.run("output", "-json")).items()
            }
            _make_up_for_the_emulator(emulator, outputs)
            yield Deployment(terraform, emulator, outputs, plan, second_plan)


def _build(folder: Path) -> None:
    package.build(folder)
    package.build_glue(folder)


def _make_up_for_the_emulator(emulator: Emulator, outputs: dict[str, Any]) -> None:
    # It does not know the condition s3:if-none-match, and so refuses all puts.
    emulator.s3.delete_bucket_policy(Bucket=outputs["buckets"]["bronze"])
    # On AWS a batch needs sqs:SendMessage; it asks for an action of that name.
    iam = emulator.client("iam")
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            sends = [
                {**statement, "Action": "sqs:SendMessageBatch", "Sid": f"Batch{number}"}
                for number, statement in enumerate(document["Statement"])
                if "sqs:SendMessage" in statement["Action"]
            ]
            if sends:
                batches = {"Version": document["Version"], "Statement": sends}
                iam.put_role_policy(
                    RoleName=name, PolicyName="batches", PolicyDocument=json.dumps(batches)
                )
