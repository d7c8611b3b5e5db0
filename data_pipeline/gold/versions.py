"""Which commit last changed a Delta table's data, read from its log.

``DeltaTable.history`` answers that too, with a Spark job a table. The log is a published format
(delta-io/delta, PROTOCOL.md), and the newest commit nearly always is the one looked for: a
listing and one small file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from data_pipeline.storage import Storage

_COMMIT = re.compile(r"\d{20}\.json")


@dataclass(frozen=True)
class Commit:
    """A commit of a Delta table; ``changes_data`` is false for OPTIMIZE, VACUUM and the like."""

    version: int
    timestamp: int
    user_metadata: str
    changes_data: bool

    def __str__(self) -> str:
        # With the moment, because a table that was made anew counts from 0 again.
        return f"{self.version}@{self.timestamp}"


class Layer:
    """The tables of a layer, by their logs; ``root`` is the layer's address."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._storage = Storage(spark)
        self._root = root.rstrip("/")

    def address(self, table: str) -> str:
        """Return the address of ``table``."""
        return f"{self._root}/{table}"

    def names(self) -> list[str]:
        """Return the names of the layer's folders. Raises TableError if it cannot be listed."""
        return self._storage.folders(self._root)

    def commits(self, table: str) -> Iterator[Commit]:
        """Yield the commits of ``table`` that its log still holds, newest first.

        A commit is read when it is asked for. A table that does not exist has none.
        """
        log = f"{self.address(table)}/_delta_log"
        names = [entry.name for entry in self._storage.entries(log)]
        for name in sorted(filter(_COMMIT.fullmatch, names), reverse=True):
            yield _commit(int(name[:20]), self._storage.read_text(f"{log}/{name}") or "")

    def data_version(self, table: str) -> str | None:
        """Return what identifies the data of ``table``, None if there is no such table.

        It is the last commit that changed data. Where the log holds none (a table that never
        had a row, or one whose log was cleaned up since), it is the oldest commit that it holds.
        """
        commit = None
        for commit in self.commits(table):
            if commit.changes_data:
                break
        return str(commit) if commit else None


def _commit(version: int, text: str) -> Commit:
    info: dict[str, Any] = {}
    changes_data = False
    for line in text.splitlines():
        action = json.loads(line)
        info = action.get("commitInfo", info)
        file = action.get("add") or action.get("remove") or {}
        changes_data = changes_data or file.get("dataChange", False)
        if info and changes_data:
            break
    return Commit(version, info.get("timestamp", 0), info.get("userMetadata", ""), changes_data)
