"""Runs Terraform in terraform/.

Secrets reach it as TF_VAR_credentials in its environment: a command line is seen by everybody on
the machine, and a file stays.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.errors import AwsError

FOLDER = Path("terraform")
LEAST_VERSION = (1, 11)
# The provider's version constraint in terraform/versions.tf: ~> 5.100
PROVIDER = Path("hashicorp", "aws")
PROVIDER_VERSION = (5, 100)

# Where people, images and packages keep a mirror of providers.
MIRROR_ROOTS = ("/opt", "/usr/local/share", "/usr/share", "~/.terraform.d", "~/.local/share")
MIRROR_DEPTH = 4

Credentials = Mapping[str, Mapping[str, str]]


class Terraform:
    """Terraform on a folder. ``credentials`` are the sources' secrets, by source and field."""

    def __init__(self, folder: Path = FOLDER, credentials: Credentials | None = None) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            # Given each time, also empty: what was set for a plan has to be set to apply it.
            "TF_VAR_credentials": json.dumps(credentials or {}),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }

    def init(self, backend: Mapping[str, str]) -> None:
        """Prepare the folder, for the state that ``backend`` says. Raises AwsError."""
        mirror = plugin_dir()
        self._quietly(
            "init",
            # An earlier environment's state is left where it is.
            "-reconfigure",
            *([f"-plugin-dir={mirror}"] if mirror else []),
            *(f"-backend-config={key}={value}" for key, value in backend.items()),
        )

    def plan(self, out: Path) -> bool:
        """Show what would change, keep it in ``out``, return whether anything would."""
        arguments = (f"-out={out.resolve()}", "-detailed-exitcode", "-lock-timeout=60s")
        status, _, _ = self._run(["plan", *arguments])
        if status not in (0, 2):
            raise AwsError("terraform plan failed; what it said stands above")
        return status == 2

    def plan_destroy(self, out: Path) -> list[dict[str, Any]]:
        """Return what ``terraform destroy`` would delete, and keep that plan in ``out``.

        Each is {"address", "type", "change": {"before": attributes}}, as in Terraform's JSON.
        """
        self._quietly("plan", "-destroy", f"-out={out.resolve()}", "-lock-timeout=60s")
        planned = json.loads(self._quietly("show", "-json", str(out.resolve())))
        return [
            change
            for change in planned.get("resource_changes", [])
            if "delete" in change["change"]["actions"]
        ]

    def apply(self, plan: Path) -> None:
        """Do what ``plan`` says. Raises AwsError."""
        status, _, _ = self._run(["apply", "-lock-timeout=60s", str(plan.resolve())])
        if status != 0:
            raise AwsError(
                "terraform apply failed; what it said stands above. What was done until then "
                "stays, and the same command goes on from there."
            )

    def outputs(self) -> dict[str, Any]:
        """Return the values of the root's outputs."""
        return {
            name: its["value"] for name, its in json.loads(self._quietly("output", "-json")).items()
        }

    def _quietly(self, *arguments: str) -> str:
        """Return what a command prints. Raises AwsError with what it complains of."""
        status, printed, complaints = self._run(arguments, capture=True)
        if status != 0:
            raise AwsError(
                f"terraform {arguments[0]} failed:\n{complaints.strip() or printed.strip()}"
            )
        return printed

    def _run(self, arguments: Sequence[str], capture: bool = False) -> tuple[int, str, str]:
        """Return status, output and errors of a command."""
        # Only these take it.
        colours = arguments[0] in ("init", "plan", "apply")
        plain = ["-no-color"] if colours and (capture or not sys.stdout.isatty()) else []
        pipe = subprocess.PIPE if capture else None
        process = subprocess.Popen(
            [_executable(), arguments[0], *plain, *arguments[1:]],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        stopped = False
        while True:
            try:
                printed, complaints = process.communicate()
                break
            except KeyboardInterrupt:
                # Terraform got it as well. Killing it would lose what it has made and leave the
                # state locked; it ends by itself.
                stopped = True
        if stopped:
            raise KeyboardInterrupt
        return process.returncode, printed or "", complaints or ""


def _executable() -> str:
    found = shutil.which("terraform")
    if found is None:
        raise AwsError("Terraform is not on the PATH")
    return found


def version() -> str | None:
    """Return the version of the Terraform on PATH ("1.11.4"), or None where there is none."""
    if shutil.which("terraform") is None:
        return None
    answer = subprocess.run(
        [_executable(), "version", "-json"], capture_output=True, text=True, check=False
    )
    try:
        return str(json.loads(answer.stdout)["terraform_version"])
    except (ValueError, KeyError):
        return "unknown"


def plugin_dir() -> Path | None:
    """Return a local mirror that holds the AWS provider for this machine, or None.

    It is what ``init -plugin-dir`` takes: a folder with HOST/hashicorp/aws/VERSION/PLATFORM.
    TERRAFORM_PLUGIN_DIR names one; else it is looked for where mirrors usually are. Raises
    AwsError where the named folder is no such mirror.
    """
    if named := os.environ.get("TERRAFORM_PLUGIN_DIR"):
        folder = Path(named).expanduser().resolve()
        if not any(_is_host(host) for host in _folders(folder)):
            raise AwsError(
                f"TERRAFORM_PLUGIN_DIR = {named} holds no AWS provider for this machine; expected "
                f"HOST/{PROVIDER}/5.100.0/{_platform()} below it, with the registry as HOST, "
                "or the variable not set: Terraform then downloads it"
            )
        return folder
    for root in MIRROR_ROOTS:
        if found := next(_mirrors(Path(root).expanduser(), MIRROR_DEPTH), None):
            return found
    return None


def _mirrors(folder: Path, depth: int) -> Iterator[Path]:
    for child in _folders(folder):
        if _is_host(child):
            yield folder
        elif depth > 1:
            yield from _mirrors(child, depth - 1)


def _is_host(folder: Path) -> bool:
    """Return whether the provider lies below ``folder``, for this platform, in a fit version."""
    return any(
        _is_fit(version.name) and (version / _platform()).is_dir()
        for version in _folders(folder / PROVIDER)
    )


def _is_fit(version: str) -> bool:
    numbers = version.split(".")
    if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
        return False
    major, minor = int(numbers[0]), int(numbers[1])
    return major == PROVIDER_VERSION[0] and minor >= PROVIDER_VERSION[1]


def _folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, without links: they may lead in circles."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(it.path) for it in entries if it.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _platform() -> str:
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{platform.system().lower()}_{names.get(machine, machine)}"
