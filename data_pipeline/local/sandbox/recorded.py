"""Publishers' recorded answers: their JSON text, cut into elements without rewriting it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_pipeline.errors import InputError

_logger = logging.getLogger(__name__)
_decoder = json.JSONDecoder()
_blank = re.compile(r"[ \t\r\n]*")
_line_breaks = str.maketrans("\r\n", "  ")


def json_files(folder: Path) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, text and value of each JSON file under ``folder``, in the order of paths.

    A file that is no JSON is passed over with a warning. Raises InputError where ``folder``
    is not a folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: expected one with recorded JSON files")
    for path in sorted(folder.rglob("*.json")):
        if not path.is_file():
            continue
        try:
            text = path.read_bytes().decode("utf-8-sig")
            yield path, text, json.loads(text)
        except (ValueError, RecursionError) as error:
            _logger.warning("%s is no JSON and is passed over: %s", path, error)


def elements(text: str, key: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield text and value of each element of a JSON list: ``text`` itself, or its ``key``.

    The text is the publisher's, but for line breaks between tokens, which become blanks.
    ``text`` has to be valid JSON. Without such a list there is nothing.
    """
    at = _skip(text, 0)
    if key is not None:
        member = _member(text, at, key) if text[at] == "{" else None
        if member is None:
            return
        at = member
    if text[at] != "[":
        return
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = _decoder.raw_decode(text, at)
        yield text[at:end].translate(_line_breaks), value
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _member(text: str, at: int, key: str) -> int | None:
    """Return where the value of ``key`` begins in the object at ``at``; the last, if repeated."""
    found = None
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, end = _decoder.raw_decode(text, at)
        value_at = _skip(text, _skip(text, end) + 1)
        if name == key:
            found = value_at
        _, end = _decoder.raw_decode(text, value_at)
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _skip(text: str, at: int) -> int:
    match = _blank.match(text, at)
    return match.end() if match else at
