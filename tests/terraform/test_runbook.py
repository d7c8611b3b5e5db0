"""Whoever an alarm wakes finds in docs/runbook.md what the alarm's text points to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
MODULE = ROOT / "terraform/modules/alarms"
ALARMS = (MODULE / "main.tf").read_text(encoding="utf-8")
ALARMS_TEST = (MODULE / "tests/alarms.tftest.hcl").read_text(encoding="utf-8")
CHECK = (ROOT / "data_pipeline/orchestration/check.py").read_text(encoding="utf-8")


def anchors() -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(anchor: str) -> str:
    sections = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)
    return next(its for its in sections if its.lower().replace(" ", "-").startswith(anchor))


def named_in_terraform() -> dict[str, str]:
    """Return the anchors that Terraform's files name, and where."""
    found = {}
    for path in sorted((ROOT / "terraform").rglob("*.tf*")):
        if path.is_file() and ".terraform" not in path.parts:
            text = path.read_text(encoding="utf-8")
            for anchor in re.findall(r"docs/runbook\.md#([a-z0-9-]+)", text):
                found[anchor] = str(path.relative_to(ROOT))
    return found


def test_what_alarms_point_to_is_there() -> None:
    named = named_in_terraform()
    assert len(named) >= 10
    assert {a: where for a, where in named.items() if a not in anchors()} == {}


@pytest.mark.parametrize("anchor", sorted(named_in_terraform()))
def test_it_says_how_to_look_and_mend(anchor: str) -> None:
    parts = re.findall(r"\*\*(Look|Mend|Mended)\b", section(anchor))
    assert parts == ["Look", "Mend", "Mended"]


def test_every_alarm_is_named() -> None:
    # Of which the module's own test says that they are all.
    listed = re.search(r"keys\(output\.alarms\).*?for alarm in \[(.*?)\]", ALARMS_TEST, re.DOTALL)
    assert listed
    names = re.findall(r'"([a-z-]+)"', listed[1])
    alarms = {"dlq-SOURCE" if name.startswith("dlq-") else name for name in names}
    lines = re.findall(r"^\*Alarms? (.*?)(?:, e-mail .*)?\.\*", RUNBOOK, re.MULTILINE)
    named = {name for line in lines for name in re.findall(r"`([\w-]+)`", line)}
    assert {name.removesuffix("-2") for name in named} == alarms


def test_links_within_it() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) <= anchors()


def test_its_commands_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z-]+):(.*?)(?=^$)", makefile, re.MULTILINE | re.DOTALL)
    recipes = dict(rules)
    commands = re.findall(r"(?:^ *|`)make ([a-z-]+)([^`\n]*)", RUNBOOK, re.MULTILINE)
    assert len(commands) > 20
    for target, arguments in commands:
        assert target in recipes
        # What the command gives is taken by the recipe.
        for name in re.findall(r" ([A-Z_]+)=", arguments.partition('SQL="')[0]):
            assert f"$({name})" in recipes[target], f"make {target} {name}="


def test_each_metric_that_is_emitted_has_an_alarm() -> None:
    emitted = set(re.findall(r'add_metric\("(\w+)"', CHECK))
    watched = set(re.findall(r'metric += "(\w+)"', ALARMS))
    assert len(emitted) == 5
    assert emitted <= watched
