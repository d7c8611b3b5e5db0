"""Small silver tables for tests: only the columns that gold reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

SCHEMAS = {
    "movielens_movies": "movie_id bigint, title string, release_year int, genres array<string>",
    "movielens_ratings": "user_id bigint, movie_id bigint, rating double, rated_at timestamp",
    "movielens_tags": "user_id bigint, movie_id bigint, tag string",
    "movielens_links": "movie_id bigint, imdb_id string, tmdb_id bigint",
    "tmdb_movies": "tmdb_id bigint, release_date date, popularity double, vote_average double,"
    " vote_count bigint",
    "imdb_metadata": "movie_id bigint, title string, release_year int",
    "imdb_reviews": "movie_id bigint, review_hash string, text string",
    "genome_ratings": "user_id bigint, movie_id bigint, rating double",
    "genome_tags": "tag_id bigint, tag string",
    "genome_tag_counts": "movie_id bigint, tag_id bigint, num bigint",
}


def silver(spark: SparkSession, **tables: Iterable[tuple[Any, ...]]) -> dict[str, DataFrame]:
    """Return a frame for each table given by its rows, with the columns of SCHEMAS."""
    return {name: frame(spark, SCHEMAS[name], list(rows)) for name, rows in tables.items()}


def frame(spark: SparkSession, schema: str, rows: list[tuple[Any, ...]]) -> DataFrame:
    """Return the rows as literals: no Python worker has to start for them."""
    if not rows:
        return spark.createDataFrame([], schema)
    columns = [part.split()[0] for part in schema.split(", ")]
    types = [part.split()[1] for part in schema.split(", ")]
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    casts = ", ".join(
        f"CAST({name} AS {kind}) AS {name}" for name, kind in zip(columns, types, strict=True)
    )
    return spark.sql(f"SELECT {casts} FROM VALUES {values} AS t({', '.join(columns)})")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"array({', '.join(map(_literal, value))})"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return f"{value}D" if isinstance(value, float) else str(value)


def rated(movie_id: int, *ratings: float, at: datetime | None = None) -> list[tuple[Any, ...]]:
    """Return ratings of a film, by users 1, 2, and so on."""
    return [(user, movie_id, float(rating), at) for user, rating in enumerate(ratings, 1)]
