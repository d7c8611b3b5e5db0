"""Actors and directors by decade, on rows small enough to compute the values by hand."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.gold.frames import frame, rated, silver
from tests.gold.test_gold_tables import assert_rows, build

PEOPLE = (
    "role string, name string, decade int, num_movies bigint, num_ratings bigint,"
    " avg_rating double, rank_in_decade int"
)
METADATA = (
    "movie_id bigint, title string, release_year int, directors array<string>, actors array<string>"
)


def metadata(spark: SparkSession, *films: tuple[Any, ...]) -> dict[str, DataFrame]:
    return {"imdb_metadata": frame(spark, METADATA, list(films))}


def test_popular_people_by_decade(spark: SparkSession) -> None:
    frames = metadata(
        spark,
        (1, "One", 1990, ["Ann"], ["Ann", "Bob"]),
        (2, "Two", 1999, ["Cid"], ["Bob"]),
        (3, "Next decade", 2000, ["Ann"], ["Bob"]),
        (4, "No year", None, ["Ann"], ["Bob"]),
        (5, "Not rated", 1990, ["Dora"], ["Bob", "Dora"]),
        (6, "Nobody", 1990, [], None),
    ) | silver(
        spark,
        movielens_ratings=[
            *rated(1, 5, 4),
            *rated(2, 1),  # Bob's mean is over ratings (10/3), not over films (2.75)
            *rated(3, 2),
            *rated(4, 5, 5, 5),
            *rated(6, 5),
            *rated(99, 5),
        ],
    )
    assert_rows(
        build("popular_people_by_decade", frames),
        PEOPLE,
        [
            ("Actor", "Bob", 1990, 2, 3, 10 / 3, 1),
            ("Actor", "Ann", 1990, 1, 2, 4.5, 2),
            ("Director", "Ann", 1990, 1, 2, 4.5, 1),
            ("Director", "Cid", 1990, 1, 1, 1.0, 2),
            ("Actor", "Bob", 2000, 1, 1, 2.0, 1),
            ("Director", "Ann", 2000, 1, 1, 2.0, 1),
        ],
    )


def test_the_rank_is_by_ratings_then_their_mean_then_the_name(spark: SparkSession) -> None:
    frames = metadata(
        spark,
        (1, "Often", 1990, [], ["Zoe"]),
        (2, "Liked", 1991, [], ["Yan"]),
        (3, "Not liked", 1992, [], ["Cid", "Ann", "Bob"]),
    ) | silver(spark, movielens_ratings=[*rated(1, 1, 1, 1), *rated(2, 5, 5), *rated(3, 4, 5)])
    found = build("popular_people_by_decade", frames).orderBy("rank_in_decade").collect()
    assert [(row.rank_in_decade, row.name) for row in found] == [
        (1, "Zoe"),
        (2, "Yan"),
        (3, "Ann"),
        (4, "Bob"),
        (5, "Cid"),
    ]


@pytest.mark.parametrize(("years", "decade"), [((1985, 1994), 1980), ((None, 1994), 1990)])
def test_the_year_is_that_of_films(
    spark: SparkSession, years: tuple[int | None, int], decade: int
) -> None:
    """MovieLens's, else the Tag Genome's."""
    frames = metadata(spark, (1, "One", years[1], ["Ann"], [])) | silver(
        spark,
        movielens_movies=[(1, "One", years[0], ["Comedy"]), (2, "Two", 1994, ["Comedy"])],
        genome_ratings=[(1, 1, 4.0), (1, 2, 5.0)],
    )
    assert_rows(
        build("popular_people_by_decade", frames),
        PEOPLE,
        [("Director", "Ann", decade, 1, 1, 4.0, 1)],
    )
