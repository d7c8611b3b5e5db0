"""JSON text cut into pieces without rewriting it.

Parsing and writing again loses a number's spelling (``1.10``, ``1e5``) and repeated keys; these
say where the pieces stand, and so keep the publisher's own text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_LINE_BREAKS = str.maketrans("\r\n", "  ")


def on_one_line(text: str) -> str:
    """Return the JSON ``text`` with blanks for its line breaks, which only stand between tokens."""
    return text.translate(_LINE_BREAKS)


def skip_blanks(text: str, at: int) -> int:
    """Return where the next token begins."""
    return _BLANK.match(text, at).end()  # type: ignore[union-attr]


def members(text: str) -> Iterator[tuple[str, int]]:
    """Yield (name, where its value begins) of each member of the object that ``text`` is.

    Raises ValueError or IndexError where it is none, or breaks off.
    """
    at = skip_blanks(text, 0)
    if text[at] != "{":
        raise ValueError(f"not an object: {text[:200]!r}")
    at = skip_blanks(text, at + 1)
    while text[at] != "}":
        name, at = scanstring(text, at + 1)
        start = skip_blanks(text, skip_blanks(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, start
        at = _behind(text, end)


def elements(text: str, start: int) -> Iterator[tuple[str, Any]]:
    """Yield (verbatim text, parsed value) of each element of the well-formed list at ``start``.

    Line breaks between tokens become blanks, so that the text fits on a line.
    """
    at = skip_blanks(text, start + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield on_one_line(text[at:end]), value
        at = _behind(text, end)


def _behind(text: str, end: int) -> int:
    """Return where it goes on after a value that ends at ``end``, and its comma if there is one."""
    at = skip_blanks(text, end)
    return skip_blanks(text, at + 1) if text[at] == "," else at
