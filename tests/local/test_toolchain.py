"""The Makefile, the locks and the skips of continuous integration."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
TARGETS = [
    "help",
    "init",
    "install",
    "run",
    "test",
    "lint",
    "format",
    "build",
    "package",
    "invoke",
    "query",
    "tables",
    "maintain",
    "bootstrap",
    "plan",
    "deploy",
    "destroy",
    "start",
    "rerun",
    "redrive",
    "athena",
    "checkov",
    "status",
    "clean",
    "lock",
    "config",
]

# Stands for the installed command: prints its arguments.
FAKE_COMMAND = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        # What `make test` passes on to a make started by its tests.
        if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "SQL", "ARGS", "CI")
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project's Makefile and what set-up reads, in a folder that is not set up."""
    for file in (ROOT / "Makefile", ROOT / "pyproject.toml", *LOCKS):
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture
def installed(clone: Path) -> Path:
    """The same where set-up has been done, with a stand-in for the command."""
    commands = clone / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "lakehouse").write_text(FAKE_COMMAND)
    (commands / "lakehouse").chmod(0o755)
    (clone / ".venv" / ".installed").write_text(f"{clone}\n")
    return clone


def test_make_alone_lists_every_target() -> None:
    listed = make(ROOT)
    assert listed.returncode == 0, listed.stderr
    described = dict(re.findall(r"^  ([a-z-]+) +(.+)$", listed.stdout, re.MULTILINE))
    assert set(TARGETS) <= set(described)


def test_nothing_is_installed_the_second_time(installed: Path) -> None:
    assert make(installed, "--question", "install").returncode == 0


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-build.lock", "pyproject.toml"])
def test_a_changed_dependency_is_installed(installed: Path, file: str) -> None:
    later = time.time() + 10
    os.utime(installed / file, (later, later))
    assert make(installed, "--question", "install").returncode == 1


def test_a_copied_environment_is_made_anew(installed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(installed, tmp_path / "copy")
    assert make(copy, "--question", "install").returncode == 1


def test_without_a_usable_python_the_message_says_what_to_do(clone: Path) -> None:
    refused = make(clone, "install", "PYTHON=/bin/false")
    assert refused.returncode == 2
    assert "No Python 3.11, 3.12 or 3.13" in refused.stderr
    assert "PYTHON=/path/to/python3.13" in refused.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["run"], ["run"]),
        (
            ["run", "SOURCES=tmdb movielens", "LIVE=1", "LIMIT=20", "ARGS=--again 1"],
            ["run", "tmdb", "movielens", "--live", "--limit", "20", "--again", "1"],
        ),
        (["query", "SQL=SELECT 1", "FORMAT=csv"], ["query", "SELECT 1", "--format", "csv"]),
        (["tables"], ["tables"]),
        (["status"], ["status"]),
        (["config"], ["config"]),
        (
            ["invoke", "FUNCTION=extract", "EVENT=events/extract.json"],
            ["invoke", "extract", "--event", "events/extract.json"],
        ),
    ],
)
def test_targets_call_the_command(installed: Path, arguments: list[str], passed: list[str]) -> None:
    called = make(installed, *arguments)
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout) == passed


def test_sql_reaches_the_command_as_it_is_written(installed: Path) -> None:
    sql = """SELECT "title", '$HOME', `x`, 5 % 2 -- it's $(all) "kept"\nFROM gold.movies"""
    called = make(installed, "query", f"SQL={sql}")
    assert json.loads(called.stdout) == ["query", sql]


def test_reset_deletes_nothing_unless_confirmed(installed: Path) -> None:
    assert "would delete .venv" in make(installed, "reset").stdout
    assert (installed / ".venv").exists()
    make(installed, "reset", "CONFIRM=1")
    assert not (installed / ".venv").exists()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_requirement_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    requirements = re.findall(
        r"^[a-z0-9][^ ]*==.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)+", text, re.M
    )
    assert len(requirements) == len(re.findall(r"^[^ #\n]", text, re.M))
    assert "://" not in text
    assert "--index" not in text


def test_the_layer_has_the_versions_that_the_tests_run_with() -> None:
    pinned = {
        name: set(re.findall(r"^([a-z0-9-]+==[^ ;]+)", (ROOT / name).read_text(), re.M))
        for name in ("requirements.lock", "requirements-layer.lock")
    }
    assert pinned["requirements-layer.lock"] <= pinned["requirements.lock"]


@pytest.mark.parametrize(
    ("reason", "ci", "status"),
    [("no Chromium", "", 0), ("no Chromium", "true", 1), ("only for ../shared: x", "true", 0)],
)
def test_ci_fails_for_a_skip_that_is_not_expected(
    tmp_path: Path, reason: str, ci: str, status: int
) -> None:
    test = tmp_path / "test_skips.py"
    test.write_text(
        f"import pytest\ndef test_one(): pytest.skip({reason!r})\ndef test_two(): ...\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.ci_skips", "-c", os.devnull, str(test)],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == status, ran.stdout
    assert (f"test_one: {reason}" in ran.stdout) == bool(status)
