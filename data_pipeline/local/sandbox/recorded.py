"""Publishers' recorded answers: their JSON text, cut into elements without rewriting it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_pipeline.bronze import json_text
from data_pipeline.bronze.json_text import members, skip_blanks
from data_pipeline.errors import InputError

_logger = logging.getLogger(__name__)


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


def named_lists(folder: Path, pattern: str, member: str) -> tuple[list[tuple[str, list[str]]], int]:
    """Return the lists ``member`` of the JSON files named like ``pattern``, in order of paths.

    Of each the first group of its name and the elements' texts; and how many JSON files there
    are in all. A file of that name without such a list is passed over with a warning.
    """
    found: list[tuple[str, list[str]]] = []
    files = 0
    for path, text, value in json_files(folder):
        files += 1
        name = re.fullmatch(pattern, path.name)
        if name is None:
            continue
        if isinstance(value, dict) and isinstance(value.get(member), list):
            found.append((name[1], [element for element, _ in elements(text, member)]))
        else:
            _logger.warning('%s has no list "%s" and is passed over', path, member)
    return found, files


def elements(text: str, key: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield text and value of each element of a JSON list: ``text`` itself, or its ``key``.

    The text is the publisher's, but for line breaks between tokens, which become blanks.
    ``text`` has to be valid JSON. Without such a list there is nothing.
    """
    start = skip_blanks(text, 0)
    if key is not None:
        # The last, if the key is repeated.
        found = dict(members(text)) if text[start] == "{" else {}
        if key not in found:
            return
        start = found[key]
    if text[start] == "[":
        yield from json_text.elements(text, start)
