"""Each gold table on rows small enough to compute its values by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from chispa import assert_approx_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from data_pipeline.columns import conform
from data_pipeline.gold import registry
from data_pipeline.gold.table import Inputs
from tests.gold.frames import rated, silver

COMEDY = ["Comedy"]


def build(name: str, frames: dict[str, DataFrame]) -> DataFrame:
    registered = registry.select([name])[0]
    inputs = Inputs(frames)
    return conform(registered.build(inputs), registered.table.columns)


def assert_rows(actual: DataFrame, schema: str, rows: list[tuple[Any, ...]]) -> None:
    # chispa compares comments too when it compares schemas; here they are not the point.
    bare = actual.select([F.col(name).alias(name, metadata={}) for name in actual.columns])
    expected = actual.sparkSession.createDataFrame(rows, schema)
    assert_approx_df_equality(bare, expected, 1e-12, ignore_nullable=True, ignore_row_order=True)


ANALYTICS = (
    "movie_id bigint, title string, release_year int, num_ratings bigint, avg_rating double,"
    " num_positive bigint, num_negative bigint, avg_discrepancy double, num_reviews bigint,"
    " weighted_rating double"
)


def test_movies_analytics(spark: SparkSession) -> None:
    frames = silver(
        spark,
        movielens_movies=[
            (1, "Five", 1994, COMEDY),
            (2, "Four", 1995, COMEDY),
            (3, "No year", None, COMEDY),
            (4, "Not rated", 1999, COMEDY),
        ],
        movielens_ratings=[
            *rated(1, 5, 4, 3, 3.5, 0.5),  # 3 is negative, 3.5 positive
            *rated(2, 1, 1, 1, 1),  # too few for a row of its own, but counts in C
            *rated(3, 5, 5, 5, 5, 5, 5),
            *rated(99, 0.5, 0.5, 0.5, 0.5, 0.5),  # no film: counts nowhere, not in C either
        ],
    )
    mean = (16 + 4 + 30) / 15
    assert_rows(
        build("movies_analytics", frames),
        ANALYTICS,
        [
            (1, "Five", 1994, 5, 3.2, 3, 2, 0.2, 0, (16 + 50 * mean) / 55),
            (3, "No year", None, 6, 5.0, 6, 0, 1.0, 0, (30 + 50 * mean) / 56),
        ],
    )


def test_movies_analytics_counts_reviews_where_there_are_any(spark: SparkSession) -> None:
    frames = silver(
        spark,
        movielens_movies=[(1, "One", 1994, COMEDY), (2, "Two", 1994, COMEDY)],
        movielens_ratings=[*rated(1, 4, 4, 4, 4, 4), *rated(2, 4, 4, 4, 4, 4)],
        imdb_reviews=[(1, "a", "good"), (1, "b", "bad"), (7, "c", "of no film")],
    )
    found = {row.movie_id: row.num_reviews for row in build("movies_analytics", frames).collect()}
    assert found == {1: 2, 2: 0}


def test_films_are_those_of_movielens_and_the_tag_genome(spark: SparkSession) -> None:
    """MovieLens's value first, column by column; a film of either one counts."""
    frames = silver(
        spark,
        movielens_movies=[(1, "MovieLens's", None, COMEDY)],
        imdb_metadata=[(1, "IMDb's", 1994), (2, "Only there", 1980)],
        movielens_ratings=[*rated(1, 4, 4, 4, 4, 4), *rated(2, 2, 2, 2, 2, 2)],
    )
    found = {
        row.movie_id: (row.title, row.release_year, row.weighted_rating)
        for row in build("movies_analytics", frames).collect()
    }
    assert found == {
        1: ("MovieLens's", 1994, pytest.approx((20 + 150) / 55)),
        2: ("Only there", 1980, pytest.approx((10 + 150) / 55)),
    }
    decades = build("genre_popularity", frames)
    assert_rows(
        decades,
        "genre string, decade int, num_movies bigint, num_ratings bigint, avg_rating double",
        [("Comedy", 1990, 1, 5, 4.0)],  # by the Tag Genome's year; the other has no genre
    )


def test_films_of_the_tag_genome_alone(spark: SparkSession) -> None:
    frames = silver(
        spark,
        imdb_metadata=[(2, "Only there", 1980)],
        movielens_ratings=[],  # exists without rows, so the other ratings count
        genome_ratings=[(user, 2, 3.0) for user in range(5)],
    )
    found = build("movies_analytics", frames).collect()
    assert [(row.title, row.num_ratings, row.avg_rating) for row in found] == [
        ("Only there", 5, 3.0)
    ]
    assert build("ratings_by_month", frames).collect() == []  # these ratings have no time


def test_the_ratings_of_movielens_are_preferred(spark: SparkSession) -> None:
    frames = silver(
        spark,
        movielens_movies=[(1, "One", 1994, COMEDY)],
        movielens_ratings=rated(1, 4, 4, 4, 4, 4),
        genome_ratings=[(user, 1, 1.0) for user in range(9)],
    )
    found = build("movies_analytics", frames).collect()
    assert [(row.num_ratings, row.avg_rating) for row in found] == [(5, 4.0)]


def test_genre_popularity(spark: SparkSession) -> None:
    frames = silver(
        spark,
        movielens_movies=[
            (1, "One", 1990, ["Comedy", "Drama"]),
            (2, "Two", 1999, ["Comedy"]),
            (3, "Two thousand", 2000, ["Comedy"]),
            (4, "No year", None, ["Comedy"]),
            (5, "No genre", 1990, []),
            (6, "Not rated", 1990, ["Comedy"]),
        ],
        movielens_ratings=[
            *rated(1, 5, 4),
            *rated(2, 1),  # the mean is over ratings (10/3), not over films (2.75)
            *rated(3, 2),
            *rated(4, 5),
            *rated(5, 5),
            *rated(99, 5),
        ],
    )
    assert_rows(
        build("genre_popularity", frames),
        "genre string, decade int, num_movies bigint, num_ratings bigint, avg_rating double",
        [
            ("Comedy", 1990, 2, 3, 10 / 3),
            ("Drama", 1990, 1, 2, 4.5),
            ("Comedy", 2000, 1, 1, 2.0),
        ],
    )


def test_ratings_by_month(spark: SparkSession) -> None:
    last = datetime(2020, 1, 31, 23, 59, 59)
    frames = silver(
        spark,
        movielens_movies=[(1, "One", 1990, COMEDY), (2, "No year", None, COMEDY)],
        movielens_ratings=[
            (1, 1, 5.0, datetime(2020, 1, 1)),
            (1, 2, 4.0, last),
            (2, 1, 1.0, last),
            (3, 1, 3.0, datetime(2020, 2, 1)),
            (4, 1, 3.0, None),  # of unknown time
            (5, 99, 3.0, last),  # of no film
        ],
    )
    assert_rows(
        build("ratings_by_month", frames),
        "month date, num_ratings bigint, avg_rating double, num_users bigint, num_movies bigint",
        [(date(2020, 1, 1), 3, 10 / 3, 2, 2), (date(2020, 2, 1), 1, 3.0, 1, 1)],
    )


TAGS = "tag string, release_year int, avg_rating double, num_movies bigint, num_ratings bigint"


def test_tag_ratings_by_year(spark: SparkSession) -> None:
    films = range(1, 7)
    frames = silver(
        spark,
        movielens_movies=[
            *((film, f"Film {film}", 1994, COMEDY) for film in films),
            (7, "Not rated", 1994, COMEDY),
            (8, "Another year", 1995, COMEDY),
            (9, "No year", None, COMEDY),
        ],
        movielens_ratings=[
            *rated(1, 5, 5, 5, 5, 5, 5),
            *(rating for film in (2, 3, 4, 5, 6, 8, 9) for rating in rated(film, 1)),
            *rated(99, 5, 5, 5),
        ],
        movielens_tags=[
            *((1, film, "funny") for film in (1, 2, 3, 4, 5)),
            (2, 1, "funny"),  # a second user's: the film counts once
            (1, 7, "funny"),
            (1, 8, "funny"),
            (1, 9, "funny"),
            (1, 99, "funny"),
            *((1, film, "four only") for film in (1, 2, 3, 4)),
            (2, 1, "four only"),
        ],
    )
    assert_rows(build("tag_ratings_by_year", frames), TAGS, [("funny", 1994, 3.4, 5, 10)])


def test_tag_ratings_by_year_prefers_the_tag_genome(spark: SparkSession) -> None:
    films = range(1, 6)
    frames = silver(
        spark,
        movielens_movies=[(film, "Film", 1994, COMEDY) for film in films],
        movielens_ratings=[rating for film in films for rating in rated(film, film)],
        movielens_tags=[(1, film, "funny") for film in films],
        genome_tags=[(7, "robot")],
        genome_tag_counts=[(film, 7, 3) for film in films],
    )
    assert_rows(build("tag_ratings_by_year", frames), TAGS, [("robot", 1994, 3.0, 5, 5)])
    empty = silver(spark, genome_tag_counts=[])
    assert_rows(build("tag_ratings_by_year", frames | empty), TAGS, [("funny", 1994, 3.0, 5, 5)])


def test_movie_scores(spark: SparkSession) -> None:
    frames = silver(
        spark,
        movielens_movies=[(film, f"Film {film}", None, COMEDY) for film in range(1, 6)],
        movielens_links=[
            (1, "tt0000001", 101),
            (2, "tt0000002", 102),
            (3, "tt0000003", None),
            (4, "tt0000004", 104),  # not in tmdb_movies
            (99, "tt0000099", 101),  # not in Films
        ],
        tmdb_movies=[
            (101, date(1994, 7, 6), 36.9, 8.4, 13377),
            (102, None, 0.5, None, 0),
            (105, date(1994, 1, 1), 1.0, 5.0, 1),
        ],
        movielens_ratings=rated(1, 4, 5),
    )
    assert_rows(
        build("movie_scores", frames),
        "movie_id bigint, tmdb_id bigint, title string, release_date date, tmdb_popularity double,"
        " tmdb_vote_average double, tmdb_vote_count bigint, movielens_avg_rating double,"
        " movielens_num_ratings bigint",
        [
            (1, 101, "Film 1", date(1994, 7, 6), 36.9, 8.4, 13377, 4.5, 2),
            (2, 102, "Film 2", None, 0.5, None, 0, None, 0),
        ],
    )


def test_every_table_declares_its_key_and_describes_its_columns() -> None:
    for registered in registry.select():
        table = registered.table
        names = [column.name for column in table.columns]
        assert set(table.key) <= set(names), table.name
        # Glue takes comments of up to 255 characters.
        assert all(0 < len(column.comment) < 256 for column in table.columns), table.name
        assert registered.build.__module__.endswith(f".{table.name}")
