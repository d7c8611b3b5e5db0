"""The queries of sql/ answer their questions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from data_pipeline.local.home import Home
from data_pipeline.local.query import LocalLake, query
from tests.local.delta_lake import write

SQL = Path(__file__).parents[2] / "sql"
BIG, REAL, INT, TEXT = pa.int64(), pa.float64(), pa.int32(), pa.string()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> LocalLake:
    home = Home(tmp_path_factory.mktemp("home"), "media-lakehouse")
    write(
        home,
        "gold",
        "movies_analytics",
        {
            "movie_id": (BIG, [1, 2, 3]),
            "title": (TEXT, ["Seldom", "Often", "Middling"]),
            "release_year": (INT, [1994, 1995, None]),
            "num_ratings": (BIG, [5, 300, 50]),
            "avg_rating": (REAL, [5.0, 4.4, 3.0]),
            "weighted_rating": (REAL, [3.7, 4.3, 3.2]),
        },
    )
    write(
        home,
        "gold",
        "movie_scores",
        {
            "movie_id": (BIG, [2]),
            "tmdb_popularity": (REAL, [36.9]),
            "tmdb_vote_average": (REAL, [8.4]),
            "tmdb_vote_count": (BIG, [13377]),
        },
    )
    write(
        home,
        "gold",
        "genre_popularity",
        {
            "genre": (TEXT, ["Comedy", "Drama", "Comedy"]),
            "decade": (INT, [1990, 1990, 2000]),
            "num_movies": (BIG, [2, 1, 1]),
            "num_ratings": (BIG, [10, 30, 4]),
            "avg_rating": (REAL, [3.456, 4.0, 2.0]),
        },
    )
    write(
        home,
        "gold",
        "ratings_by_month",
        {
            "month": (pa.date32(), [date(2020, 1, 1), date(2020, 2, 1), date(2021, 1, 1)]),
            "num_ratings": (BIG, [1, 3, 2]),
            "avg_rating": (REAL, [1.0, 5.0, 2.0]),
            "num_users": (BIG, [1, 2, 2]),
            "num_movies": (BIG, [1, 3, 2]),
        },
    )
    write(
        home,
        "gold",
        "tag_ratings_by_year",
        {
            "tag": (TEXT, ["funny", "funny", "sad"]),
            "release_year": (INT, [1994, 1999, 1994]),
            "avg_rating": (REAL, [4.0, 3.0, 2.0]),
            "num_movies": (BIG, [5, 6, 5]),
            "num_ratings": (BIG, [10, 30, 7]),
        },
    )
    return LocalLake(home)


EXPECTED = {
    "best_rated_films": [
        ("Often", 1995, 300, 4.4, 4.3),
        ("Seldom", 1994, 5, 5.0, 3.7),
        ("Middling", None, 50, 3.0, 3.2),
    ],
    "most_popular_films": [
        ("Often", 1995, 300, 4.4, 36.9, 8.4, 13377),
        ("Middling", None, 50, 3.0, None, None, None),
        ("Seldom", 1994, 5, 5.0, None, None, None),
    ],
    "popular_genres": [
        (2000, 1, "Comedy", 1, 4, 1.0, 2.0),
        (1990, 1, "Drama", 1, 30, 0.75, 4.0),
        (1990, 2, "Comedy", 2, 10, 0.25, 3.46),
    ],
    "ratings_over_time": [(2020, 4, 4.0, 2, "2020-02"), (2021, 2, 2.0, 2, "2021-01")],
    "tags_over_the_years": [
        ("funny", 1994, 1999, 2, 11, 40, 3.25, 1994),
        ("sad", 1994, 1994, 1, 5, 7, 2.0, 1994),
    ],
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_named_query(name: str, lake: LocalLake) -> None:
    answer = query((SQL / f"{name}.sql").read_text(encoding="utf-8"), lake)
    assert list(answer.rows) == EXPECTED[name]


def test_every_query_begins_with_its_question() -> None:
    paths = sorted(SQL.glob("*.sql"))
    assert set(EXPECTED) <= {path.stem for path in paths}
    for path in paths:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("-- ")
        assert first.endswith("?")
