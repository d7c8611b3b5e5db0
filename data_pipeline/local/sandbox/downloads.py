"""Files offered for download, as a publisher's web server offers them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.server import Call, Response


@dataclass(frozen=True)
class _File:
    content: bytes
    etag: str


class DownloadApp:
    """Serves ``files`` by name to GET and HEAD, with ETag, Last-Modified and If-None-Match."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        *,
        last_modified: datetime = datetime(2026, 11, 1, tzinfo=UTC),
        limit: RateLimit | None = None,
    ) -> None:
        self._files = {
            f"/{name}": _File(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
            for name, content in files.items()
        }
        self._last_modified = format_datetime(last_modified, usegmt=True)
        self._limit = limit or RateLimit()

    def handle(self, call: Call) -> Response:
        """Return the file; 304 where the caller has it, 404 without, 405 for other methods."""
        if call.method not in ("GET", "HEAD"):
            return Response(405, headers={"Allow": "GET, HEAD"})
        if refusal := self._limit.take():
            return Response(429, headers={"Retry-After": str(refusal.retry_after)})
        file = self._files.get(call.path)
        if file is None:
            return Response(404, b"Not Found", {"Content-Type": "text/plain"})
        headers = {"ETag": file.etag, "Last-Modified": self._last_modified}
        known = {tag.strip() for tag in call.headers.get("if-none-match", "").split(",")}
        if known & {"*", file.etag, f"W/{file.etag}"}:
            return Response(304, headers=headers)
        return Response(200, file.content, {**headers, "Content-Type": "application/zip"})
