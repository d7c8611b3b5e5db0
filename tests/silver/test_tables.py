"""What each table makes of hand-written records, and of the publishers' real files."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_pipeline.silver.table import SilverTable
from data_pipeline.silver.tables import all_tables
from tests.silver.lake import Lake, run_id

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
MOVIELENS = SHARED / "movielens" / "ml-latest-small"
TMDB = SHARED / "tmdb" / "discover_and_details_2015_2025"
RUN = run_id(1)


def utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def text_of_moments(lake: Lake, table: str, *columns: str) -> list[tuple[Any, ...]]:
    casts = [f"CAST({name} AS STRING)" if name.endswith("_at") else name for name in columns]
    found = lake.table(table).selectExpr(*casts).collect()
    return sorted(map(tuple, found), key=repr)


def test_tmdb(lake: Lake) -> None:
    full = {
        "id": 603,
        "title": " The\u00a0Matrix ",
        "original_title": "The Matrix",
        "original_language": "en",
        "overview": "A hacker\nlearns.",
        "release_date": "1999-03-31",
        "genre_ids": [28, 878, 28],
        "popularity": 1.10,
        "vote_average": 8.2,
        "vote_count": 26000,
        "adult": False,
        "video": True,
        "poster_path": "/a.jpg",
        "backdrop_path": None,
    }
    empty = {"id": "604", "title": "Unknown", "overview": "", "release_date": "", "genre_ids": []}
    unvoted = {"id": 605.0, "title": None, "release_date": "2001-05", "vote_average": 0.0}
    odd = {"id": 606, "release_date": "soon", "genre_ids": "x", "popularity": "NaN", "adult": "?"}
    refused = [{"title": "no id"}, {"id": "x1", "title": "bad id"}, {"id": None}]
    lake.put(
        "tmdb", "discover_movie", RUN, [full, empty, unvoted | {"vote_count": 0}, odd, *refused]
    )
    lake.put("tmdb", "genres", RUN, [{"id": 28, "name": "Action"}, {"id": 12, "name": " "}])
    fields = {"discover_movie": ["id", "title", "softcore"], "genres": ["id"]}
    lake.complete("tmdb", RUN, units=2, fields=fields)
    results = lake.load(sources=["tmdb"])
    assert {result.status for result in results.values()} == {"loaded"}

    names = [field.name for field in table("tmdb_movies").fields]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in lake.rows("tmdb_movies", *names)}
    assert rows.keys() == {603, 604, 605, 606}
    assert rows[603] == {
        "tmdb_id": 603,
        "title": "The Matrix",
        "original_title": "The Matrix",
        "original_language": "en",
        "overview": "A hacker learns.",
        "release_date": date(1999, 3, 31),
        "release_year": 1999,
        "genre_ids": [28, 878],
        "popularity": 1.1,
        "vote_average": 8.2,
        "vote_count": 26000,
        "adult": False,
        "video": True,
        "poster_path": "/a.jpg",
        "backdrop_path": None,
    }
    nothing: dict[str, Any] = dict.fromkeys(names)
    assert rows[604] == nothing | {"tmdb_id": 604, "title": "Unknown", "genre_ids": []}
    assert rows[605] == nothing | {
        "tmdb_id": 605,
        "release_date": date(2001, 5, 1),
        "release_year": 2001,
        "vote_count": 0,
    }
    assert rows[606] == nothing | {"tmdb_id": 606}
    audit = lake.audit("tmdb_movies")[RUN]
    assert audit["unreadable"] == dict.fromkeys(
        ["release_date", "release_year", "genre_ids", "popularity", "adult"], 1
    )
    assert audit["new_fields"] == ["softcore"]
    assert lake.audit("tmdb_genres")[RUN]["new_fields"] == []
    assert lake.rows("tmdb_genres", "genre_id", "name") == [(28, "Action")]
    assert lake.rows("quarantine", "table", "position", "failed_rules") == [
        ("tmdb_genres", 1, ["required:name"]),
        ("tmdb_movies", 4, ["key:tmdb_id"]),
        ("tmdb_movies", 5, ["key:tmdb_id"]),
        ("tmdb_movies", 6, ["key:tmdb_id"]),
    ]


def test_movielens(lake: Lake) -> None:
    lake.put(
        "movielens",
        "movies",
        RUN,
        [
            {"movieId": "1", "title": "Toy Story (1995)", "genres": "Adventure|Comedy"},
            {"movieId": "2", "title": "Babylon 5", "genres": "(no genres listed)"},
            {"movieId": "3", "title": "Dark (2017\u20132020) ", "genres": ""},
            {"movieId": "", "title": "Nobody (2021)", "genres": "Action"},
            "4,Cut off",
        ],
    )
    rating = {"userId": "1", "movieId": "1", "rating": "4.5", "timestamp": "964982703"}
    lake.put(
        "movielens",
        "ratings",
        RUN,
        [
            rating,
            rating | {"movieId": "2", "timestamp": ""},
            rating | {"movieId": "3", "timestamp": "long ago"},
            rating | {"movieId": "4", "rating": "5.5"},
            rating | {"movieId": "5", "rating": "0"},
            rating | {"movieId": "6", "rating": ""},
            rating | {"movieId": "7", "rating": "great"},
            rating | {"userId": "x", "rating": "9"},
        ],
    )
    lake.put(
        "movielens",
        "tags",
        RUN,
        [
            {"userId": "1", "movieId": "1", "tag": "  Highly\u00a0 Quotable", "timestamp": "1"},
            {"userId": "1", "movieId": "2", "tag": "Unknown", "timestamp": "2"},
            {"userId": "1", "movieId": "2", "tag": " ", "timestamp": "3"},
        ],
    )
    lake.put(
        "movielens",
        "links",
        RUN,
        [
            {"movieId": "1", "imdbId": "0114709", "tmdbId": "862"},
            {"movieId": "2", "imdbId": "10872600", "tmdbId": ""},
        ],
    )
    lake.complete("movielens", RUN, units=4)
    lake.load()
    assert lake.rows("movielens_movies", "movie_id", "title", "release_year", "genres") == [
        (1, "Toy Story", 1995, ["Adventure", "Comedy"]),
        (2, "Babylon 5", None, []),
        (3, "Dark", 2017, None),
    ]
    columns = ("user_id", "movie_id", "rating", "rated_at")
    assert text_of_moments(lake, "movielens_ratings", *columns) == [
        (1, 1, 4.5, utc(964982703)),
        (1, 2, 4.5, None),
        (1, 3, 4.5, None),
    ]
    columns = ("user_id", "movie_id", "tag", "tag_as_written", "tagged_at")
    assert text_of_moments(lake, "movielens_tags", *columns) == [
        (1, 1, "highly quotable", "Highly Quotable", utc(1)),
        (1, 2, "unknown", "Unknown", utc(2)),
    ]
    assert lake.rows("movielens_links", "movie_id", "imdb_id", "tmdb_id") == [
        (1, "tt0114709", 862),
        (2, "tt10872600", None),
    ]
    assert lake.rows("quarantine", "table", "position", "failed_rules") == [
        ("movielens_movies", 3, ["key:movie_id"]),
        ("movielens_movies", 4, ["malformed"]),
        ("movielens_ratings", 3, ["between:rating"]),
        ("movielens_ratings", 4, ["between:rating"]),
        ("movielens_ratings", 5, ["required:rating"]),
        ("movielens_ratings", 6, ["required:rating"]),
        ("movielens_ratings", 7, ["key:user_id", "between:rating"]),
        ("movielens_tags", 2, ["key:tag"]),
    ]
    assert lake.audit("movielens_ratings")[RUN]["unreadable"] == {"rated_at": 1}


def test_ratings_without_a_timestamp_column(lake: Lake) -> None:
    lake.ratings(RUN, [(1, 1, 3), (1, 2, 4)])
    lake.load()
    columns = ("user_id", "movie_id", "rating", "rated_at")
    assert lake.rows("movielens_ratings", *columns) == [(1, 1, 3.0, None), (1, 2, 4.0, None)]
    assert lake.audit("movielens_ratings")[RUN]["unreadable"] == {}


def table(name: str) -> SilverTable:
    return next(table for table in all_tables() if table.name == name)


def test_every_table_is_declared_in_full() -> None:
    tables = all_tables()
    assert len({table.name for table in tables}) == len(tables) >= 6
    for each in tables:
        assert all(column.comment and column.type for column in each.columns)


# --- the publishers' real files ------------------------------------------------------------------

real_movielens = pytest.mark.skipif(not MOVIELENS.is_dir(), reason="only for ../shared/data")
real_tmdb = pytest.mark.skipif(not TMDB.is_dir(), reason="only for ../shared/data")

EXPECTED = {
    "movielens_movies": r"""
        WITH film AS (
            SELECT movieId, trim(regexp_replace(title, '\s+', ' ', 'g')) AS t, genres,
                   regexp_extract(t, '\((\d{4})(–\d{4})?\)$', 0) AS suffix
            FROM movies)
        SELECT movieId::BIGINT, trim(left(t, length(t) - length(suffix))),
               nullif(substr(suffix, 2, 4), '')::INT,
               CASE WHEN genres = '(no genres listed)' THEN [] ELSE string_split(genres, '|') END
        FROM film""",
    "movielens_ratings": """
        SELECT userId::BIGINT, movieId::BIGINT, rating::DOUBLE,
               strftime(make_timestamp("timestamp"::BIGINT * 1000000), '%Y-%m-%d %H:%M:%S')
        FROM ratings""",
    "movielens_tags": r"""
        SELECT userId::BIGINT, movieId::BIGINT, lower(written),
               arg_max(written, row), strftime(make_timestamp(
                   arg_max("timestamp", row)::BIGINT * 1000000), '%Y-%m-%d %H:%M:%S')
        FROM (SELECT *, trim(regexp_replace(tag, '\s+', ' ', 'g')) AS written,
                     row_number() OVER () AS row FROM tags)
        GROUP BY 1, 2, 3""",
    "movielens_links": """
        SELECT movieId::BIGINT, 'tt' || imdbId, nullif(tmdbId, '')::BIGINT FROM links""",
}


@real_movielens
def test_the_real_movielens_files(lake: Lake) -> None:
    database = duckdb.connect()
    for dataset in ("movies", "ratings", "tags", "links"):
        path = MOVIELENS / f"{dataset}.csv"
        database.execute(
            f"CREATE TABLE {dataset} AS SELECT * FROM "
            f"read_csv('{path}', header = true, all_varchar = true, nullstr = '\\N')"
        )
        with path.open(encoding="utf-8", newline="") as file:
            lake.put("movielens", dataset, RUN, csv.DictReader(file))
    lake.complete("movielens", RUN, units=4)
    lake.load()
    for name, sql in EXPECTED.items():
        columns = [field.name for field in table(name).fields]
        expected = sorted(database.execute(sql).fetchall(), key=repr)
        assert text_of_moments(lake, name, *columns) == expected
    read = {name: lake.audit(name)[RUN]["records_read"] for name in EXPECTED}
    assert read == {
        "movielens_movies": 9742,
        "movielens_ratings": 100836,
        "movielens_tags": 3683,
        "movielens_links": 9742,
    }
    assert lake.rows("quarantine") == []


@real_tmdb
def test_the_real_tmdb_answers(lake: Lake) -> None:
    answers = (json.loads(path.read_text()) for path in sorted(TMDB.glob("20*.json")))
    films = [film for answer in answers for film in answer]
    for number in range(0, len(films), 100):
        batch = films[number : number + 100]
        lake.put("tmdb", "discover_movie", RUN, batch, unit=f"{number:05}")
    lake.complete("tmdb", RUN, units=11)
    lake.load(sources=["tmdb"])
    expected = {}
    for film in films:
        day = film["release_date"]
        texts = ("title", "original_title", "original_language", "overview")
        expected[film["id"]] = (
            film["id"],
            *(" ".join(film[name].split()) or None for name in texts),
            date.fromisoformat(day) if day else None,
            int(day[:4]) if day else None,
            list(dict.fromkeys(film["genre_ids"])),
            film["popularity"],
            film["vote_average"] if film["vote_count"] else None,
            film["vote_count"],
            film["adult"],
            film["video"],
            film["poster_path"],
            film["backdrop_path"],
        )
    columns = [field.name for field in table("tmdb_movies").fields]
    assert lake.rows("tmdb_movies", *columns) == sorted(expected.values(), key=repr)
    audit = lake.audit("tmdb_movies")[RUN]
    assert audit["records_read"] == audit["records_valid"] == len(films)
    assert audit["records_duplicate"] == len(films) - len(expected)
