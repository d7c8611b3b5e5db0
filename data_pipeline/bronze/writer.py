"""One bronze object: gzip JSON lines around the publisher's own text."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from datetime import datetime

from data_pipeline.bronze.run import iso

# Level 3 is within 10% of the size of level 6 on these lines, in about half of its time.
GZIP_LEVEL = 3
# S3 takes 2 KB of metadata in all.
FIELDS_BYTES = 1500


class JsonLines:
    """Collects records for the object of one unit; ``size`` counts uncompressed bytes."""

    def __init__(self, run_id: str, unit: str) -> None:
        self.size = 0
        self.records = 0
        self.malformed = 0
        self._head = f'{{"_run_id":{json.dumps(run_id)},"_unit":{json.dumps(unit)},"_position":'
        self._fields: set[str] = set()
        self._buffer = io.BytesIO()
        # No time stamp inside, so that the same records are the same bytes.
        self._gzip = gzip.GzipFile(
            fileobj=self._buffer, mode="wb", compresslevel=GZIP_LEVEL, mtime=0
        )

    def context(self, fetched_at: datetime, page: int | None = None) -> str:
        """Return the middle of the lines that share a moment of fetching, and a page."""
        of_page = "" if page is None else f',"_page":{page}'
        return f',"_fetched_at":"{iso(fetched_at)}"{of_page}'

    def add(self, context: str, text: str, malformed: bool = False) -> None:
        """Add a record's verbatim JSON text, or the text of what could not be split."""
        self.records += 1
        self.malformed += malformed
        content = f'"malformed":{json.dumps(text)}' if malformed else f'"record":{text}'
        line = f"{self._head}{self.records}{context},{content}}}\n".encode()
        self.size += len(line)
        self._gzip.write(line)

    def saw(self, fields: Iterable[str]) -> None:
        self._fields.update(fields)

    def body(self) -> bytes:
        """Return the finished object; nothing can be added after."""
        self._gzip.close()
        return self._buffer.getvalue()

    def metadata(self, requests: int = 0) -> dict[str, str]:
        """Return the object's S3 metadata: counts, and the field names as JSON (ASCII)."""
        fields: list[str] = []
        for name in sorted(self._fields):
            if len(json.dumps([*fields, name])) > FIELDS_BYTES:
                break
            fields.append(name)
        return {
            "records": str(self.records),
            "malformed": str(self.malformed),
            "requests": str(requests),
            "fields": json.dumps(fields),
        }
