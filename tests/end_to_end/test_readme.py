"""Every command that the README shows, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.bronze.conftest import free_port
from tests.end_to_end.conftest import DATA, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
# What a reader puts in: a path of their own, a key of their own.
FILLED_IN = {
    "path/to/ml-latest-small": str(DATA / "movielens" / "ml-latest-small"),
    "path/to/recorded-answers": str(DATA / "tmdb"),
    "TMDB_TOKEN=…": "TMDB_TOKEN=x",
}


def commands() -> list[str]:
    """Return the lines of the console blocks and the inline `make …`, without comments."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`((?:make|\.venv/bin/lakehouse) ?[^`]*)`", README)
    found = dict.fromkeys([*filter(None, lines), *inline])
    # `make run` first: what the others ask for is there then.
    return sorted(found, key=lambda command: command != "make run")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("readme")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("TMDB_", "MAKE"))},
        "LAKEHOUSE_HOME": str(home),
        "LAKEHOUSE_PORT": str(free_port()),
    }


def execute(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, value in FILLED_IN.items():
        command = command.replace(name, value)
    if command == "make test":
        # The tests run already; here it only has to find them.
        command += " ARGS='--collect-only -q tests/test_settings.py'"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme(command: str, environment: dict[str, str]) -> None:
    if "path/to" in command and not DATA.is_dir():
        pytest.skip("only for ../shared, whose recorded data may not be redistributed")
    done = execute(command, environment)
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    if "LIVE=1" in command:
        # Without the internet and a key of ours it has to say so, whichever comes first.
        assert re.search(r"Error: .*(cannot be reached|answered 401)", printed, re.DOTALL), printed
        return
    assert done.returncode == 0, printed
    if command == "make run":
        assert "Done in" in done.stdout
    if "LIMIT 10" in command:
        assert "10 rows" in done.stdout
        assert done.stdout.count("\n") >= 13


def test_there_are_commands() -> None:
    found = commands()
    assert {"make run", "make test", "make tables", "make config"} <= set(found)


def test_the_folders_are_there() -> None:
    for path in re.findall(r"`((?:data_pipeline|tests|sql|events|benchmarks)[\w/]*)/?`", README):
        assert Path(ROOT / path).is_dir(), path
