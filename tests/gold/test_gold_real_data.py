"""The gold tables of the real MovieLens files equal an independent computation."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from data_pipeline.columns import conform
from data_pipeline.gold import registry
from data_pipeline.gold.table import Inputs
from tests.expected import KEYS, assert_same, discover_results, gold_tables
from tests.gold.frames import silver

DATA = Path(__file__).parents[3] / "shared" / "data"
MOVIELENS = DATA / "movielens" / "ml-latest-small"

pytestmark = pytest.mark.skipif(
    not MOVIELENS.is_dir(),
    reason="only for ../shared, whose recorded data may not be redistributed",
)


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> dict[str, DataFrame]:
    """Return silver's tables of the real files, by plain Spark reads."""

    def read(name: str, schema: str) -> DataFrame:
        return spark.read.csv(str(MOVIELENS / f"{name}.csv"), schema, header=True, escape='"')

    name = F.trim(F.regexp_replace("title", r"\s+", " "))
    year = r"\s*\((\d{4})([-–]\d*)?\)$"
    films = {film["id"]: film for film in discover_results(DATA / "tmdb")}
    tmdb = silver(
        spark,
        tmdb_movies=[
            (
                film["id"],
                film["release_date"] or None,
                film["popularity"],
                film["vote_average"] if film["vote_count"] else None,
                film["vote_count"],
            )
            for film in films.values()
        ],
    )
    return tmdb | {
        "movielens_movies": read("movies", "movie_id bigint, title string, genres string")
        .select(
            "movie_id",
            F.regexp_replace(name, year, "").alias("title"),
            F.nullif(F.regexp_extract(name, year, 1), F.lit("")).cast("int").alias("release_year"),
            F.split(F.regexp_replace("genres", r"^\(no genres listed\)$", ""), r"\|").alias(
                "genres"
            ),
        )
        .withColumn("genres", F.filter("genres", lambda genre: genre != "")),
        "movielens_ratings": read(
            "ratings", "user_id bigint, movie_id bigint, rating double, seconds bigint"
        ).withColumn("rated_at", F.timestamp_seconds("seconds")),
        "movielens_tags": read("tags", "user_id bigint, movie_id bigint, tag string").withColumn(
            "tag", F.lower(F.trim("tag"))
        ),
        "movielens_links": read("links", "movie_id bigint, imdb_id string, tmdb_id bigint"),
    }


def test_gold_equals_an_independent_computation(
    spark: SparkSession, frames: dict[str, DataFrame]
) -> None:
    expected = gold_tables(MOVIELENS, discover_results(DATA / "tmdb"))
    inputs = Inputs(frames)
    assert expected.keys() <= {registered.table.name for registered in registry.select()}
    for registered in registry.select(list(expected)):
        table = registered.table
        built = conform(registered.build(inputs), table.columns).collect()
        assert_same([row.asDict() for row in built], expected[table.name], KEYS[table.name])
    inputs.release()
