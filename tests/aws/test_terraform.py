from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data_pipeline.aws import terraform
from data_pipeline.aws.terraform import Terraform, plugin_dir
from data_pipeline.errors import AwsError

HOST = "registry.example"
SECRET = {"tmdb": {"token": "s3cr3t"}}


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERRAFORM_PLUGIN_DIR", raising=False)
    monkeypatch.setattr(terraform, "MIRROR_ROOTS", ())


def provider(folder: Path, version: str = "5.100.0", platform: str | None = None) -> Path:
    path = folder / HOST / "hashicorp/aws" / version / (platform or terraform._platform())
    path.mkdir(parents=True)
    return folder


class Recorded:
    """What a script in Terraform's place was called with."""

    def __init__(self, folder: Path, executable: Callable[[str], Path], answer: str = "") -> None:
        self.arguments = folder / "arguments"
        self.environment = folder / "environment"
        executable(
            f'printf "%s\\n" "$@" > {self.arguments}\npwd >> {self.arguments}\n'
            f"env > {self.environment}\n{answer}"
        )

    @property
    def lines(self) -> list[str]:
        return self.arguments.read_text(encoding="utf-8").splitlines()


# --- the mirror -----------------------------------------------------------------------------


def test_a_mirror_is_found_by_its_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = provider(tmp_path / "share" / "terraform" / "plugins")
    monkeypatch.setattr(terraform, "MIRROR_ROOTS", (str(tmp_path / "gone"), str(tmp_path)))
    assert plugin_dir() == mirror


def test_a_mirror_may_be_one_of_the_usual_places_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "MIRROR_ROOTS", (str(provider(tmp_path)),))
    assert plugin_dir() == tmp_path


@pytest.mark.parametrize(
    ("version", "platform"),
    [("5.99.0", None), ("6.1.0", None), ("5.100.0", "plan9_mips"), ("5.100.0-beta1", None)],
)
def test_a_mirror_without_the_provider_for_this_machine_is_passed_over(
    version: str, platform: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider(tmp_path / "old", version, platform)
    monkeypatch.setattr(terraform, "MIRROR_ROOTS", (str(tmp_path),))
    assert plugin_dir() is None


def test_what_lies_too_deep_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider(tmp_path / "a" / "b" / "c" / "d" / "e")
    (tmp_path / "circle").symlink_to(tmp_path)
    monkeypatch.setattr(terraform, "MIRROR_ROOTS", (str(tmp_path),))
    assert plugin_dir() is None


def test_the_variable_names_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform, "MIRROR_ROOTS", (str(provider(tmp_path / "usual")),))
    named = provider(tmp_path / "named")
    monkeypatch.setenv("TERRAFORM_PLUGIN_DIR", str(named))
    assert plugin_dir() == named


@pytest.mark.parametrize("folder", ["gone", f"mirror/{HOST}"])
def test_a_variable_that_names_no_mirror_is_an_error(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider(tmp_path / "mirror")
    monkeypatch.setenv("TERRAFORM_PLUGIN_DIR", str(tmp_path / folder))
    with pytest.raises(AwsError, match=r"TERRAFORM_PLUGIN_DIR = .* expected HOST/hashicorp/aws/"):
        plugin_dir()


# --- what Terraform is called with ----------------------------------------------------------


def test_init_names_the_backend_and_the_mirror(
    tmp_path: Path, executable: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Recorded(tmp_path, executable)
    monkeypatch.setenv("TERRAFORM_PLUGIN_DIR", str(provider(tmp_path / "mirror")))
    Terraform(tmp_path).init({"bucket": "b", "key": "dev/terraform.tfstate"})
    assert recorded.lines == [
        "init",
        "-no-color",
        "-reconfigure",
        f"-plugin-dir={tmp_path / 'mirror'}",
        "-backend-config=bucket=b",
        "-backend-config=key=dev/terraform.tfstate",
        str(tmp_path),
    ]


def test_init_without_a_mirror_downloads(tmp_path: Path, executable: Callable[[str], Path]) -> None:
    recorded = Recorded(tmp_path, executable)
    Terraform(tmp_path).init({})
    assert recorded.lines == ["init", "-no-color", "-reconfigure", str(tmp_path)]


def test_plan_and_apply_use_one_file(tmp_path: Path, executable: Callable[[str], Path]) -> None:
    recorded = Recorded(tmp_path, executable, "exit 2")
    assert Terraform(tmp_path).plan(tmp_path / "x.tfplan") is True
    assert recorded.lines[:-1] == [
        "plan",
        "-no-color",
        f"-out={tmp_path / 'x.tfplan'}",
        "-detailed-exitcode",
        "-lock-timeout=60s",
    ]
    recorded = Recorded(tmp_path, executable)
    assert Terraform(tmp_path).plan(tmp_path / "x.tfplan") is False
    Terraform(tmp_path).apply(tmp_path / "x.tfplan")
    assert recorded.lines[:-1] == [
        "apply",
        "-no-color",
        "-lock-timeout=60s",
        str(tmp_path / "x.tfplan"),
    ]


def test_credentials_are_in_the_environment_and_nowhere_else(
    tmp_path: Path, executable: Callable[[str], Path]
) -> None:
    recorded = Recorded(tmp_path, executable)
    Terraform(tmp_path, SECRET).apply(tmp_path / "x.tfplan")
    assert not any("s3cr3t" in line for line in recorded.lines)
    variables = dict(
        line.partition("=")[::2] for line in recorded.environment.read_text().splitlines()
    )
    assert json.loads(variables["TF_VAR_credentials"]) == SECRET
    assert "s3cr3t" not in json.dumps(dict(os.environ))


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_failure_is_an_error(
    command: str, tmp_path: Path, executable: Callable[[str], Path]
) -> None:
    Recorded(tmp_path, executable, "exit 1")
    with pytest.raises(AwsError, match=f"terraform {command} failed"):
        getattr(Terraform(tmp_path), command)(tmp_path / "x.tfplan")


def test_a_failure_of_init_says_what_terraform_said(
    tmp_path: Path, executable: Callable[[str], Path]
) -> None:
    Recorded(tmp_path, executable, "echo 'no such provider' >&2; exit 1")
    with pytest.raises(AwsError, match="terraform init failed:\nno such provider"):
        Terraform(tmp_path).init({})


def test_ctrl_c_lets_terraform_end_by_itself(
    tmp_path: Path, executable: Callable[[str], Path]
) -> None:
    """Killed, it would leave the state locked, and what it had made out of it."""
    done = tmp_path / "done"
    executable(
        f"trap 'sleep 1; echo saved > {done}; exit 1' INT\n"
        f"touch {tmp_path}/up\n"
        "while :; do sleep 0.1; done"
    )
    code = f"""
        from pathlib import Path
        from data_pipeline.aws.terraform import Terraform
        try:
            Terraform(Path({str(tmp_path)!r})).apply(Path("x.tfplan"))
        except KeyboardInterrupt:
            print("stopped")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # As a terminal does: to all of them.
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert (printed, done.read_text()) == ("stopped\n", "saved\n")


# --- the real one ---------------------------------------------------------------------------

ROOT_MODULE = """
variable "credentials" {
  type      = map(map(string))
  default   = {}
  ephemeral = true
  sensitive = true
}
variable "force" {
  type    = string
  default = "a"
}
resource "terraform_data" "it" { input = var.force }
output "it" { value = terraform_data.it.output }
"""


@pytest.mark.skipif(shutil.which("terraform") is None, reason="Terraform is not on the PATH")
def test_the_real_terraform_plans_applies_and_destroys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.tf").write_text(ROOT_MODULE)
    plan = tmp_path / "x.tfplan"
    it = Terraform(tmp_path, SECRET)
    it.init({})
    assert it.plan(plan) is True
    it.apply(plan)
    assert it.outputs() == {"it": "a"}
    assert it.plan(plan) is False
    assert [change["address"] for change in it.plan_destroy(plan)] == ["terraform_data.it"]
    it.apply(plan)
    assert it.outputs() == {}
    assert it.plan_destroy(plan) == []
    held = [
        file for file in tmp_path.rglob("*") if file.is_file() and b"s3cr3t" in file.read_bytes()
    ]
    assert held == []
