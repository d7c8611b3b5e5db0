"""Each module, and the root, by itself: format, validity, its own tests, its documentation.

Modules are found on disk: a new one is tested by being there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terraform.conftest import TERRAFORM, Terraform

MODULES = sorted(path.parent for path in TERRAFORM.glob("modules/*/main.tf"))
FOLDERS = [TERRAFORM, *MODULES]

of_each_module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
of_each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_there_are_modules() -> None:
    assert len(MODULES) >= 15


def test_everything_is_formatted() -> None:
    Terraform(TERRAFORM, dict(os.environ)).run("fmt", "-check", "-recursive")


# The root's own tests run in test_plan.py, which reads their plans too.
@of_each_module
def test_it_is_valid_and_its_tests_pass(
    folder: Path, new_terraform: Callable[[Path], Terraform]
) -> None:
    assert list(folder.glob("tests/*.tftest.hcl"))
    terraform = new_terraform(folder)
    terraform.run("validate")
    printed = terraform.run("test", "-no-color")
    passed = re.search(r"(\d+) passed, 0 failed", printed)
    assert passed
    assert int(passed[1]) > 0


def test_the_root_is_valid(new_terraform: Callable[[Path], Terraform]) -> None:
    new_terraform(TERRAFORM).run("validate")


@of_each_module
def test_its_example_is_valid(folder: Path, new_terraform: Callable[[Path], Terraform]) -> None:
    example = folder / "examples" / "basic"
    new_terraform(example).run("validate")
    assert 'source = "../.."' in (example / "main.tf").read_text(encoding="utf-8")


# --- What it says of itself ---------------------------------------------------------------------


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Return name and body of the top-level blocks of a kind; `terraform fmt` indents the rest."""
    for file in sorted(folder.glob("*.tf")):
        text = file.read_text(encoding="utf-8")
        yield from re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)


def described(body: str) -> bool:
    text = re.search(r'^  description\s+= "(.+)"$', body, re.MULTILINE)
    return text is not None and len(text[1]) > 3


@of_each_folder
def test_variables_and_outputs_are_described(folder: Path) -> None:
    variables = dict(blocks(folder, "variable"))
    outputs = dict(blocks(folder, "output"))
    assert variables
    assert outputs
    for name, body in (*variables.items(), *outputs.items()):
        assert described(body), name
    for name, body in variables.items():
        assert re.search(r"^  type\s+= ", body, re.MULTILINE), f"{name} has no type"


@of_each_module
def test_its_readme_names_what_it_takes_and_gives(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", readme)) | set(re.findall(r"^ *(\w+) += ", readme, re.M))
    required = {name for name, body in blocks(folder, "variable") if "\n  default" not in body}
    assert required <= named
    assert {name for name, _ in blocks(folder, "output")} <= named
    # The names in its example are the module's.
    example = re.search(r"```hcl\n(.*?)```", readme, re.DOTALL)
    assert example
    given = set(re.findall(r"^  (\w+)\s+= ", example[1], re.MULTILINE)) - {"source", "for_each"}
    assert given <= {name for name, _ in blocks(folder, "variable")}


@of_each_folder
def test_it_states_its_versions_and_no_module_a_provider(folder: Path) -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.tf")}
    assert 'required_version = ">= 1.11"' in files["versions.tf"]
    # The tags module makes nothing and needs no provider.
    if folder.name != "tags":
        assert re.search(
            r'source\s+= "hashicorp/aws"\n\s+version\s+= "~> 5\.100"', files["versions.tf"]
        )
    if folder != TERRAFORM:
        assert not [name for name, text in files.items() if re.search(r"^provider ", text, re.M)]


def test_nothing_is_left_in_the_tree() -> None:
    left = [path.name for path in TERRAFORM.rglob("*") if path.name.startswith(".terraform")]
    # The lock of a plugin mirror is of that machine only, and git ignores it.
    assert set(left) <= {".terraform.lock.hcl"}
