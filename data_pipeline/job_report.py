"""What a Glue job leaves for those who cannot open Delta tables: what it did, and their columns.

The check Lambda (data_pipeline/orchestration/check.py) reads it, to tell people, and to know
whether a crawler has to bring the catalogue up to date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data_pipeline.columns import Column
from data_pipeline.storage import Storage


def report_address(layer: str) -> str:
    """Return where the report of a layer lies; ``layer`` is its root."""
    return f"{layer.rstrip('/')}/_reports/tables.json"


def write_report(
    storage: Storage,
    layer: str,
    tables: Mapping[str, Mapping[str, Any]],
    columns: Mapping[str, Sequence[Column]],
) -> None:
    """Put the report of a job that just ended.

    ``tables`` holds, by table, what became of each that the job dealt with; ``columns`` the
    columns of those that exist now. The report keeps the columns that earlier ones gave for
    other tables: it names every table that was ever written, and how it is now::

        {"at": "2026-11-21T05:40:00+00:00",
         "tables": {"tmdb_movies": {"status": "loaded", "rows_inserted": 20, …}},
         "columns": {"tmdb_movies": {"tmdb_id": "bigint", …}, …}}
    """
    address = report_address(layer)
    before = json.loads(storage.read_text(address) or "{}")
    now = {name: {column.name: column.type for column in its} for name, its in columns.items()}
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tables": tables,
        "columns": {**before.get("columns", {}), **now},
    }
    storage.write_text(address, json.dumps(report, indent=1, ensure_ascii=False))
