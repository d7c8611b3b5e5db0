"""Files beside the tables, through Spark's own Hadoop file systems (s3, file, …).

The jobs know nothing of where they run, so they list, read and delete by the same file system
classes, settings and credentials with which Spark reads its data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError

from data_pipeline.errors import TableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MISSING = "java.io.FileNotFoundException"


@dataclass(frozen=True)
class Entry:
    """One entry of a folder; ``modified`` is in milliseconds since 1970, UTC."""

    name: str
    is_folder: bool
    modified: int


class Storage:
    """Lists, reads, writes and deletes by path on any file system that Spark knows."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._conf: Any = spark._jsc.hadoopConfiguration()

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what lies directly in ``folder``, in no order; nothing if there is no such folder.

        Asks the store page by page, so a caller that stops early spares the rest. Raises TableError
        where it cannot be listed for another reason, such as a missing bucket.
        """
        path = self._path(f"{folder}/")
        try:
            found = path.getFileSystem(self._conf).listStatusIterator(path)
            while found.hasNext():
                status = found.next()
                yield Entry(
                    status.getPath().getName(), status.isDirectory(), status.getModificationTime()
                )
        except Py4JJavaError as error:
            if error.java_exception.getClass().getName() == _MISSING:
                return
            reason = str(error.java_exception.getMessage()).split("\n", 1)[0]
            raise TableError(f"{folder} cannot be listed: {reason}") from error

    def folders(self, folder: str) -> list[str]:
        """Return the sorted names of the folders directly in ``folder``.

        Without those that begin with ``_`` or ``.``, which Hadoop keeps for what is no data.
        """
        return sorted(
            entry.name
            for entry in self.entries(folder)
            if entry.is_folder and not entry.name.startswith(("_", "."))
        )

    def read_text(self, file: str) -> str | None:
        """Return the UTF-8 text of ``file``, or None where there is no such file."""
        path = self._path(file)
        try:
            stream = path.getFileSystem(self._conf).open(path)
        except Py4JJavaError as error:
            if error.java_exception.getClass().getName() != _MISSING:
                raise
            return None
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def write_text(self, file: str, text: str) -> None:
        """Write ``text`` as the UTF-8 content of ``file``, in place of what was there."""
        path = self._path(file)
        stream = path.getFileSystem(self._conf).create(path, True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()

    def delete(self, file: str) -> None:
        """Delete ``file``; a file that is already gone is fine."""
        path = self._path(file)
        system = path.getFileSystem(self._conf)
        try:
            system.delete(path, False)
        except Py4JJavaError:
            # Some also mark a folder that became empty, for which there may be no right.
            if system.exists(path):
                raise

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path)
