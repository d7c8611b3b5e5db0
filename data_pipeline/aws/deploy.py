"""Plans, deploys and deletes an environment with Terraform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from data_pipeline.aws.account import Account, refusals
from data_pipeline.aws.preflight import Ready, check
from data_pipeline.aws.terraform import Terraform
from data_pipeline.configure import write_config
from data_pipeline.errors import AwsError
from data_pipeline.local import package
from data_pipeline.settings import Settings

BUILD = Path("build")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Planned:
    """A plan that can be applied; ``changes`` says whether it does anything."""

    account: Account
    terraform: Terraform
    file: Path
    changes: bool

    def apply(self) -> None:
        """Do it. Raises AwsError."""
        self.terraform.apply(self.file)


@contextmanager
def plan(settings: Settings, say: Say) -> Iterator[Planned]:
    """Check, build, show what a deployment would change, and yield that plan.

    Raises AwsError or LocalError before anything is changed.
    """
    with _prepared(settings, check(settings), say) as (account, terraform, file):
        yield Planned(account, terraform, file, terraform.plan(file))


@dataclass(frozen=True)
class Destruction:
    """A plan that deletes an environment: what, and which buckets stand in its way."""

    planned: Planned
    resources: Sequence[dict[str, Any]]
    filled: Sequence[str]

    def print(self, console: Console) -> None:
        """Say what would be deleted."""
        kinds = Counter(resource["type"] for resource in self.resources)
        account = self.planned.account
        console.print(
            f"Of {account.name} in account {account.number}, {account.region}, this would be "
            "deleted:",
            highlight=False,
            soft_wrap=True,
        )
        for kind, count in sorted(kinds.items()):
            names = [_name(it) for it in self.resources if it["type"] == kind]
            named = ": " + ", ".join(names) if kind in _NAMED else ""
            console.print(f"  {count:>3} {kind}{named}", highlight=False, soft_wrap=True)


# What cannot be had back by deploying again.
_NAMED = ("aws_s3_bucket", "aws_secretsmanager_secret", "aws_kms_key")


@contextmanager
def plan_destroy(settings: Settings, say: Say) -> Iterator[Destruction]:
    """Yield a plan that deletes the environment. Raises AwsError, or LocalError."""
    ready = check(settings, with_secrets=False)
    with _prepared(settings, ready, say) as (account, terraform, file):
        resources = terraform.plan_destroy(file)
        with refusals(account.region):
            filled = filled_buckets(account, resources)
        yield Destruction(Planned(account, terraform, file, bool(resources)), resources, filled)


def refuse_filled(destruction: Destruction) -> None:
    """Raise AwsError if a bucket could not be deleted: half an environment is worse than one."""
    if destruction.filled:
        raise AwsError(
            "nothing was deleted, because these buckets hold objects, and are to be deleted with "
            f"them only if you say so: {', '.join(destruction.filled)}. To say so, deploy with "
            "`TF_VAR_force_destroy=true make deploy`, and `make destroy` again."
        )


@contextmanager
def _prepared(
    settings: Settings, ready: Ready, say: Say
) -> Iterator[tuple[Account, Terraform, Path]]:
    """Write the configuration, build what is uploaded, and connect Terraform with its state.

    Yields also the file for a plan, which does not outlive the command.
    """
    account = ready.account
    say(f"Account {account.number}, {account.region}, as {account.caller}")
    for path in write_config(settings):
        say(f"{path} is brought up to date")
    say("Building the Lambdas' code and layer, and the Glue jobs' package")
    package.build(BUILD)
    package.build_glue(BUILD)
    say("Asking Terraform")
    terraform = Terraform(credentials=ready.credentials)
    terraform.init(ready.backend)
    with TemporaryDirectory() as folder:
        yield account, terraform, Path(folder, "plan")


def filled_buckets(account: Account, resources: Sequence[dict[str, Any]]) -> list[str]:
    """Return the buckets that Terraform will not delete, for they are to keep what they hold."""
    # Which it deletes before.
    own = {
        (it["change"]["before"]["bucket"], it["change"]["before"]["key"])
        for it in resources
        if it["type"] == "aws_s3_object"
    }
    return [
        _name(it)
        for it in resources
        if it["type"] == "aws_s3_bucket"
        and not it["change"]["before"].get("force_destroy")
        and _holds_others(account, _name(it), {key for bucket, key in own if bucket == _name(it)})
    ]


def _name(resource: dict[str, Any]) -> str:
    before = resource["change"]["before"]
    return str(before.get("bucket") or before.get("name") or before.get("arn"))


def _holds_others(account: Account, bucket: str, own: set[str]) -> bool:
    """Return whether a bucket holds objects other than ``own``, which are few."""
    s3 = account.client("s3")
    try:
        # Also those that were deleted but are kept as versions.
        held = s3.list_object_versions(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:
        return False
    versions = [*held.get("Versions", []), *held.get("DeleteMarkers", [])]
    return any(version["Key"] not in own for version in versions)
