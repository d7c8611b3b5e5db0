"""The `lakehouse` command as a person runs it: a process of its own, on a home of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from data_pipeline.local.home import ACCOUNT
from tests.bronze.conftest import free_port

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SECONDS = 300


@dataclass
class Lake:
    """A folder with configs.ini and template.yaml to run the command in, and its home."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("lakehouse")), *arguments]

    def run(
        self, *arguments: str, status: int = 0, seconds: float = SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and expect its exit status."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As from a terminal: where the tests run in the background, Ctrl-C may be ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def set(self, old: str, new: str) -> None:
        """Change configs.ini."""
        path = self.folder / "configs.ini"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def objects(self, layer: str) -> Path:
        return self.home / "s3" / ACCOUNT / f"media-lakehouse-local-{layer}-{ACCOUNT}"

    def tables(self, layer: str) -> dict[str, DeltaTable]:
        folders = self.objects(layer).glob("*/_delta_log")
        return {path.parent.name: DeltaTable(str(path.parent)) for path in sorted(folders)}

    def rows(self, layer: str, table: str) -> list[dict[str, Any]]:
        """Return a table's rows, read by another engine than the one that wrote them."""
        rows: list[dict[str, Any]] = (
            self.tables(layer)[table].to_pyarrow_table().to_pylist(maps_as_pydicts="lossy")
        )
        return rows

    def versions(self) -> dict[str, int]:
        """Return the version of each table but the job's own report."""
        return {
            f"{layer}.{name}": table.version()
            for layer in ("silver", "gold")
            for name, table in self.tables(layer).items()
            if name != "load_audit"
        }

    def content(self) -> dict[str, list[str]]:
        """Return the rows of each table, without what says when they were fetched or written."""
        moments = ("_fetched_at", "_updated_at", "quarantined_at")
        return {
            f"{layer}.{name}": sorted(
                repr({k: v for k, v in row.items() if k not in moments})
                for row in self.rows(layer, name)
            )
            for layer in ("silver", "gold")
            for name in self.tables(layer)
            if name != "load_audit"
        }

    def processes(self) -> list[str]:
        """Return the commands of the processes that hold this lake's home, a run's or its own."""
        return [
            command
            for folder in Path("/proc").glob("[0-9]*")
            if (command := _command(folder)) and str(self.home) in command
        ]


def _command(process: Path) -> str:
    try:
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        environment = (process / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return f"{command} {environment}" if command else ""


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def stop(process: subprocess.Popen[str], by: signal.Signals) -> str:
    """Send a signal, wait for the end, return what was printed."""
    process.send_signal(by)
    return process.communicate(timeout=60)[0]


def lake_in(folder: Path) -> Lake:
    """Make an empty folder one to run the command in, with a home and a port of its own."""
    for name in ("configs.ini", "template.yaml", "events", "sql"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder / name)
    # The layer is built once for all.
    (ROOT / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(ROOT / "build")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TMDB_", "SPOTIFY_"))
    }
    environment |= {"LAKEHOUSE_HOME": str(folder / "home"), "LAKEHOUSE_PORT": str(free_port())}
    return Lake(folder, environment)


@pytest.fixture(scope="session")
def new_lake(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lake]:
    return lambda: lake_in(tmp_path_factory.mktemp("lake"))


@pytest.fixture
def lake(new_lake: Callable[[], Lake]) -> Iterator[Lake]:
    lake = new_lake()
    yield lake
    wait_for(lambda: not lake.processes(), 30)
