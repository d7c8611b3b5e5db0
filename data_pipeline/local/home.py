"""Where a laptop's lakehouse keeps its state: `.lakehouse/`, or LAKEHOUSE_HOME."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import LocalError

ACCOUNT = "000000000000"
ENVIRONMENT = "local"


@dataclass(frozen=True)
class Home:
    """The folders below one LAKEHOUSE_HOME, and the names of the buckets kept there."""

    root: Path
    project: str

    @classmethod
    def of(cls, project: str) -> Home:
        """Return the home that the environment names."""
        return cls(Path(os.environ.get("LAKEHOUSE_HOME", ".lakehouse")).resolve(), project)

    @property
    def s3(self) -> Path:
        """Where the emulator keeps objects as plain files: <account>/<bucket>/<key>."""
        return self.root / "s3"

    @property
    def state(self) -> Path:
        """What the emulator writes at a clean stop."""
        return self.root / "state"

    @property
    def log(self) -> Path:
        return self.root / "emulator.log"

    @property
    def gold_is_current(self) -> Path:
        """Holds the code's fingerprint while no silver load is newer than the gold tables."""
        return self.root / "gold-is-current"

    def bucket(self, layer: str) -> str:
        return f"{self.project}-{ENVIRONMENT}-{layer}-{ACCOUNT}"

    def bucket_path(self, layer: str) -> Path:
        return self.s3 / ACCOUNT / self.bucket(layer)

    def uri(self, layer: str) -> str:
        return f"s3://{self.bucket(layer)}"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for this process: one writer per layer, as on AWS.

        Raises LocalError where another command holds it. The lock goes with its process.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / "lock").open("a+")
        except OSError as error:
            raise LocalError(
                f"{self.root} cannot be written to: {error.strerror}. Set LAKEHOUSE_HOME to a "
                "folder that can."
            ) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise LocalError(
                    f"another lakehouse command (process {file.read() or 'unknown'}) is at work in "
                    f"{self.root}. Wait for it, or set LAKEHOUSE_HOME to another folder."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def json_objects(folder: Path, pattern: str = "*.json") -> Iterator[Path]:
    """Yield the JSON objects below ``folder``; the emulator keeps their metadata beside them."""
    return (path for path in folder.glob(pattern) if not path.name.endswith(".meta.json"))
