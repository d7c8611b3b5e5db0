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
DAY, TEXTS = pa.date32(), pa.list_(pa.string())


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
            "month": (DAY, [date(2020, 1, 1), date(2020, 2, 1), date(2021, 1, 1)]),
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
    write_people(home)
    write_anime(home)
    write_books(home)
    write_songs(home)
    return LocalLake(home)


def write_people(home: Home) -> None:
    write(
        home,
        "gold",
        "popular_people_by_decade",
        {
            "role": (TEXT, ["Actor", "Actor", "Director", "Actor"]),
            "name": (TEXT, ["Ann", "Sixth", "Cid", "Bob"]),
            "decade": (INT, [1990, 1990, 1990, 2000]),
            "num_movies": (BIG, [2, 1, 1, 1]),
            "num_ratings": (BIG, [30, 1, 7, 4]),
            "avg_rating": (REAL, [3.456, 5.0, 4.0, 2.0]),
            "rank_in_decade": (INT, [1, 6, 1, 1]),
        },
    )


def write_anime(home: Home) -> None:
    write(
        home,
        "gold",
        "dim_anime",
        {
            "anime_id": (BIG, [1, 2, 3, 4, 5]),
            "title": (TEXT, ["Bebop", "Monster", "Mushishi", "Planned", "No season"]),
            "type": (TEXT, ["TV", "TV", "TV", "Movie", "OVA"]),
            "season": (TEXT, ["spring", "spring", "winter", "spring", None]),
            "season_year": (INT, [1998, 1998, 1998, 1999, None]),
            "score": (REAL, [8.75, 8.8, None, None, 5.0]),
            "members": (BIG, [1000, 500, 10, 1, 3]),
        },
    )
    write(
        home,
        "gold",
        "bridge_anime_genre",
        {
            "anime_id": (BIG, [1, 1, 2, 3, 4, 5]),
            "genre": (TEXT, ["Action", "Drama", "Drama", "Mystery", "Drama", "Action"]),
        },
    )
    write(
        home,
        "gold",
        "bridge_anime_studio",
        {
            "anime_id": (BIG, [1, 2, 5, 3, 2]),
            "studio": (TEXT, ["Sunrise", "Madhouse", "Madhouse", "Artland", "Bones"]),
        },
    )
    write(
        home,
        "gold",
        "anime_genre_by_year",
        {
            "season_year": (INT, [1998, 1998, 1998, 1999]),
            "genre": (TEXT, ["Drama", "Action", "Mystery", "Drama"]),
            "num_anime": (BIG, [3, 1, 1, 1]),
            "avg_score": (REAL, [8.775, 8.75, None, None]),
            "sum_members": (BIG, [1500, 1000, 10, 1]),
        },
    )
    write(
        home,
        "gold",
        "anime_popularity",
        {
            "anime_id": (BIG, [1, 2, 3, 99]),
            "title": (TEXT, ["Bebop", "Monster", "Mushishi", None]),
            "num_ratings": (BIG, [200, 5, 0, 1]),
            "avg_rating": (REAL, [8.756, 10.0, None, 1.0]),
            "weighted_rating": (REAL, [8.5, 8.0, 7.5, 7.0]),
            "num_watching": (BIG, [10, 30, 0, 1]),
            "num_completed": (BIG, [180, 30, 0, 1]),
            "num_on_hold": (BIG, [5, 20, 0, 0]),
            "num_dropped": (BIG, [5, 10, 0, 1]),
            "num_plan_to_watch": (BIG, [0, 10, 7, 0]),
        },
    )


def write_books(home: Home) -> None:
    write(
        home,
        "gold",
        "books_per_year",
        {
            "author_key": (TEXT, ["/authors/1", "/authors/1", "/authors/2"]),
            "first_publish_year": (INT, [1905, 1900, 1900]),
            "author_name": (TEXT, ["Zoe", "Zoe", "Ann"]),
            "num_books": (BIG, [2, 1, 3]),
        },
    )
    write(
        home,
        "gold",
        "average_books_per_year",
        {
            "author_key": (TEXT, ["/authors/1", "/authors/2"]),
            "author_name": (TEXT, ["Zoe", "Ann"]),
            "num_books": (BIG, [3, 3]),
            "num_years": (BIG, [2, 1]),
            "average_books_per_year": (REAL, [1.5, 3.0]),
        },
    )


def write_songs(home: Home) -> None:
    write(
        home,
        "silver",
        "spotify_songs",
        {
            "song_id": (TEXT, ["duet", "solo", "never held"]),
            "artist_ids": (TEXTS, [["ann", "bob"], ["bob"], ["ann"]]),
        },
    )
    write(
        home,
        "gold",
        "artist_summary",
        {
            "artist_id": (TEXT, ["ann", "bob", "cid"]),
            "name": (TEXT, ["Ann", "Bob", "Of no song"]),
            "num_songs": (BIG, [2, 2, 0]),
            "num_albums": (BIG, [2, 1, 0]),
            "num_playlists": (BIG, [1, 1, 0]),
        },
    )
    monday, tuesday, friday = (date(2026, 3, day) for day in (2, 3, 6))
    write(
        home,
        "gold",
        "song_chart",
        {
            "playlist_id": (TEXT, ["p", "p", "p", "p", "q"]),
            "snapshot_date": (DAY, [friday, monday, tuesday, friday, friday]),
            "position": (BIG, [2, 3, 1, 1, 1]),
            "song_id": (TEXT, ["duet", "duet", "duet", "solo", "duet"]),
            "name": (TEXT, ["Duet", "Duet", "Duet", "Solo", "Duet"]),
            "artist_names": (TEXTS, [*[["Ann", "Bob"]] * 3, ["Bob"], ["Ann", "Bob"]]),
            "previous_position": (BIG, [1, None, 3, None, None]),
            "days_on_chart": (BIG, [3, 1, 2, 1, 1]),
        },
    )


EXPECTED = {
    "anime_genres_by_season": [
        (1999, "spring", 1, "Drama", 1, 1.0, None),
        (1998, "winter", 1, "Mystery", 1, 1.0, None),
        (1998, "spring", 1, "Drama", 2, 1.0, 8.78),
        (1998, "spring", 2, "Action", 1, 0.5, 8.75),
    ],
    "anime_genres_over_the_years": [
        (1999, 1, "Drama", 1, -2, None, 1),
        (1998, 1, "Drama", 3, 3, 8.78, 1500),
        (1998, 2, "Action", 1, 1, 8.75, 1000),
        (1998, 2, "Mystery", 1, 1, None, 10),
    ],
    "anime_studios": [
        ("Madhouse", 2, 2, 6.9, 503, "Monster", 1998, 1998),
        ("Artland", 1, 0, None, 10, None, 1998, 1998),
        ("Bones", 1, 1, 8.8, 500, "Monster", 1998, 1998),
        ("Sunrise", 1, 1, 8.75, 1000, "Bebop", 1998, 1998),
    ],
    "artists_on_playlists": [("Bob", 2, 1, 2, 1), ("Ann", 1, 1, 2, 2)],
    "average_books_per_year": [("Ann", 3, 1, 3.0), ("Zoe", 3, 2, 1.5)],
    "best_rated_films": [
        ("Often", 1995, 300, 4.4, 4.3),
        ("Seldom", 1994, 5, 5.0, 3.7),
        ("Middling", None, 50, 3.0, 3.2),
    ],
    "books_per_author_and_year": [
        ("Ann", 1900, 3, 3),
        ("Zoe", 1900, 1, 1),
        ("Zoe", 1905, 2, 3),
    ],
    "completed_or_dropped_anime": [
        (None, 1, 1, 0.5),
        ("Monster", 30, 10, 0.25),
        ("Bebop", 180, 5, 0.027),
    ],
    "highest_rated_anime": [
        ("Bebop", "TV", 1998, 200, 8.76, 8.5, 8.75),
        ("Monster", "TV", 1998, 5, 10.0, 8.0, 8.8),
        (None, None, None, 1, 1.0, 7.0, None),
    ],
    "most_popular_films": [
        ("Often", 1995, 300, 4.4, 36.9, 8.4, 13377),
        ("Middling", None, 50, 3.0, None, None, None),
        ("Seldom", 1994, 5, 5.0, None, None, None),
    ],
    "most_watched_anime": [
        ("Monster", 30, 30, 0.3, 10.0),
        ("Bebop", 10, 180, 0.05, 8.76),
        (None, 1, 1, 0.333, 1.0),
    ],
    "popular_genres": [
        (2000, 1, "Comedy", 1, 4, 1.0, 2.0),
        (1990, 1, "Drama", 1, 30, 0.75, 4.0),
        (1990, 2, "Comedy", 2, 10, 0.25, 3.46),
    ],
    "popular_people": [
        (2000, "Actor", 1, "Bob", 1, 4, 2.0),
        (1990, "Actor", 1, "Ann", 2, 30, 3.46),
        (1990, "Director", 1, "Cid", 1, 7, 4.0),
    ],
    "ratings_over_time": [(2020, 4, 4.0, 2, "2020-02"), (2021, 2, 2.0, 2, "2021-01")],
    "song_through_a_chart": [
        (date(2026, 3, 2), 3, None, None, 1, "Duet", "Ann, Bob"),
        (date(2026, 3, 3), 1, 3, 2, 2, "Duet", "Ann, Bob"),
        (date(2026, 3, 6), 2, 1, -1, 3, "Duet", "Ann, Bob"),
    ],
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
    assert set(EXPECTED) == {path.stem for path in paths}
    for path in paths:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("-- ")
        assert first.endswith("?")
