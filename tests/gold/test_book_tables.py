"""The gold tables about books, on rows small enough to compute their values by hand."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from tests.gold.frames import frame
from tests.gold.test_gold_tables import assert_rows, build

AUTHORS = "author_key string, work_key string, author_name string, first_publish_year int"
PER_YEAR = "author_key string, first_publish_year int, author_name string, num_books bigint"
AVERAGE = (
    "author_key string, author_name string, num_books bigint, num_years bigint,"
    " average_books_per_year double"
)


def books(spark: SparkSession, *rows: tuple[Any, ...]) -> dict[str, DataFrame]:
    return {"open_library_authors": frame(spark, AUTHORS, list(rows))}


def test_books_of_known_years(spark: SparkSession) -> None:
    frames = books(
        spark,
        ("/authors/1", "/works/1", "Ann", 1900),
        ("/authors/1", "/works/2", "Ann", 1900),
        ("/authors/1", "/works/3", "Ann", 1905),
        ("/authors/1", "/works/4", "Ann", None),
        ("/authors/2", "/works/1", "Bob", 1900),  # two authors of one work: it counts for each
        ("/authors/3", "/works/5", "Of unknown years only", None),
    )
    assert_rows(
        build("books_per_year", frames),
        PER_YEAR,
        [
            ("/authors/1", 1900, "Ann", 2),
            ("/authors/1", 1905, "Ann", 1),
            ("/authors/2", 1900, "Bob", 1),
        ],
    )
    assert_rows(
        build("average_books_per_year", frames),
        AVERAGE,
        [("/authors/1", "Ann", 3, 2, 1.5), ("/authors/2", "Bob", 1, 1, 1.0)],
    )


def test_the_name_is_the_most_frequent_one(spark: SparkSession) -> None:
    frames = books(
        spark,
        # Twice beats once, though it comes later in the alphabet and in no year alone.
        ("/authors/1", "/works/1", "Zoe Ann", 1900),
        ("/authors/1", "/works/2", "Ann", 1900),
        ("/authors/1", "/works/3", "Zoe Ann", 1905),
        # A tie: the first in the alphabet. Works of no known year have no say.
        ("/authors/2", "/works/4", "Zed", 1900),
        ("/authors/2", "/works/5", "Émile", 1900),
        ("/authors/2", "/works/6", "Bob", 1901),
        ("/authors/2", "/works/7", "Zed", None),
        # A work without a name has none either, unless there is no other.
        ("/authors/3", "/works/8", None, 1900),
        ("/authors/3", "/works/9", None, 1900),
        ("/authors/3", "/works/10", "Cid", 1900),
        ("/authors/4", "/works/11", None, 1900),
    )
    assert_rows(
        build("average_books_per_year", frames),
        AVERAGE,
        [
            ("/authors/1", "Zoe Ann", 3, 2, 1.5),
            ("/authors/2", "Bob", 3, 2, 1.5),
            ("/authors/3", "Cid", 3, 1, 3.0),
            ("/authors/4", None, 1, 1, 1.0),
        ],
    )
    assert_rows(
        build("books_per_year", frames),
        PER_YEAR,
        [
            ("/authors/1", 1900, "Zoe Ann", 2),
            ("/authors/1", 1905, "Zoe Ann", 1),
            ("/authors/2", 1900, "Bob", 2),
            ("/authors/2", 1901, "Bob", 1),
            ("/authors/3", 1900, "Cid", 3),
            ("/authors/4", 1900, None, 1),
        ],
    )


def test_of_equally_frequent_names_the_first_in_the_alphabet_counts(spark: SparkSession) -> None:
    """Of many ties, for one may come out right by chance."""
    spellings = ["Ann Lee", "Anne Lee", "A. Lee", "Lee, Ann", "ann lee", "Ann  Lee", "Ánn Lee"]
    rows = [
        (f"/authors/{author}", f"/works/{author}{work}", spelling, 1900 + work)
        for author in range(1, len(spellings))
        for work, spelling in enumerate(spellings[author - 1 :])
    ]
    found = build("average_books_per_year", books(spark, *rows)).collect()
    assert {row.author_key: row.author_name for row in found} == {
        "/authors/1": "A. Lee",
        "/authors/2": "A. Lee",
        "/authors/3": "A. Lee",
        "/authors/4": "Ann  Lee",
        "/authors/5": "Ann  Lee",
        "/authors/6": "Ann  Lee",
    }
