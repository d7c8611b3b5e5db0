"""Readers of the bronze line around a record: what a publisher leaves to be known from the request.

Spotify's items do not name their playlist, and Open Library's works not the subject that was
asked for; the unit does, of which each is at least one (``playlist_items-000001-<id>``).
"""

from __future__ import annotations

from pyspark.sql import functions as F

from data_pipeline.silver.parse import Reader, readable, reader


def in_unit(dataset: str) -> Reader:
    """Read what a unit of ``dataset`` is about, at the end of its name; NULL of other units."""
    # A unit found while another was fetched has that one's name and a number.
    name = rf"^{dataset}-[0-9]+-(.+?)(\.[0-9]{{5}})*$"
    return reader(
        "_unit", lambda raw: readable(F.nullif(F.regexp_extract(raw, name, 1), F.lit("")))
    )


def logical_date() -> Reader:
    """Read the logical date of the run."""
    return reader(
        "_run_id",
        lambda raw: readable(F.try_to_timestamp(F.left(raw, F.lit(8)), F.lit("yyyyMMdd"))),
    ).then(lambda moment: moment.cast("date"))
