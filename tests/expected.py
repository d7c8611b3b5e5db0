"""The gold tables about films, computed from the publishers' files by DuckDB.

Written from the definitions and on purpose in another way than the project does it: nothing of
the project is imported, tags are joined to ratings row by row, means are taken over ratings.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

Row = Mapping[str, Any]

KEYS = {
    "movies_analytics": ("movie_id",),
    "genre_popularity": ("genre", "decade"),
    "ratings_by_month": ("month",),
    "tag_ratings_by_year": ("tag", "release_year"),
    "movie_scores": ("movie_id",),
}

BLANKS = r"[\s\x{00a0}\x{3000}]+"
YEAR = r"\s*\((\d{4})(?:[-–]\d{0,4})?\)$"

FILES = f"""
CREATE TABLE films AS
WITH named AS (
    SELECT movieId::BIGINT AS movie_id, trim(regexp_replace(title, '{BLANKS}', ' ', 'g')) AS name,
           genres
    FROM read_csv($folder || '/movies.csv', all_varchar = true, header = true)
)
SELECT
    movie_id,
    regexp_replace(name, '{YEAR}', '') AS title,
    try_cast(nullif(regexp_extract(name, '{YEAR}', 1), '') AS INTEGER) AS release_year,
    CASE WHEN genres = '(no genres listed)' THEN [] ELSE string_split(genres, '|') END AS genres
FROM named;

CREATE TABLE ratings AS
SELECT userId::BIGINT AS user_id, movieId::BIGINT AS movie_id, rating::DOUBLE AS rating,
       make_timestamp("timestamp"::BIGINT * 1000000) AS rated_at
FROM read_csv($folder || '/ratings.csv', all_varchar = true, header = true)
WHERE movie_id IN (SELECT movie_id FROM films);

CREATE TABLE film_tags AS
SELECT DISTINCT movieId::BIGINT AS movie_id,
       lower(trim(regexp_replace(tag, '{BLANKS}', ' ', 'g'))) AS tag
FROM read_csv($folder || '/tags.csv', all_varchar = true, header = true);

CREATE TABLE links AS
SELECT movieId::BIGINT AS movie_id, nullif(tmdbId, '')::BIGINT AS tmdb_id
FROM read_csv($folder || '/links.csv', all_varchar = true, header = true);

CREATE TABLE tmdb (
    tmdb_id BIGINT, release_date DATE, popularity DOUBLE, vote_average DOUBLE, vote_count BIGINT
);
"""

TABLES = {
    "movies_analytics": """
        SELECT
            movie_id,
            any_value(title) AS title,
            any_value(release_year) AS release_year,
            count(*) AS num_ratings,
            avg(rating) AS avg_rating,
            count(*) FILTER (rating > 3) AS num_positive,
            count(*) FILTER (rating <= 3) AS num_negative,
            (count(*) FILTER (rating > 3) - count(*) FILTER (rating <= 3)) / count(*)
                AS avg_discrepancy,
            0 AS num_reviews,
            count(*) / (count(*) + 50) * avg(rating)
                + 50 / (count(*) + 50) * (SELECT avg(rating) FROM ratings) AS weighted_rating
        FROM ratings JOIN films USING (movie_id)
        GROUP BY movie_id HAVING count(*) >= 5
    """,
    "genre_popularity": """
        SELECT genre, release_year // 10 * 10 AS decade, count(DISTINCT movie_id) AS num_movies,
               count(*) AS num_ratings, avg(rating) AS avg_rating
        FROM ratings JOIN (SELECT movie_id, release_year, unnest(genres) AS genre FROM films)
            USING (movie_id)
        WHERE release_year IS NOT NULL
        GROUP BY ALL
    """,
    "ratings_by_month": """
        SELECT make_date(year(rated_at), month(rated_at), 1) AS month, count(*) AS num_ratings,
               avg(rating) AS avg_rating, count(DISTINCT user_id) AS num_users,
               count(DISTINCT movie_id) AS num_movies
        FROM ratings
        GROUP BY ALL
    """,
    "tag_ratings_by_year": """
        SELECT tag, release_year, avg(rating) AS avg_rating, count(DISTINCT movie_id) AS num_movies,
               count(*) AS num_ratings
        FROM ratings JOIN films USING (movie_id) JOIN film_tags USING (movie_id)
        WHERE release_year IS NOT NULL
        GROUP BY ALL HAVING count(DISTINCT movie_id) >= 5
    """,
    "movie_scores": """
        SELECT
            movie_id,
            tmdb_id,
            title,
            release_date,
            popularity AS tmdb_popularity,
            vote_average AS tmdb_vote_average,
            vote_count AS tmdb_vote_count,
            (SELECT avg(rating) FROM ratings WHERE ratings.movie_id = films.movie_id)
                AS movielens_avg_rating,
            (SELECT count(*) FROM ratings WHERE ratings.movie_id = films.movie_id)
                AS movielens_num_ratings
        FROM films JOIN links USING (movie_id) JOIN tmdb USING (tmdb_id)
    """,
}


def discover_results(folder: Path) -> list[dict[str, Any]]:
    """Return every discover result in the JSON files under ``folder``, with or without envelope."""
    found = []
    for path in sorted(folder.rglob("*.json")):
        answer = json.loads(path.read_text(encoding="utf-8"))
        results = answer if isinstance(answer, list) else answer.get("results", [])
        found += [result for result in results if "genre_ids" in result]
    return found


def gold_tables(
    movielens: Path, tmdb: Iterable[Mapping[str, Any]] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each gold table, from a folder of MovieLens and TMDB's discover results.

    Where the results hold versions of a film that differ, movie_scores has a row for each.
    """
    connection = duckdb.connect()
    for statement in FILES.split(";")[:-1]:
        given = {"folder": str(movielens)} if "$folder" in statement else None
        connection.execute(statement, given)
    versions = {
        (
            film["id"],
            film.get("release_date") or None,
            film.get("popularity"),
            film.get("vote_average") if film.get("vote_count") else None,
            film.get("vote_count"),
        )
        for film in tmdb
    }
    if versions:
        connection.executemany("INSERT INTO tmdb VALUES (?, ?, ?, ?, ?)", list(versions))
    answers = {}
    for name, sql in TABLES.items():
        cursor = connection.execute(sql)
        columns = [column[0] for column in cursor.description]
        answers[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return answers


def assert_same(
    actual: Sequence[Row], expected: Sequence[Row], key: Sequence[str], tolerance: float = 1e-9
) -> None:
    """Fail unless the rows are the same, columns and keys exactly, numbers within ``tolerance``.

    Where ``expected`` has several rows of a key, one of them has to be met.
    """
    wanted = defaultdict(list)
    for row in expected:
        wanted[tuple(row[name] for name in key)].append(row)
    got = {tuple(row[name] for name in key): row for row in actual}
    assert len(got) == len(actual), "a key repeats"
    assert got.keys() == wanted.keys(), {
        "missing": sorted(map(str, wanted.keys() - got.keys()))[:5],
        "too many": sorted(map(str, got.keys() - wanted.keys()))[:5],
    }
    for values, row in got.items():
        assert any(_same(row, candidate, tolerance) for candidate in wanted[values]), (
            f"{row} is none of {wanted[values]}"
        )


def _same(actual: Row, expected: Row, tolerance: float) -> bool:
    if list(actual) != list(expected):
        return False
    return all(
        math.isclose(value, expected[name], rel_tol=tolerance, abs_tol=tolerance)
        if isinstance(value, float) and isinstance(expected[name], (int, float))
        else value == expected[name]
        for name, value in actual.items()
    )
