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

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from data_pipeline.errors import TableError

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


class Storage:
    """A layer's folder, through Spark's Hadoop file system (s3://, file://, ...)."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._jvm: Any = spark.sparkContext._jvm
        self._root = root.rstrip("/")
        context: Any = spark.sparkContext
        self._files: Any = self._path("").getFileSystem(context._jsc.hadoopConfiguration())

    def address(self, table: str) -> str:
        """Return the address of ``table``."""
        return f"{self._root}/{table}"

    def names(self, folder: str = "") -> list[str]:
        """Return the names in ``folder``, none if it does not exist.

        Raises TableError if it cannot be listed for another reason, such as a missing bucket.
        """
        try:
            found = self._files.listStatus(self._path(folder))
        except Py4JJavaError as error:
            if error.java_exception.getClass().getSimpleName() == "FileNotFoundException":
                return []
            reason = str(error.java_exception.getMessage()).split("\n", 1)[0]
            raise TableError(f"{self._root}/{folder} cannot be listed: {reason}") from error
        return [status.getPath().getName() for status in found]

    def commits(self, table: str) -> Iterator[Commit]:
        """Yield the commits of ``table`` that its log still holds, newest first.

        A commit is read when it is asked for. A table that does not exist has none.
        """
        log = f"{table}/_delta_log"
        for name in sorted(filter(_COMMIT.fullmatch, self.names(log)), reverse=True):
            yield _commit(int(name[:20]), self._text(f"{log}/{name}"))

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

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self._root}/{name}")

    def _text(self, name: str) -> str:
        stream = self._files.open(self._path(name))
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()


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
