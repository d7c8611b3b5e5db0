"""A small local lake, written by delta-rs: no Spark, no emulator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from data_pipeline.local.home import Home
from data_pipeline.local.query import LocalLake

MOMENT = pa.timestamp("us", tz="UTC")


def write(home: Home, layer: str, name: str, columns: Mapping[str, tuple[Any, list[Any]]]) -> None:
    """Write a table; ``columns`` holds type and values by name."""
    fields = [
        pa.field(column, kind, metadata={"comment": f"The {column}"})
        for column, (kind, _) in columns.items()
    ]
    arrays = [pa.array(values, kind) for kind, values in columns.values()]
    folder = home.bucket_path(layer) / name
    write_deltalake(
        folder, pa.table(arrays, pa.schema(fields)), mode="overwrite", schema_mode="overwrite"
    )
    # What the emulator keeps beside each object.
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if not path.name.endswith(".meta.json"):
            path.with_name(f"{path.name}.meta.json").write_text("{}")


def small_lake(root: Path) -> LocalLake:
    home = Home(root, "media-lakehouse")
    write(
        home,
        "gold",
        "movies_analytics",
        {
            "movie_id": (pa.int64(), [1, 2, 3, 4]),
            "title": (pa.string(), ["Amélie", 'Say "Hi", 七人の侍', None, ""]),
            "release_year": (pa.int32(), [2001, 1954, None, 1999]),
            "num_ratings": (pa.int64(), [7, 2, 5, 5]),
            "num_positive": (pa.int64(), [5, 1, 0, 5]),
            "avg_rating": (pa.float64(), [4.5, 2.5, 0.1, 3.0]),
        },
    )
    write(
        home,
        "gold",
        "ratings_by_month",
        {
            "month": (pa.date32(), [date(2020, 1, 1), date(2020, 2, 1)]),
            "num_ratings": (pa.int64(), [3, 4]),
        },
    )
    write(
        home,
        "silver",
        "movielens_movies",
        {
            "movie_id": (pa.int64(), [1, 2, 3]),
            "genres": (pa.list_(pa.string()), [["Comedy", "Romance"], ["Drama"], []]),
            "_fetched_at": (MOMENT, [datetime(2020, 1, 31, 23, 30, 0, 5000, UTC), None, None]),
            "unreadable": (pa.map_(pa.string(), pa.int64()), [[("year", 2)], [], None]),
        },
    )
    return LocalLake(home)
